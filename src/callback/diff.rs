//! Unified diffs as Python's `difflib` makes them.

use std::collections::HashMap;

use super::{Colour, Display, render::ResultText};
use crate::value::{Dict, Value};

/// The text of a result's `diff`: one diff or several.
pub fn render(diff: &Value, options: &dyn ResultText, context: usize, display: &Display) -> String {
    let all = match diff {
        Value::List(items) => items.snapshot(),
        other => vec![other.clone()],
    };
    all.iter().filter_map(Value::as_dict).map(|d| one(d, options, context, display)).collect()
}

fn one(diff: &Dict, options: &dyn ResultText, context: usize, display: &Display) -> String {
    let mut text = String::new();
    for (key, what) in [("dst_binary", "destination"), ("src_binary", "source")] {
        if diff.contains(key) {
            text.push_str(&format!("diff skipped: {what} file appears to be binary\n"));
        }
    }
    for (key, what) in [("dst_larger", "destination"), ("src_larger", "source")] {
        if let Some(size) = diff.get(key) {
            let size = size.to_text();
            text.push_str(&format!("diff skipped: {what} file size is greater than {size}\n"));
        }
    }
    if let (Some(before), Some(after)) = (diff.get("before"), diff.get("after")) {
        let header = |key: &str, word: &str| {
            diff.get(key).map_or_else(|| word.to_owned(), |h| format!("{word}: {}", h.to_text()))
        };
        let lines = unified(
            &side(&before, options),
            &side(&after, options),
            &header("before_header", "before"),
            &header("after_header", "after"),
            context,
        );
        for line in &lines {
            let colour = match line.as_bytes().first() {
                Some(b'+') => Some(Colour::DiffAdd),
                Some(b'-') => Some(Colour::DiffRemove),
                _ if line.starts_with("@@") => Some(Colour::DiffLines),
                _ => None,
            };
            text.push_str(&colour.map_or_else(|| line.clone(), |c| display.paint(line, c)));
        }
        if !lines.is_empty() {
            text.push('\n');
        }
    }
    if let Some(prepared) = diff.get("prepared") {
        text.push_str(&prepared.to_text());
    }
    text
}

fn side(value: &Value, options: &dyn ResultText) -> String {
    match value {
        Value::None => String::new(),
        Value::Dict(_) => options.diff_side(value),
        other => other.to_text(),
    }
}

/// Lines with their ends; a last line without one says so.
fn lines_of(text: &str) -> Vec<String> {
    let mut lines: Vec<String> =
        crate::value::text::split_lines(text, true).into_iter().map(str::to_owned).collect();
    if let Some(last) = lines.last_mut()
        && !last.ends_with('\n')
    {
        last.push_str("\n\\ No newline at end of file\n");
    }
    lines
}

/// The lines of a unified diff.
pub fn unified(before: &str, after: &str, from: &str, to: &str, context: usize) -> Vec<String> {
    let (a, b) = (lines_of(before), lines_of(after));
    let mut out = Vec::new();
    for group in grouped(&opcodes(&a, &b), context) {
        if out.is_empty() {
            out.push(format!("--- {from}\n"));
            out.push(format!("+++ {to}\n"));
        }
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        out.push(format!(
            "@@ -{} +{} @@\n",
            range(first.a.0, last.a.1),
            range(first.b.0, last.b.1)
        ));
        for op in &group {
            if op.equal {
                out.extend(a[op.a.0..op.a.1].iter().map(|l| format!(" {l}")));
                continue;
            }
            out.extend(a[op.a.0..op.a.1].iter().map(|l| format!("-{l}")));
            out.extend(b[op.b.0..op.b.1].iter().map(|l| format!("+{l}")));
        }
    }
    out
}

fn range(start: usize, stop: usize) -> String {
    match stop - start {
        1 => format!("{}", start + 1),
        0 => format!("{start},0"),
        n => format!("{},{n}", start + 1),
    }
}

#[derive(Clone, Copy, Debug)]
struct Op {
    equal: bool,
    a: (usize, usize),
    b: (usize, usize),
}

type Match = (usize, usize, usize);

