#!/usr/bin/env python3
"""Renders templates made by chance with ansible-core's Templar and with us, and tells where the answers differ.

Run by tests/fuzz/run.sh, which knows where both are. Ends with status 1 if more answers differ than `--most` allows.
"""

import argparse
import collections
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import documents
import grammar
import templar

ADDRESS = re.compile(r' at 0x[0-9a-f]+')
# Classes of text, as messages name them, and the plain ones that they stand for.
CLASS_OF = {
    'ansible.utils.unsafe_proxy.AnsibleUnsafeText object': 'str object', 'markupsafe.Markup object': 'str object', 'AnsibleUnsafeText': 'str', 'Markup': 'str',
    'ansible.utils.unsafe_proxy.NativeJinjaUnsafeText object': 'ansible.utils.native_jinja.NativeJinjaText object', 'NativeJinjaUnsafeText': 'NativeJinjaText',
}
CLASSES = re.compile('|'.join(re.escape(name) for name in CLASS_OF))
BATCH = 500
# Seconds for a batch, of which a sane one takes two.
PATIENCE = 60


def ours(program, cases, folder):
    """Our answers to a batch of requests."""
    answers = []
    while len(answers) < len(cases):
        lines = ''.join(grammar.line(case) + '\n' for case in cases[len(answers):])
        with subprocess.Popen([program, 'template', '--search-path', folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as child:
            try:
                out, errors = child.communicate(lines, timeout=PATIENCE)
                why = f'stopped with {child.returncode}: {errors[-300:]}'
            except subprocess.TimeoutExpired:
                child.kill()
                out, why = child.communicate()[0], 'hangs'
        answers += [json.loads(ADDRESS.sub(' at 0x', line)) for line in out.split('\n')[:-1]]
        if len(answers) < len(cases):
            answers.append({'error': why, 'class': 'none: our program'})
    return answers


def same(theirs, our, mode):
    """Whether two answers are one. Undefined names are told by a class of their own inside ansible."""
    if 'result' in theirs:
        return theirs['result'] == our.get('result') and (theirs['unsafe'] == our['unsafe'] or mode == 'file')
    classes = {'jinja2.exceptions.UndefinedError': 'ansible.errors.AnsibleUndefinedVariable'}
    kind = our.get('class')
    return theirs.get('error') == our.get('error') and theirs['class'] == classes.get(kind, kind)


def explained(theirs, our, case):
    """Whether a difference is one of those that we mean to have (COMPATIBILITY.md)."""
    # Text that is made of unsafe text stays unsafe here, where Python sometimes forgets: that shows where its class is named.
    shown = [answer.get('error') or answer.get('result', '') for answer in (theirs, our)]
    plain = [CLASSES.sub(lambda found: CLASS_OF[found[0]], text) for text in shown]
    if plain[0] == plain[1] and shown[1].count('Unsafe') > shown[0].count('Unsafe'):
        return True
    # Both go on for ever.
    if theirs.get('error') == our.get('error') == 'hangs':
        return True
    # How deep Python's stack is depends on what happened before.
    if theirs.get('class') == our.get('class') == 'RecursionError':
        return True
    if 'error' in theirs or 'error' in our:
        return False
    # Sets have no order.
    theirs, our = theirs.get('result', ''), our.get('result', '')
    return our[:1] == '{' and sorted(our) == sorted(theirs)


def signature(theirs, our):
    """What groups differences that are probably one mistake."""
    def short(answer):
        if 'error' in answer:
            text = re.sub(r"'[^']*'|\"[^\"]*\"|\d+|\(.*", '_', answer['error'])
            return f"{answer['class']}: {text[-90:]}"
        return 'result'
    return f'{short(theirs)}  <>  {short(our)}'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', help='our program')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--count', type=int, default=5000)
    parser.add_argument('--seconds', type=float, default=0, help='stop after so long')
    parser.add_argument('--yaml', action='store_true', help='YAML instead of templates')
    parser.add_argument('--wild', action='store_true', help='calls with arguments that nobody would give them')
    parser.add_argument('--most', type=int, default=0, help='so many differences are no failure')
    parser.add_argument('--show', type=int, default=40, help='so many kinds of differences')
    parser.add_argument('--each', type=int, default=2, help='so many examples of each')
    parser.add_argument('--write', help='a file for all differences, as JSON lines')
    flags = parser.parse_args()
    program = os.path.abspath(flags.program)
    print(f'fuzz: seed {flags.seed}', flush=True)
    made = (documents if flags.yaml else grammar).Grammar(random.Random(flags.seed), flags.wild)
    differences = collections.defaultdict(list)
    ran, wrong, until = 0, 0, time.monotonic() + flags.seconds
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
        os.chdir(folder)
        for name, text in grammar.FILES.items():
            pathlib.Path(name).write_text(text)
        while ran < flags.count and (not flags.seconds or time.monotonic() < until):
            cases = [made.case() for _ in range(min(BATCH, flags.count - ran))]
            for case, our in zip(cases, ours(program, cases, folder)):
                theirs = templar.answer(case, folder)
                if not same(theirs, our, case['mode']) and not explained(theirs, our, case):
                    wrong += 1
                    differences[signature(theirs, our)].append((case, theirs, our))
            ran += len(cases)
    if flags.write:
        with open(flags.write, 'w') as out:
            for case, theirs, our in itertools.chain.from_iterable(differences.values()):
                print(json.dumps({'mode': case['mode'], 'template': case['template'], 'ansible': theirs, 'ours': our} | ({'vars': case['vars']} if flags.yaml else {})), file=out)
    for kind, found in sorted(differences.items(), key=lambda item: -len(item[1]))[:flags.show]:
        print(f'\n== {len(found)} x {kind}')
        for case, theirs, our in sorted(found, key=lambda f: len(str(f[0]['template'])) + len(str(f[0]['vars'])))[:flags.each]:
            given = f" with {case['vars']}" if flags.yaml else ''
            print(f"  {case['mode']}: {case['template']!r}{given}\n    ansible: {theirs}\n    ours:    {our}")
    tolerated = wrong <= flags.most
    told = f'0 failed, {wrong} tolerated' if tolerated and wrong else f'{wrong} failed'
    print(f'\nfuzz: {ran - wrong} passed, {told} (seed {flags.seed})')
    sys.exit(0 if tolerated else 1)


if __name__ == '__main__':
    main()
