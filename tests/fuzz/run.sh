#!/usr/bin/env bash
# Compares templates made by chance with ansible-core 2.14.18: run.sh [--seed N] [--count N] [--seconds N] ...
# With --record, asks ansible-core about the lines of src/template/recorded/templates that have no answer yet.
# With --suite FOLDER, asks it about the YAML test suite, of which FOLDER is a copy.
# With --playbooks, compares how the syntax of playbooks with mistakes made by chance is checked.
# ORACLE_BIN names a folder with ansible's programs, PROGRAM our program; without them they are made.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
WITH=
for word; do
    if [ "$word" = --collections ]; then WITH=collections; fi
done
BIN=${ORACLE_BIN:-$(tests/oracle/venv.sh $WITH)}
# Both read the environment, and sets print in an order that depends on the seed.
PYTHON=(env "ANSIBLE_CONFIG=$HERE/ansible.cfg" PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 TZ=UTC "$BIN/python")
if [ "${1:-}" = --record ]; then
    exec "${PYTHON[@]}" tests/fuzz/record.py "${@:2}"
fi
if [ "${1:-}" = --suite ]; then
    exec "${PYTHON[@]}" tests/fuzz/suite.py "${@:2}"
fi
if [ -z "${PROGRAM:-}" ]; then
    cargo build --locked --quiet
    PROGRAM=target/debug/vmstation-play
fi
if [ "${1:-}" = --playbooks ]; then
    exec "${PYTHON[@]}" tests/fuzz/playbooks.py "$PROGRAM" "${@:2}"
fi
# Templates may ask about the files that are open: the same kind for both.
"${PYTHON[@]}" tests/fuzz/fuzz.py "$PROGRAM" "$@" 2>&1 | cat
