//! Tables of Python's answers.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn pattern(text: &str) -> Arc<Pattern> {
    Pattern::new(text, Flags::default()).unwrap()
}

#[test]
fn substitution() {
    for (regex, replacement, text, result) in [
        ("x*", "-", "abxd", "-a-b--d-"),
        ("(a)(b)?", "[\\1|\\2|\\g<0>]", "abac", "[a|b|ab][a||a]c"),
        ("(?P<n>\\d+)", "<\\g<n>>", "a12b3", "a<12>b<3>"),
        ("$", "!", "a\nb\n", "a\nb!\n!"),
        ("(?m)^", "> ", "a\nb", "> a\n> b"),
        ("(?i)A", "x", "aA", "xx"),
        ("[[]", "(", "a[b", "a(b"),
        ("[a&&b]+", "_", "a&b", "_"),
        ("a{,2}b", "_", "aab", "_"),
        ("{x}", "_", "a{x}", "a_"),
        ("\\.", "\\.", "a.b", "a\\.b"),
        ("a", "\\n\\t", "a", "\n\t"),
        ("(?<=a)b", "_", "ab", "a_"),
        ("(a)\\1", "_", "aab", "_b"),
        ("\\bfoo\\b", "bar", "foo food", "bar food"),
        ("(?x) a  b # comment", "_", "ab", "_"),
        ("\\Aa|b\\Z", "_", "aab", "_a_"),
        ("(?:(a)|b)(?(1)c|d)", "_", "acbdad", "__ad"),
        ("", "-", "ab", "-a-b-"),
        ("\\<a\\>", "_", "<a>", "_"),
        ("[^\\]]+", "_", "ab]", "_]"),
        ("é+", "e", "éé", "e"),
        ("(?:a|ab)++c", "_", "abc aac", "abc _"),
        ("(?>a*)a|b", "_", "aab", "aa_"),
        ("a{1,2}+a", "_", "aa aaa", "aa _"),
        ("(?i:a)b", "_", "Ab AB", "_ AB"),
        ("(?i)(?-i:a)b", "_", "aB AB", "_ AB"),
        ("(?s:.)|.", "_", "a\n", "__"),
        ("(?i)\u{17f}k", "_", "SK s\u{212a}", "_ _"),
        ("(?a)\\w", "_", "aé", "_é"),
        ("(?<!a|b)c", "_", "ac bc cc", "ac bc __"),
        ("\\w\u{301}?", "_", "e\u{301}", "_"),
        ("\\d", "_", "1\u{663}", "__"),
        ("(?P<q>['\"]).*?(?P=q)", "_", "'a\"' \"b'\"", "_ _"),
        ("(a)|b", "<\\1>", "ab", "<a><>"),
        ("\\B", "_", "", ""),
        ("\\Z|^", "_", "a\n", "_a\n_"),
        (".*", "_", "ab\nc", "__\n__"),
    ] {
        assert_eq!(pattern(regex).sub(replacement, text, 0).unwrap(), result, "{regex}");
    }
    assert_eq!(pattern("a").sub("b", "aaa", 2).unwrap(), "bba");
}

#[test]
fn anchoring_and_finding() {
    assert!(pattern("a|ab").full_match("ab").unwrap().is_some());
    assert!(pattern("b").match_start("ab").unwrap().is_none());
    assert!(pattern("a$").search("a\n").unwrap().is_some());
    assert!(pattern("a\\Z").search("a\n").unwrap().is_none());
    let spans: Vec<_> =
        pattern("a*").find_all("baa", None).unwrap().iter().map(Match::range).collect();
    assert_eq!(spans, [(0, 0), (1, 3), (3, 3)]);
    let parts = pattern("(,) *").split("a, b,c", 0).unwrap();
    let parts: Vec<_> = parts.iter().map(|p| p.as_deref().unwrap()).collect();
    assert_eq!(parts, ["a", ",", "b", ",", "c"]);
}