/// Python's matching: the longest common stretch first, then both sides of it; lines that make up
/// over one in a hundred of a long text don't count as a beginning.
fn opcodes(a: &[String], b: &[String]) -> Vec<Op> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (j, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(j);
    }
    if b.len() >= 200 {
        let limit = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= limit);
    }
    let mut matches: Vec<Match> = Vec::new();
    let mut queue = vec![(0, a.len(), 0, b.len())];
    while let Some((alo, ahi, blo, bhi)) = queue.pop() {
        let (i, j, n) = longest(a, b, &places, (alo, ahi, blo, bhi));
        if n == 0 {
            continue;
        }
        matches.push((i, j, n));
        if alo < i && blo < j {
            queue.push((alo, i, blo, j));
        }
        if i + n < ahi && j + n < bhi {
            queue.push((i + n, ahi, j + n, bhi));
        }
    }
    matches.sort_unstable();
    matches.push((a.len(), b.len(), 0));
    let mut ops: Vec<Op> = Vec::new();
    let (mut i, mut j) = (0, 0);
    for (ai, bj, n) in matches {
        if i < ai || j < bj {
            ops.push(Op { equal: false, a: (i, ai), b: (j, bj) });
        }
        if n > 0 {
            match ops.last_mut().filter(|o| o.equal && o.a.1 == ai && o.b.1 == bj) {
                Some(last) => {
                    last.a.1 += n;
                    last.b.1 += n;
                }
                None => ops.push(Op { equal: true, a: (ai, ai + n), b: (bj, bj + n) }),
            }
        }
        (i, j) = (ai + n, bj + n);
    }
    ops
}

fn longest(
    a: &[String],
    b: &[String],
    places: &HashMap<&str, Vec<usize>>,
    (alo, ahi, blo, bhi): (usize, usize, usize, usize),
) -> Match {
    let (mut besti, mut bestj, mut best) = (alo, blo, 0);
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (i, line) in a.iter().enumerate().take(ahi).skip(alo) {
        let mut next: HashMap<usize, usize> = HashMap::new();
        for &j in places.get(line.as_str()).map_or(&[][..], Vec::as_slice) {
            if j < blo {
                continue;
            }
            if j >= bhi {
                break;
            }
            let k = j.checked_sub(1).and_then(|p| lengths.get(&p)).copied().unwrap_or(0) + 1;
            next.insert(j, k);
            if k > best {
                (besti, bestj, best) = (i + 1 - k, j + 1 - k, k);
            }
        }
        lengths = next;
    }
    while besti > alo && bestj > blo && a[besti - 1] == b[bestj - 1] {
        (besti, bestj, best) = (besti - 1, bestj - 1, best + 1);
    }
    while besti + best < ahi && bestj + best < bhi && a[besti + best] == b[bestj + best] {
        best += 1;
    }
    (besti, bestj, best)
}

/// Changes with their surroundings, split where too much stays the same.
fn grouped(ops: &[Op], n: usize) -> Vec<Vec<Op>> {
    let mut ops = ops.to_vec();
    if ops.is_empty() {
        return Vec::new();
    }
    if let Some(first) = ops.first_mut().filter(|o| o.equal) {
        first.a.0 = first.a.0.max(first.a.1.saturating_sub(n));
        first.b.0 = first.b.0.max(first.b.1.saturating_sub(n));
    }
    if let Some(last) = ops.last_mut().filter(|o| o.equal) {
        last.a.1 = last.a.1.min(last.a.0 + n);
        last.b.1 = last.b.1.min(last.b.0 + n);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Op> = Vec::new();
    for mut op in ops {
        if op.equal && op.a.1 - op.a.0 > 2 * n {
            group.push(Op {
                equal: true,
                a: (op.a.0, op.a.1.min(op.a.0 + n)),
                b: (op.b.0, op.b.1.min(op.b.0 + n)),
            });
            groups.push(std::mem::take(&mut group));
            op.a.0 = op.a.0.max(op.a.1.saturating_sub(n));
            op.b.0 = op.b.0.max(op.b.1.saturating_sub(n));
        }
        group.push(op);
    }
    if !(group.is_empty() || group.len() == 1 && group[0].equal) {
        groups.push(group);
    }
    groups.retain(|g| !(g.len() == 1 && g[0].equal));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diffs_as_difflib_does() {
        let diff = unified("a\nb\nc\n", "a\nx\nc", "before", "after", 3).concat();
        assert_eq!(
            diff,
            "--- before\n+++ after\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n+x\n+c\n\\ No newline at end of \
             file\n"
        );
        assert!(unified("a\n", "a\n", "before", "after", 3).is_empty());
        assert_eq!(
            unified("", "a\n", "before", "after", 3).concat(),
            "--- before\n+++ after\n@@ -0,0 +1 @@\n+a\n"
        );
    }
}
