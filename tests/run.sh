#!/usr/bin/env bash
# All tests, from nothing: installs what they need (Debian, Ubuntu; root or sudo), then formatting, clippy, unit tests,
# the architecture, the oracle (every recorded case, and a sample asked of ansible-core again), the lab and the demo.
# Goes on after a failure, and ends with the sum of what passed and failed.
set -Eeuo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
# shellcheck source=tests/lab/install.sh
. tests/lab/install.sh

PASSED=0 FAILED=0 TOLD=()
LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT

# part NAME COMMAND...: runs it and adds up the counts that it prints: cargo's "test result:", the harnesses' "…: N passed,
# N failed". A part without counts is one check.
part() {
    local name=$1 from=$SECONDS status=0 passed failed
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$LOG" || status=$?
    read -r passed failed < <(sed -nE 's/^(test result: [a-zA-Z]+\.|[a-z]+:) ([0-9]+) passed[,;] ([0-9]+) failed.*/\2 \3/p' "$LOG" |
        awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
    if [ $((passed + failed)) = 0 ]; then
        if [ $status = 0 ]; then passed=1; fi
    fi
    if [ $status != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
    TOLD+=("$(printf '%-28s %5d passed %3d failed %5d s' "$name" "$passed" "$failed" $((SECONDS - from)))")
}

install() {
    need_rust
    need_packages python3 python3-venv openssh-server sudo sshpass shellcheck subversion rsync bzip2 xz-utils
    need_lab
}

printf '== installing what is missing\n'
install
part 'formatting' cargo fmt --all --check
part 'shell scripts' shellcheck -x tests/run.sh tests/oracle/venv.sh tests/lab/lab.sh tests/lab/demo.sh tests/lab/kube/run.sh \
    tests/lab/kube/generated.sh tests/lab/kube/rke2/install.sh tests/lab/kube/rke2/bin/* tests/lab/kube/flannel/* \
    tests/fuzz/run.sh benches/run.sh benches/listing.sh
part 'clippy' cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
part 'clippy of the lab tests' cargo clippy --locked --test lab --quiet -- -D warnings
part 'unit and other tests' cargo test --locked --workspace --no-fail-fast
part 'oracle, live sample' env ORACLE_LIVE="${ORACLE_LIVE:-10}" cargo test --locked --test oracle
part 'fuzz' tests/fuzz/run.sh --seed 17 --count 5000
part 'fuzz, YAML' tests/fuzz/run.sh --yaml --seed 11 --count 5000
# Of templates that nobody has seen, a few in ten thousand still differ.
part 'fuzz, another seed' tests/fuzz/run.sh --seed "${FUZZ_SEED:-$RANDOM}" --count "${FUZZ_COUNT:-5000}" --most 5
part 'fuzz, YAML, another seed' tests/fuzz/run.sh --yaml --seed "${FUZZ_SEED:-$RANDOM}" --count "${FUZZ_COUNT:-5000}" --most 2
part 'fuzz, playbooks' tests/fuzz/run.sh --playbooks --seed "${FUZZ_SEED:-$RANDOM}" --count 200 --most 6
part 'lab' cargo test --locked --test lab
part 'demo' env PROFILE=dev tests/lab/demo.sh
part 'homelab' env VMSTATION_PLAY="${CARGO_TARGET_DIR:-$ROOT/target}/debug/vmstation-play" tests/homelab/check.sh
# Builds Kubernetes from source first.
if [ "${KUBE:-yes}" = yes ]; then
    export VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/debug/vmstation-play
    part 'homelab on Kubernetes' tests/lab/kube/run.sh --loops "${KUBE_LOOPS:-2}" --recovery "${KUBE_RECOVERY:-all}"
    part 'generated, on Kubernetes' tests/lab/kube/generated.sh
else
    TOLD+=("$(printf '%-28s NOT RUN, as KUBE=%s says' 'homelab on Kubernetes' "$KUBE")")
fi

printf '\n'
printf '%s\n' "${TOLD[@]}"
printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
