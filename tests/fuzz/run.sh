#!/usr/bin/env bash
# Compares templates made by chance with ansible-core 2.14.18: run.sh [--seed N] [--count N] [--seconds N] ...
# ORACLE_BIN names a folder with ansible's programs, PROGRAM our program; without them they are made.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
BIN=${ORACLE_BIN:-$(tests/oracle/venv.sh)}
if [ -z "${PROGRAM:-}" ]; then
    cargo build --locked --quiet
    PROGRAM=target/debug/vmstation-play
fi
# Both read the environment, and sets print in an order that depends on the seed.
exec env PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 TZ=UTC \
    "$BIN/python" tests/fuzz/fuzz.py "$PROGRAM" "$@"
