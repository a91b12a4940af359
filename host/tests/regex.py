"""Asks Python's re questions made by chance: regex.py SEED COUNT prints them, a JSON line each, with its answers."""

import json
import random
import re
import signal
import sys
import warnings

if sys.version_info[:2] != (3, 11):
    sys.exit("this is Python %d.%d; the answers wanted are of 3.11" % sys.version_info[:2])

LETTERS = "aaaabbbcAB1_ \n-.,é"
ODD = "ÉßſKİıſστςµμΩ中𐐀𐐨٣\u0345\u00a0\u2028\r\t\x1f#"
SPECIAL = "()[]{}?*+|^$\\.-:=!<>P#,&~ 019iamsx\n"
FLAGS = {"i": re.I, "m": re.M, "s": re.S, "x": re.X}


class Made:
    """A pattern under way."""

    def __init__(self, rng):
        self.rng = rng
        self.groups = 0
        self.open = set()
        self.names = []

    def character(self):
        rng = self.rng
        letter = rng.choice(ODD) if rng.random() < 0.12 else rng.choice(LETTERS)
        kind = rng.random()
        if kind < 0.9:
            return "\\" + letter if letter in ".-# \n" and rng.random() < 0.7 else letter
        code = ord(letter)
        if code < 0x80 and kind < 0.92:
            return "\\%03o" % code
        if code < 0x100 and kind < 0.95:
            return "\\x%02x" % code
        if code < 0x10000 and kind < 0.98:
            return "\\u%04x" % code
        return "\\U%08x" % code

    def member(self):
        rng = self.rng
        kind = rng.random()
        if kind < 0.2:
            return rng.choice(["\\d", "\\D", "\\s", "\\S", "\\w", "\\W"])
        if kind < 0.4:
            low, high = sorted([rng.choice(LETTERS + ODD), rng.choice(LETTERS + ODD)])
            return "%s-%s" % (re.escape(low), re.escape(high))
        if kind < 0.45:
            return rng.choice(["\\b", "\\n", "^", "-", "[", "|", "&&", "\\]", "$"])
        return self.character()

    def set(self):
        negated = "^" if self.rng.random() < 0.3 else ""
        members = [self.member() for _ in range(self.rng.randint(1, 3))]
        return "[%s%s]" % (negated, "".join(members))

    def reference(self):
        closed = [g for g in range(1, self.groups + 1) if g not in self.open]
        if not closed:
            return self.character()
        group = self.rng.choice(closed)
        names = [name for name, number in self.names if number == group]
        if names and self.rng.random() < 0.5:
            return "(?P=%s)" % names[0]
        return "\\%d" % group

    def group(self, depth):
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            self.groups += 1
            number = self.groups
            name = ""
            if rng.random() < 0.2:
                name = "?P<%s>" % "n%d" % number
                self.names.append(("n%d" % number, number))
            self.open.add(number)
            body = self.branches(depth - 1)
            self.open.discard(number)
            return "(%s%s)" % (name, body)
        if kind < 0.6:
            return "(?:%s)" % self.branches(depth - 1)
        if kind < 0.68:
            return "(?>%s)" % self.branches(depth - 1)
        if kind < 0.8:
            return "(?%s%s)" % (rng.choice("=!"), self.branches(depth - 1))
        if kind < 0.86:
            body = self.branches(0) if rng.random() < 0.5 else self.character() * rng.randint(1, 2)
            return "(?<%s%s)" % (rng.choice("=!"), body)
        if kind < 0.93:
            flags = rng.choice(["i", "-i", "s", "-s", "m", "x", "a", "i-s", "u", "ai", "ms-i"])
            return "(?%s:%s)" % (flags, self.branches(depth - 1))
        # Within a group that is asked for, CPython may see where it ended in an attempt that was given up.
        known = [group for group in range(1, self.groups + 2) if group not in self.open]
        if self.groups:
            group = rng.choice(known)
            no = "|" + self.sequence(depth - 1) if rng.random() < 0.7 else ""
            return "(?(%d)%s%s)" % (group, self.sequence(depth - 1), no)
        return "(?#%s)" % rng.choice(["", "a", "x y"])

    def atom(self, depth):
        kind = self.rng.random()
        if depth > 0 and kind < 0.3:
            return self.group(depth)
        if kind < 0.6:
            return self.character()
        if kind < 0.72:
            return self.set()
        if kind < 0.8:
            return self.rng.choice([".", ".", "\\w", "\\W", "\\d", "\\s", "\\S", "\\D"])
        if kind < 0.9:
            return self.rng.choice(["^", "$", "\\b", "\\B", "\\A", "\\Z", "", " "])
        return self.reference()

    def element(self, depth):
        atom = self.atom(depth)
        if self.rng.random() < 0.35:
            atom += self.rng.choice(
                ["*", "+", "?", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{0}", "{0,3}", "{2,3}"]
            )
            atom += self.rng.choice(["", "", "", "", "?", "?", "+"])
        return atom

    def sequence(self, depth):
        return "".join(self.element(depth) for _ in range(self.rng.choice([0, 1, 1, 2, 2, 3, 4])))

    def branches(self, depth):
        return "|".join(self.sequence(depth) for _ in range(self.rng.choice([1, 1, 1, 2, 2, 3])))


def pattern(rng):
    flags = rng.choice(["(?i)", "(?m)", "(?s)", "(?x)", "(?a)", "(?ia)", "(?im)"])
    made = (flags if rng.random() < 0.15 else "") + Made(rng).branches(rng.choice([1, 2, 3, 4]))
    while rng.random() < 0.08:
        at = rng.randint(0, len(made))
        piece = rng.choice(SPECIAL) if rng.random() < 0.8 else rng.choice(["(?P<", "(?P=n1)", "(?(", "\\x", "(?i", "[^]", "(?<="])
        made = made[:at] + piece + made[at + rng.choice([0, 0, 1]):]
    return made


def text(rng):
    letters = rng.choice([LETTERS, LETTERS, "ab", "aAbB\n", LETTERS + ODD, ODD])
    return "".join(rng.choice(letters) for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 12, 16])))


