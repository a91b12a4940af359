#!/usr/bin/env python3
"""Fills in what ansible-core answers to the templates of src/template/recorded/templates: lines with `m` (the mode) and `t` alone.

Run by tests/fuzz/run.sh --record, which knows where ansible-core is. `--all` asks again about lines that have answers.
"""

import json
import os
import pathlib
import sys
import tempfile

import grammar
import templar

FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'src/template/recorded/templates'


def recorded(line, again, folder):
    case = json.loads(line)
    if not again and ('r' in case or 'c' in case):
        return line
    answer = templar.answer({'template': case['t'], 'mode': case['m'], 'vars': grammar.VARS}, folder)
    kept = {'m': case['m'], 't': case['t']}
    if 'result' in answer:
        kept |= {'r': answer['result']} | ({'unsafe': True} if answer['unsafe'] else {})
    else:
        kept |= {'c': answer['class'], 'e': answer['error']}
    return json.dumps(kept, ensure_ascii=False)


def main():
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
        os.chdir(folder)
        for name, text in grammar.FILES.items():
            pathlib.Path(name).write_text(text)
        for path in sorted(FOLDER.glob('*.jsonl')):
            lines = [recorded(line, '--all' in sys.argv, folder) for line in path.read_text().splitlines()]
            path.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