#[test]
fn errors_of_patterns() {
    for (regex, message) in [
        ("(", "missing ), unterminated subpattern at position 0"),
        ("a)", "unbalanced parenthesis at position 1"),
        ("*", "nothing to repeat at position 0"),
        ("[a", "unterminated character set at position 0"),
        ("[]", "unterminated character set at position 0"),
        ("a**", "multiple repeat at position 2"),
        ("\\y", "bad escape \\y at position 0"),
        ("(?P<1>a)", "bad character in group name '1' at position 4"),
        ("x(?i)y", "global flags not at the start of the expression at position 1"),
        ("[b-a]", "bad character range b-a at position 1"),
        ("[\\d-z]", "bad character range \\d-z at position 1"),
        ("(?P=x)", "unknown group name 'x' at position 4"),
        ("\\8", "invalid group reference 8 at position 1"),
        ("(?P<a", "missing >, unterminated name at position 4"),
        ("a\\", "bad escape (end of pattern) at position 1"),
        (
            "(?P<n>a)(?P<n>b)",
            "redefinition of group name 'n' as group 2; was group 1 at position 12",
        ),
        ("(?<n>a)", "unknown extension ?<n at position 1"),
        ("(?z)", "unknown extension ?z at position 1"),
        ("\\x1", "incomplete escape \\x1 at position 0"),
        ("(?(2)a)", "invalid group reference 2 at position 3"),
        ("(?#", "missing ), unterminated comment at position 0"),
        ("(?<=a+)b", "look-behind requires fixed-width pattern"),
        (
            "(?<=(a)\\1)",
            "cannot refer to group defined in the same lookbehind subpattern at position 9",
        ),
        ("(a\\1)", "cannot refer to an open group at position 2"),
        ("(?i-", "missing flag at position 4"),
        ("(?i-i:a)", "bad inline flags: flag turned on and off at position 5"),
        ("(?L)a", "bad inline flags: cannot use 'L' flag with a str pattern at position 3"),
        ("a{2,1}", "min repeat greater than max repeat at position 2"),
        ("a\n(", "missing ), unterminated subpattern at position 2 (line 2, column 1)"),
        ("[\\400]", "octal escape value \\400 outside of range 0-0o377 at position 1"),
        ("^*", "nothing to repeat at position 1"),
        ("(?P<n\u{2028}>a)", "bad character in group name 'n\\u2028' at position 4"),
        ("(?(1)a|b|c)(x)", "conditional backref with more than two branches at position 8"),
        ("\\N{DASH}", "characters by name (\\N{DASH}) are not supported at position 0"),
    ] {
        let Err(e) = Pattern::new(regex, Flags::default()) else {
            unreachable!("{regex} compiled");
        };
        assert_eq!((e.message.as_str(), e.class), (message, "re.error"));
    }
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(pattern(&deep(200)).search("a").unwrap().is_some());
    let Err(e) = Pattern::new(&deep(100_000), Flags::default()) else {
        unreachable!("it compiled");
    };
    assert_eq!(
        (e.message.as_str(), e.class),
        ("maximum recursion depth exceeded", "RecursionError")
    );
}

#[test]
fn errors_of_replacements() {
    for (replacement, message) in [
        ("\\y", "bad escape \\y at position 0"),
        ("\\2", "invalid group reference 2 at position 1"),
        ("\\g<x>", "unknown group name 'x'"),
        ("\\g<", "missing group name at position 3"),
        ("\\g<1", "missing >, unterminated name at position 3"),
        ("\\", "bad escape (end of pattern) at position 0"),
        ("\\g", "missing < at position 2"),
        ("\\g<1a>", "bad character in group name '1a' at position 3"),
        ("\\400", "octal escape value \\400 outside of range 0-0o377 at position 0"),
    ] {
        assert_eq!(pattern("(a)").sub(replacement, "a", 0).unwrap_err().message, message);
    }
}

#[test]
fn escaping() {
    assert_eq!(escape("a.b c-d/é#"), "a\\.b\\ c\\-d/é\\#");
}

#[test]
fn bytes_are_not_text() {
    let found = |pattern: &str, text: &[u8]| {
        BytesPattern::new(pattern, Flags::default()).unwrap().search(text).unwrap().is_some()
    };
    for (pattern, text, expected) in [
        ("^a=\\d", &b"a=1\n"[..], true),
        ("x\\xff$", b"x\xff\n", true),
        ("\u{fc}", "f\u{fc}r".as_bytes(), true),
        ("f..r", "f\u{fc}r".as_bytes(), true),
        ("f.r", "f\u{fc}r".as_bytes(), false),
        ("\\w\\w\\w", "f\u{fc}r".as_bytes(), false),
        ("f\\b", "f\u{fc}r".as_bytes(), true),
        ("(?i)F\u{fc}", "f\u{fc}r".as_bytes(), true),
        ("(?i)\u{dc}", "\u{fc}".as_bytes(), false),
        ("(?i)^[b-d]+[^A]$", b"BcDb", true),
        ("(?i:a)b", b"Ab", true),
        ("(?i:a)b", b"AB", false),
        ("\\Bb", b"ab", true),
    ] {
        assert_eq!(found(pattern, text), expected, "{pattern}");
    }
    let pattern = BytesPattern::new("^(k)(.*)", Flags::default()).unwrap();
    let line = b"k\xff\n";
    let found = pattern.search(line).unwrap().unwrap();
    assert_eq!(found.expand("\\2\u{fc}\\g<1>").unwrap(), b"\xff\xc3\xbck");
    assert!(BytesPattern::new("\\u0041", Flags::default()).is_err());
}
