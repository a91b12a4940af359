#!/usr/bin/env bash
# One playbook of 41 small tasks on five lab hosts, by ansible-core 2.14.18 with pipelining and by vmstation-play, in
# turns; prints every round, the medians and their ratio. README.md beside this says how to read it.
# usage: benches/run.sh [ROUNDS]     VMSTATION_PLAY=PROGRAM measures that one instead of building
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
ROUNDS=${1:-5}
# shellcheck source=tests/lab/install.sh
. "$ROOT/tests/lab/install.sh"

if [ -z "${VMSTATION_PLAY-}" ]; then
    need_rust
    (cd "$ROOT" && cargo build --release --quiet)
    VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/release/vmstation-play
fi
REAL=${ORACLE_BIN:-$("$ROOT/tests/oracle/venv.sh")}
WORK=$(mktemp -d)
mkdir "$WORK/bin"
ln -s "$(realpath "$VMSTATION_PLAY")" "$WORK/bin/ansible-playbook"
cp -r "$HERE/tasks41.yml" "$HERE/files" "$WORK"
printf '[defaults]\ninventory = inventory.yml\n[ssh_connection]\npipelining = True\n' >"$WORK/ansible.cfg"

lab() { "$ROOT/tests/lab/lab.sh" --name bench --hosts bench --owner $$ "$@"; }
trap 'lab down; rm -rf "$WORK"' EXIT
lab up
lab inventory >"$WORK/inventory.yml"

clean_hosts() {
    local n
    for n in 1 2 3 4 5; do lab exec "node$n" rm -rf /opt/bench & done
    wait
}

# play FOLDER: one run of that engine, "wall user system" in seconds; it must have done what the playbook says.
play() {
    clean_hosts
    (
        cd "$WORK"
        # shellcheck disable=SC2016
        lab in bash -c 'export PATH=$1:$PATH TIMEFORMAT="%R %U %S"
            time ansible-playbook tasks41.yml >output 2>errors' play "$1" 2>"$WORK/time"
    ) || {
        tail -n 30 "$WORK/output" "$WORK/errors" >&2
        exit 1
    }
    if [ "$(grep -cE '^node[1-5] .*ok=40 +changed=12 +unreachable=0 +failed=0 +skipped=1 ' "$WORK/output")" != 5 ]; then
        echo "this run did not do what the playbook says:" >&2
        cat "$WORK/output" >&2
        exit 1
    fi
    cat "$WORK/time"
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

echo "$(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg), $("$REAL/ansible-playbook" --version | head -n 1)"
play "$REAL" >/dev/null
play "$WORK/bin" >/dev/null
printf '%-6s %26s %26s\n' round 'ansible-core wall user sys' 'ours wall user sys'
for round in $(seq "$ROUNDS"); do
    real=$(play "$REAL")
    ours=$(play "$WORK/bin")
    printf '%-6s %26s %26s\n' "$round" "$real" "$ours"
    echo "${real%% *}" >>"$WORK/real"
    echo "${ours%% *}" >>"$WORK/ours"
done
real=$(median <"$WORK/real") ours=$(median <"$WORK/ours")
echo "median wall: ansible-core $real s, ours $ours s"
awk -v real="$real" -v ours="$ours" 'BEGIN { printf "ratio: %.1f\n", real / ours }'
