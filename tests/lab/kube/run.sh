#!/usr/bin/env bash
# The homelab on a real Kubernetes: boots its three hosts in the lab, deploys to them with deploy.sh as to the real ones
# (lab-vars.yml is all that differs), again, breaks things and deploys again, takes it apart and deploys again. Installs and
# builds what that takes (Debian, Ubuntu; root or sudo), and ends with `kube: N passed, M failed`. `run.sh help` tells more.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
# shellcheck source=tests/lab/install.sh
. "$HERE/../install.sh"
# shellcheck source=tests/lab/kube/checks.sh
. "$HERE/checks.sh"
# shellcheck source=tests/lab/kube/recovery.sh
. "$HERE/recovery.sh"

usage() {
    cat <<U
usage: run.sh [OPTION...]

  --loops N          how often to reset and deploy again (default: 1)
  --recovery CASES   what to break: all (default), none, or names with commas between them:
$(recovery_cases | sed 's/^/                       /')
  --up               boots the hosts, prints how to deploy to them, and leaves them
  --there            goes on with the hosts that --up or --keep left, as they are
  --keep             leaves hosts and logs for a look (take them down with: tests/lab/lab.sh --name $NAME down)
  --name NAME        the lab's name (default: kube)

ENGINE=ansible deploys with ansible-core, VMSTATION_PLAY=PROGRAM with that program; PROFILE=release builds with optimisation.
U
}

LOOPS=1 RECOVERY=all KEEP=false UP=false THERE=false NAME=kube NET=10.231.78
while [ $# -gt 0 ]; do
    case $1 in
        --loops) LOOPS=$2 && shift ;;
        --recovery) RECOVERY=$2 && shift ;;
        --name) NAME=$2 && shift ;;
        --keep) KEEP=true ;;
        --up) UP=true ;;
        --there) THERE=true ;;
        help | -h | --help) usage && exit ;;
        *) echo "run.sh: unknown: $1" >&2 && usage >&2 && exit 2 ;;
    esac
    shift
done
SET=kube
[ "${ENGINE:-vmstation-play}" = vmstation-play ] || SET=kubepython
# shellcheck source=tests/lab/kube/deployment.sh
. "$HERE/deployment.sh"

# The homelab's own inventory with the lab's addresses, and everything that hangs on it as it is.
write_inventory() {
    mkdir -p "$WORK/inventory"
    sed -E "s/192\.168\.4\.63/$NET.11/; s/192\.168\.4\.61/$NET.12/; s/192\.168\.4\.62/$NET.13/" "$ROOT/inventory/hosts.yml" \
        >"$WORK/inventory/hosts.yml"
    ln -sfn "$ROOT/inventory/group_vars" "$WORK/inventory/group_vars"
    ln -sfn "$ROOT/inventory/host_vars" "$WORK/inventory/host_vars"
}

bring_up() {
    ! $THERE || return 0
    rm -rf "$WORK"
    mkdir -p "$WORK/logs" "$WORK/artifacts"
    write_inventory
    boot_hosts
}

need_packages python3
find_program
bring_up
if $UP; then
    echo "deploy with: ENGINE=$ENGINE VMSTATION_PLAY=${VMSTATION_PLAY:-} VAULT_PASSWORD_FILE=$VAULT_PASSWORD_FILE" \
        "$HERE/../lab.sh --name $NAME in $ROOT/deploy.sh all --with-rke2 --yes -i $WORK/inventory/hosts.yml -- ${LAB_VARS[*]}"
    exit
fi
trap '$KEEP || lab down' EXIT
check 'only hosts of the lab can be reached' only_the_lab
check "deploy to $($THERE && echo 'what is there' || echo 'fresh hosts')" deploy all --with-rke2 --yes
check 'every node is Ready' nodes_are_ready
check 'the versions that were asked for run, and are held' versions_are_held
check 'deploy again changes nothing' changes_nothing deploy all --with-rke2 --yes
check 'the seven checkpoints of both clusters' deploy verify --with-rke2
check 'the kubeconfigs that were fetched open both clusters' fetched_kubeconfigs
rbac_checks
for case in $(recovery_chosen "$RECOVERY"); do
    check "recovery: $(recovery_title "$case")" "recovery_$case"
done
for ((loop = 1; loop <= LOOPS; loop++)); do
    check "reset $loop" deploy reset --with-rke2 --yes
    check "nothing is left after reset $loop" nothing_is_left
    check "deploy $loop after it" deploy all --with-rke2 --yes
    check "every node is Ready after deploy $loop" nodes_are_ready
done
printf 'kube: %d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
