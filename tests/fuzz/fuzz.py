#!/usr/bin/env python3
"""Renders templates made by chance with ansible-core's Templar and with us, and tells where the answers differ.

Run by tests/fuzz/run.sh, which knows where both are. Ends with status 1 if more answers differ than `--most` allows.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import documents
import grammar
import templar

# Classes of text, as messages name them, and the plain ones that they stand for.
CLASS_OF = {
    'ansible.utils.unsafe_proxy.AnsibleUnsafeBytes': 'bytes', 'AnsibleUnsafeBytes': 'bytes',
    'ansible.utils.unsafe_proxy.AnsibleUnsafeText object': 'str object', 'markupsafe.Markup object': 'str object', 'AnsibleUnsafeText': 'str', 'Markup': 'str',
    'ansible.utils.unsafe_proxy.NativeJinjaUnsafeText object': 'ansible.utils.native_jinja.NativeJinjaText object', 'NativeJinjaUnsafeText': 'NativeJinjaText',
}
CLASSES = re.compile('|'.join(re.escape(name) for name in CLASS_OF))
SURROGATES = re.compile(r'\\udc[89a-f][0-9a-f]')
SET = re.compile(r'{[^:}]+}')
# Filters that make sets of what is no list.
SETS = ['difference', 'intersect', 'union']
BATCH = 500
# Seconds for a batch, of which a sane one takes two on a machine with nothing else to do.
PATIENCE = 60


# What everything is rendered for: a host of the inventory beside this file.
HOST, INVENTORY = 'alpha', 'hosts'


def ours(program, cases, folder):
    """Our answers to a batch of requests."""
    command = [program, 'template', '--search-path', folder, '--inventory', INVENTORY, '--host', HOST]
    answers = []
    hangs = 'hangs'
    while len(answers) < len(cases):
        lines = ''.join(grammar.line(case) + '\n' for case in cases[len(answers):])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder) as child:
            try:
                out, errors = child.communicate(lines, timeout=PATIENCE)
                why = f'stopped with {child.returncode}: {errors[-300:]}'
            except subprocess.TimeoutExpired:
                child.kill()
                out, why = child.communicate()[0], hangs
        given = [json.loads(templar.steady(line)) for line in out.split('\n')[:-1]]
        answers += given
        # A slow machine has the rest asked again: what hangs doesn't answer even then.
        if len(answers) < len(cases) and not (given and why == hangs):
            answers.append({'error': why, 'class': 'none: our program'})
    return answers


def same(theirs, our, mode):
    """Whether two answers are one. Undefined names are told by a class of their own inside ansible."""
    if 'result' in theirs:
        return theirs['result'] == our.get('result') and (theirs['unsafe'] == our['unsafe'] or mode == 'file')
    # What stands for bytes that are no text has a character of its own in our messages.
    theirs['error'] = re.sub('[\udc80-\udcff]', lambda found: chr(0x10FF00 + ord(found[0]) - 0xDC00), theirs['error'])
    classes = {'jinja2.exceptions.UndefinedError': 'ansible.errors.AnsibleUndefinedVariable'}
    kind = our.get('class')
    return theirs.get('error') == our.get('error') and theirs['class'] == classes.get(kind, kind)


def explained(theirs, our, case):
    """Whether a difference is one of those that we mean to have (COMPATIBILITY.md)."""
    # Text that is made of unsafe text stays unsafe here, where Python sometimes forgets: that shows where its class is named.
    shown = [answer.get('error') or answer.get('result', '') for answer in (theirs, our)]
    plain = [CLASSES.sub(lambda found: CLASS_OF[found[0]], text) for text in shown]
    if plain[0] == plain[1] and ('UnsafeBytes' in shown[0] or shown[1].count('Unsafe') > shown[0].count('Unsafe')):
        return True
    # What unsafe text makes of a sum shows it, too.
    if shown[1] == "'NotImplemented'" and 'unsupported operand type(s) for +: ' in shown[0]:
        return True
    # Both go on for ever.
    if our.get('error') == 'hangs' and 'hangs' in theirs.get('error', ''):
        return True
    # How deep Python's stack is depends on what happened before.
    if all('maximum recursion depth exceeded' in answer.get('error', '') for answer in (theirs, our)):
        return True
    # The same of what hostvars hold, where nothing but the mark shows it.
    if 'result' in theirs and shown[0] == shown[1] and our.get('unsafe') and 'hostvars' in str(case['template']):
        return True
    # A number is an open file, of which both sides have others.
    if 'Bad file descriptor' in shown[0]:
        return True
    # Where the library passlib is, it has its own words.
    if 'secret must be unicode or bytes, not ' in shown[0] and 'crypt() argument 1 must be str, not ' in shown[1]:
        return True
    if 'error' in theirs or 'error' in our:
        return False
    theirs, our = theirs.get('result', ''), our.get('result', '')
    # Bytes that are no text are kept, and shown in JSON as what stands for them there.
    if '\ufffd' in our and SURROGATES.sub('\ufffd', theirs) == our:
        return True
    # Sets have no order.
    made = any(name in str(case['template']) for name in SETS)
    return (made or our[:1] == '{') and sorted(our) == sorted(theirs)


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
    parser.add_argument('--collections', action='store_true', help='also what collections bring; ansible has to have them')
    parser.add_argument('--most', type=int, default=0, help='so many differences are no failure')
    parser.add_argument('--show', type=int, default=40, help='so many kinds of differences')
    parser.add_argument('--each', type=int, default=2, help='so many examples of each')
    parser.add_argument('--write', help='a file for all differences, as JSON lines')
    flags = parser.parse_args()
    program = os.path.abspath(flags.program)
    print(f'fuzz: seed {flags.seed}', flush=True)
    made = (documents if flags.yaml else grammar).Grammar(random.Random(flags.seed), flags.wild)
    if flags.collections:
        made.add_collections()
    written = open(flags.write, 'w') if flags.write else None
    inventory = pathlib.Path(__file__).resolve().with_name(INVENTORY)
    differences = collections.defaultdict(list)
    ran, wrong, until = 0, 0, time.monotonic() + flags.seconds
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
        os.chdir(folder)
        for name, text in grammar.FILES.items():
            pathlib.Path(name).write_text(text)
        shutil.copytree(inventory, INVENTORY)
        templar.render_for(HOST, INVENTORY)
        while ran < flags.count and (not flags.seconds or time.monotonic() < until):
            cases = [made.case() for _ in range(min(BATCH, flags.count - ran))]
            for case, our in zip(cases, ours(program, cases, folder)):
                theirs = templar.answer(case, folder)
                if not same(theirs, our, case['mode']) and not explained(theirs, our, case):
                    wrong += 1
                    differences[signature(theirs, our)].append((case, theirs, our))
                    if written:
                        request = case if flags.yaml else {key: case[key] for key in ('mode', 'template')}
                        print(json.dumps(request | {'ansible': theirs, 'ours': our}), file=written, flush=True)
            ran += len(cases)
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