def replacement(rng):
    pieces = ["", "-", "x", "\\1", "\\2", "\\g<0>", "\\g<1>", "\\g<n1>", "\\n", "\\.", "\\0", "\\101", "é", "\\\\"]
    odd = ["\\", "\\y", "\\g", "\\g<", "\\g<x>", "\\g<-1>", "\\g< 1>", "\\777", "\\99", "\\g<1", "\\g<>"]
    return "".join(rng.choice(odd if rng.random() < 0.05 else pieces) for _ in range(rng.randint(0, 3)))


def spans(match):
    return match and [list(span) if span[0] >= 0 else None for span in [match.span(g) for g in range(match.re.groups + 1)]]


def ask(question):
    flags = 0
    for letter in question["flags"]:
        flags |= FLAGS[letter]
    subject, sought = question["text"], question["pattern"]
    if question["bytes"]:
        subject, sought = subject.encode(), sought.encode()
    compiled = re.compile(sought, flags)
    kind = question["kind"]
    if kind in ("search", "match", "fullmatch"):
        return spans(getattr(compiled, kind)(subject))
    if kind == "expand":
        match = compiled.search(subject)
        return match and match.expand(question["replacement"].encode()).hex()
    if kind == "finditer":
        return [spans(match) for match in compiled.finditer(subject)]
    if kind == "split":
        return compiled.split(subject, question["count"])
    return list(compiled.subn(question["replacement"], subject, question["count"]))


def late(*_):
    raise TimeoutError


def main():
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, late)
    rng = random.Random(int(sys.argv[1]))
    count = int(sys.argv[2])
    while count:
        is_bytes = rng.random() < 0.1
        kinds = ["search", "expand"] if is_bytes else ["search", "match", "fullmatch", "finditer", "finditer", "sub", "split"]
        question = {
            "kind": rng.choice(kinds),
            "bytes": is_bytes,
            "pattern": pattern(rng),
            "flags": "".join(flag for flag in FLAGS if rng.random() < 0.15),
            "text": text(rng),
            "replacement": replacement(rng),
            "count": rng.choice([0, 0, 0, 1, 2]),
        }
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            question["answer"] = ask(question)
        except TimeoutError:
            continue
        except SystemError:
            # Of its own mistakes Python knows this one: groups that end before they begin.
            continue
        except (re.error, IndexError, ValueError, OverflowError, RecursionError) as error:
            kind = "re.error" if type(error) is re.error else type(error).__name__
            question["error"] = [kind, str(error)]
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(question))
        count -= 1


main()
