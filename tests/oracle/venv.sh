#!/bin/sh
# Makes the virtual environment with the ansible that we compare with, if it is not there yet, and
# prints the folder of its programs. Nothing outside the cache folder is touched.
# With `collections`, another one that has the community's collections too.
set -eu
version=2.14.18
cache="${XDG_CACHE_HOME:-$HOME/.cache}/vmstation-play/oracle"
# The libraries that answers were recorded with: PyYAML 6.0.4 merges lists of mappings in another order.
packages="ansible-core==$version PyYAML==6.0.3 Jinja2==3.1.6"
folder="$cache/ansible-core-$version"
if [ "${1-}" = collections ]; then
    packages="$packages ansible==7.7.0"
    folder="$cache/ansible-7.7.0"
fi
if [ "$(cat "$folder/complete" 2>/dev/null)" != "$packages" ]; then
    # ansible-core 2.14 runs on these; newer Pythons lack what it imports.
    python=
    for candidate in python3.11 python3.10 python3.9 python3; do
        if "$candidate" -c 'import sys, venv; sys.exit(not (3, 9) <= sys.version_info < (3, 12))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "oracle: ansible-core $version needs Python 3.9, 3.10 or 3.11 with its venv module" >&2
        exit 1
    fi
    mkdir -p "${folder%/*}"
    # Without the mark at its end, what an interrupted run left is made anew.
    rm -rf "$folder"
    "$python" -m venv "$folder" >&2
    # shellcheck disable=SC2086 # several words
    "$folder/bin/pip" install --quiet --disable-pip-version-check $packages >&2
    echo "$packages" >"$folder/complete"
fi
# What modules of answers with collections import: expect, htpasswd and xml.
extras="pexpect==4.9.0 passlib==1.7.4 lxml==4.9.4"
if [ "${1-}" = collections ] && [ "$(cat "$folder/extras" 2>/dev/null)" != "$extras" ]; then
    # shellcheck disable=SC2086 # several words
    "$folder/bin/pip" install --quiet --disable-pip-version-check $extras >&2
    echo "$extras" >"$folder/extras"
fi
echo "$folder/bin"
