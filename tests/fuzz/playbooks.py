#!/usr/bin/env python3
"""Makes mistakes by chance in the playbooks of the oracle's cases, and tells where ansible-core and we check their syntax differently.

Run by tests/fuzz/run.sh --playbooks, which knows where both are. Exit codes, output and errors are compared, down to the caret:
behind it stands advice, which is in our own words.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback

CASES = pathlib.Path(__file__).resolve().parents[1] / 'oracle/cases'
KEYS = ('name hosts tasks vars when loop with_items register become block rescue always roles handlers notify tags import_tasks include_tasks import_role '
        'include_role import_playbook vars_files environment delegate_to until retries delay async poll serial args gather_facts connection any_errors_fatal '
        'ignore_errors changed_when failed_when no_log run_once listen module_defaults collections vars_prompt debug copy set_fact command shell local_action '
        'action pre_tasks strategy order throttle port remote_user include meta loop_control label check_mode diff').split()
VALUES = ['', '[]', '{}', 'yes', 'no', '1', '0', '-1', '1.5', 'text', '"quoted"', "'q'", '[a, b]', '{a: b}', '"{{ x }}"', '{{ x }}', '{{ x }} y', 'a: b', '@x', '`x`',
          '%x', '*x', '&x y', '!vault |', '!unsafe x', '!x y', '|', '>', 'null', '~', '2020-01-01', '0x1f', '010', '1_000', '[{a: 1}, {b: 2}]', '{{ x', 'x }}', '"a',
          "'a", 'a"b"', '"a" b', "'a' b", 'a=b', 'a=b c=d', 'a=', '=b', '"a=b', 'all', '[1, 2]', '- x', 'é', '\u2028', '12:30:45', '.inf', '=', '<<']
# Seconds that a check may take.
PATIENCE = 60
# What names things in any order, as Python's sets have none, and what depends on how deep its stack is.
UNORDERED = [(re.compile(r'Valid booleans include: .*'), ''), (re.compile(r'(allowed in the following modules:) .*'), r'\1'),
             (re.compile(r"'\w+' is not a valid attribute for a (\w*Include)"), r'\1'),
             # Found when Python's stack ends, which may be in any of the roles.
             (re.compile(r'(A recursion loop was detected with the roles).*'), r'\1')]


def playbooks():
    """Names, texts and other files of the playbooks that ansible-core alone can load."""
    found = []
    for path in sorted(CASES.rglob('*.case')):
        text = path.read_text()
        if '\n--- collections' in text:
            continue
        files = {}
        for section in re.split(r'^--- ', text, flags=re.M)[1:]:
            head, _, body = section.partition('\n')
            given = re.fullmatch(r'file ([^/\s]\S*)', head)
            if given:
                files[given[1]] = re.sub(r'^\\--- ', '--- ', body, flags=re.M)
        for name, body in files.items():
            if name.endswith(('.yml', '.yaml')) and re.search(r'^\s*(- )?hosts:', body, re.M):
                others = {n: b for n, b in files.items() if n.endswith(('.yml', '.yaml', '.j2')) and n not in (name, 'site.yml')}
                found.append((f'{path.parent.name}/{path.stem}: {name}', body, others))
    return found


def mistaken(rng, text):
    """The text with one to three mistakes."""
    lines = text.split('\n')
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(lines))
        line = lines[at]
        middle = rng.randrange(len(line)) if line else 0
        match rng.randrange(14):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines[at] = '\t' + line
            case 3:
                lines[at] = ' ' + line
            case 4:
                lines[at] = line.removeprefix(' ')
            case 5:
                lines[at] = line[:middle] + rng.choice('"\'{}[]:,#&*!|>%@`-?=\t ') + line[middle:]
            case 6:
                lines[at] = line[:middle] + line[middle + 1:]
            case 7 | 8 | 9 | 10:
                lines[at] = re.sub(r'^(\s*(?:- )?[\w.]+:).*', lambda m: f'{m[1]} {rng.choice(VALUES)}', line)
            case 11:
                lines[at] = re.sub(r'^(\s*(?:- )?)[\w.]+:', lambda m: f'{m[1]}{rng.choice(KEYS)}:', line)
            case 12:
                indent = re.match(r'\s*(?:- )?', line)[0].replace('-', ' ')
                lines.insert(at + 1, f'{indent}{rng.choice(KEYS)}: {rng.choice(VALUES)}')
            case 13 if at + 1 < len(lines):
                lines[at], lines[at + 1] = lines[at + 1], lines[at]
        lines = lines or ['']
    return '\n'.join(lines)


def theirs(folder):
    """What ansible-core says, in a fork of this process: loading it takes far longer than a check."""
    from ansible.cli.playbook import PlaybookCLI
    import ansible.executor.playbook_executor  # noqa: F401  so that forks have it

    child = os.fork()
    if not child:
        status = 99
        try:
            os.chdir(folder)
            for number, name in ((1, '.out'), (2, '.err')):
                os.dup2(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
            sys.argv = ['ansible-playbook', '--syntax-check', 'site.yml']
            PlaybookCLI.cli_executor(sys.argv)
            status = 0
        except SystemExit as e:
            status = e.code if isinstance(e.code, int) else 1
        except BaseException:  # what ansible lets through is its answer
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, *(pathlib.Path(folder, name).read_text(errors='replace') for name in ('.out', '.err'))


def ours(program, folder):
    try:
        ran = subprocess.run(['ansible-playbook', '--syntax-check', 'site.yml'], executable=program, cwd=folder, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return None, '', 'hangs'
    return ran.returncode, ran.stdout.decode(errors='replace'), ran.stderr.decode(errors='replace')


def plain(answer):
    """An answer without what is not compared."""
    status, out, err = answer
    err = ' '.join(re.sub(r'\^ here\n.*', '^ here', err, flags=re.S).split())
    for found, kept in UNORDERED:
        err = found.sub(kept, err)
    return status, ' '.join(out.split()), err


def same(their, our):
    # Keys of tasks that are no text are an error with a place here, where ansible crashes.
    if their[0] == 250 and "object has no attribute 'startswith'" in their[2] and our[0] == 4:
        return True
    return plain(their) == plain(our)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('program', help='our program')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--most', type=int, default=0, help='so many differences are no failure')
    parser.add_argument('--each', type=int, default=2, help='so many examples of each kind')
    flags = parser.parse_args()
    program = os.path.abspath(flags.program)
    os.environ |= {'ANSIBLE_NOCOLOR': '1', 'COLUMNS': '200'}
    print(f'fuzz: seed {flags.seed}', flush=True)
    rng = random.Random(flags.seed)
    sources = playbooks()
    differences = collections.defaultdict(list)
    for _ in range(flags.count):
        name, text, others = rng.choice(sources)
        text = mistaken(rng, text)
        with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
            for path, body in (others | {'site.yml': text}).items():
                path = pathlib.Path(folder, path)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(body)
            answers = [theirs(folder), ours(program, folder)]
        if not same(*answers):
            kind = '  <>  '.join(re.sub(r"'[^']*'|\d+", '_', plain(a)[2])[-150:] for a in answers)
            differences[kind].append((name, text, answers))
    wrong = sum(map(len, differences.values()))
    for kind, found in sorted(differences.items(), key=lambda item: -len(item[1])):
        print(f'\n== {len(found)} x {kind}')
        for name, text, answers in sorted(found, key=lambda f: len(f[1]))[:flags.each]:
            print(f'  {name}: {text!r}\n    ansible: {answers[0]}\n    ours:    {answers[1]}')
    tolerated = wrong <= flags.most
    told = f'0 failed, {wrong} tolerated' if tolerated and wrong else f'{wrong} failed'
    print(f'\nfuzz: {flags.count - wrong} passed, {told} (seed {flags.seed})')
    sys.exit(0 if tolerated else 1)


if __name__ == '__main__':
    main()
