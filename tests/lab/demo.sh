#!/usr/bin/env bash
# Builds vmstation-play, boots three hosts on this machine in a network of their own, plays demo/site.yml on them twice,
# shows what they became, and takes everything down again. Installs what it needs (Debian, Ubuntu; root or sudo).
# PROFILE=dev builds without optimisation, VMSTATION_PLAY=PROGRAM builds nothing.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
# shellcheck source=tests/lab/install.sh
. "$HERE/install.sh"

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
lab() { "$HERE/lab.sh" --name demo --owner $$ "$@"; }

if [ -z "${VMSTATION_PLAY-}" ]; then
    title "building (the first time takes some minutes)"
    need_rust
    profile=${PROFILE:-release}
    (cd "$ROOT" && cargo build --locked --profile "$profile")
    VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/${profile/#dev/debug}/vmstation-play
fi

trap 'lab down' EXIT
title "booting three hosts"
lab up
lab status

WORK=$(mktemp -d)
trap 'lab down; rm -rf "$WORK"' EXIT
cp -r "$HERE/demo/." "$WORK"
lab inventory >"$WORK/inventory.yml"
chmod -R go+rX "$WORK"
cd "$WORK"

color=0
[ ! -t 1 ] || color=1
play() {
    title "vmstation-play -i inventory.yml site.yml"
    local status=0 from=$EPOCHREALTIME
    lab in env ANSIBLE_FORCE_COLOR=$color "$VMSTATION_PLAY" -i inventory.yml site.yml | tee play.out || status=$?
    echo "took $(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }') s"
    return $status
}
# counts HOST: its line of the recap without colours
counts() { sed 's/\x1b\[[0-9;]*m//g' play.out | grep -E "^$1 +: ok="; }

play
for host in masternode storagenodet3500 homelab; do counts "$host" | grep -qE 'changed=[1-9].* failed=0 '; done
counts homelab | grep -q 'rescued=1'

title "and once more: nothing of the first play is left to do"
play

title "what the hosts became"
for host in masternode storagenodet3500 homelab; do
    echo "-- $host"
    # shellcheck disable=SC2016
    lab exec "$host" sh -c '. /etc/os-release
        echo "$PRETTY_NAME, Python: $(command -v python3 || echo none)"
        cat /srv/demo-page
        echo "lab-daemon is $(systemctl is-active lab-daemon), its changes were counted $(wc -l </var/log/demo-changes) time"
        cat /var/log/kubeadm-join-failure.log 2>/dev/null || true'
done
[ "$(lab exec homelab sh -c 'wc -l </var/log/demo-changes')" = 1 ]
title "the demo is done, the hosts are gone"
