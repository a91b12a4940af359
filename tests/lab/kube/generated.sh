#!/usr/bin/env bash
# A tree that `vmstation-play generate` wrote, deployed on a real Kubernetes in the lab: three control planes behind HAProxy
# and keepalived, two workers. Deploys it, again, renews its certificates, and takes the first control plane's power away.
# Ends with `kube: N passed, M failed`. `generated.sh help` tells more.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
# shellcheck source=tests/lab/install.sh
. "$HERE/../install.sh"
# shellcheck source=tests/lab/kube/checks.sh
. "$HERE/checks.sh"

usage() {
    cat <<U
usage: generated.sh [OPTION...]

  --keep             leaves hosts and logs for a look (take them down with: tests/lab/lab.sh --name $NAME down)
  --there            goes on with the hosts that --keep left, as they are
  --name NAME        the lab's name (default: kubeha)

VMSTATION_PLAY=PROGRAM takes that program; PROFILE=release builds with optimisation.
U
}

KEEP=false THERE=false UP=false NAME=kubeha NET=10.231.79 SET=kubeha
while [ $# -gt 0 ]; do
    case $1 in
        --name) NAME=$2 && shift ;;
        --keep) KEEP=true ;;
        --there) THERE=true ;;
        help | -h | --help) usage && exit ;;
        *) echo "generated.sh: unknown: $1" >&2 && usage >&2 && exit 2 ;;
    esac
    shift
done
# shellcheck source=tests/lab/kube/deployment.sh
. "$HERE/deployment.sh"
TREE=$WORK/tree INVENTORY=$WORK/tree/inventory/hosts.yml
CONTROL_PLANES='cp1 cp2 cp3'
ADDRESS=$NET.60

describe() {
    cat <<-D
	name: lab
	hosts:
	  cp1: {address: $NET.11, os: debian-12, role: control_plane}
	  cp2: {address: $NET.12, os: debian-12, role: control_plane}
	  cp3: {address: $NET.13, os: debian-12, role: control_plane}
	  worker1: {address: $NET.14, os: debian-12, role: storage}
	  worker2: {address: $NET.15, os: debian-12, role: compute}
	networks: {subnet: $NET.0/24, api_load_balancer: haproxy, api_address: $ADDRESS}
	applications: {jellyfin: false}
	D
}

bring_up() {
    ! $THERE || return 0
    rm -rf "$WORK"
    mkdir -p "$WORK/logs" "$WORK/artifacts" "$TREE"
    describe >"$TREE/cluster.yaml"
    boot_hosts
}

generate() { "$VMSTATION_PLAY" generate --vault-password-file "$VAULT_PASSWORD_FILE" "$@" "$TREE/cluster.yaml"; }

# kubectl on a worker, through the address before the API.
from_outside() { on worker1 kubectl --kubeconfig=/etc/kubernetes/kubelet.conf --server="https://$ADDRESS:8443" "$@"; }

# These are called in conditions, too, where a shell goes on after a failure.
are_ready() {
    local host
    for host; do from_outside wait --for=condition=Ready "node/$host" --timeout=60s || return 1; done
}

# For connections that are lost while somebody else takes over.
patiently() {
    local _
    for _ in $(seq 60); do
        if "$@"; then return; fi
        sleep 2
    done
    return 1
}

# How many members of etcd a control plane's own knows to be started.
etcd_members() {
    local host=$1
    on "$host" kubectl --kubeconfig=/etc/kubernetes/admin.conf --namespace kube-system exec "etcd-$host" -- etcdctl \
        --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/peer.crt \
        --key=/etc/kubernetes/pki/etcd/peer.key member list | tee /dev/stderr | grep -c ', started,'
}

has_three_members() { is "$(etcd_members "$1")" 3; }

all_are_ready() {
    # shellcheck disable=SC2086
    are_ready $CONTROL_PLANES worker1 worker2 || return 1
    has_three_members cp2
}

# The address is at one control plane, and the API is behind it.
one_has_the_address() {
    local host count=0 addresses
    for host in $CONTROL_PLANES; do
        addresses=$(on "$host" ip -brief address)
        echo "$addresses"
        ! grep -q "$ADDRESS/" <<<"$addresses" || count=$((count + 1))
    done
    is $count 1
    from_outside get nodes
}

# What a certificate's number is, by host.
serials() {
    local host
    for host in $CONTROL_PLANES; do on "$host" openssl x509 -noout -serial -in /etc/kubernetes/pki/apiserver.crt; done
}

certificates_are_renewed() {
    local before after
    before=$(serials)
    deploy rotate --yes -e certificate_rotation_force=true
    after=$(serials)
    printf '%s\n' "$before" "$after"
    is "$(printf '%s\n' "$before" "$after" | sort -u | wc -l)" 6
    all_are_ready
}

# The API answers without the control plane that made it, and so does a node that wants to know.
survives_the_first() {
    lab kill cp1
    patiently are_ready cp2 cp3 worker1 worker2
    lab boot cp1
    patiently has_three_members cp1
    patiently all_are_ready
}

need_packages python3
find_program
bring_up
trap '$KEEP || lab down' EXIT
$THERE || check 'a tree is generated' generate
check 'generated again it is the same' generate --check
check "deploy to $($THERE && echo 'what is there' || echo 'fresh hosts')" deploy all --yes
check 'five nodes and three members of etcd' all_are_ready
check 'one control plane has the address before the API' one_has_the_address
check 'deploy again changes nothing' changes_nothing deploy all --yes
check 'the seven checkpoints' deploy verify
check 'certificates are renewed, one control plane after the other' certificates_are_renewed
check 'the first control plane may lose its power' survives_the_first
check 'deploy after that changes nothing but what it has to' deploy all --yes
check 'reset' deploy reset --yes
printf 'kube: %d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
