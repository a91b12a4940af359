#!/usr/bin/env bash
# Test hosts on this machine: systemd-nspawn containers with real systemd and sshd, in a network namespace of their own.
# Nothing of it reaches another network, and `down` leaves nothing but the cache.
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${VMSTATION_LAB_CACHE:-/var/tmp/vmstation-lab}

usage() {
    cat <<'U'
usage: lab.sh [--name NAME] [--net A.B.C] [--hosts SET] [--owner PID] COMMAND

  up                 boots the hosts of a set (default: homelab); those of a failed or killed run are removed first
  down               stops them and removes everything but the cache
  status             a line for each host
  exec HOST CMD...   runs CMD as root on HOST, without ssh
  in [--home DIR] [CMD...]
                     runs CMD on this machine inside the lab's network, with the lab's keys and known_hosts as ~/.ssh
  ssh HOST [CMD...]  the system's ssh, from inside the network
  cut HOST           takes its link down        heal HOST   and up again
  kill HOST          as if its power failed     poweroff HOST   shuts it down
  boot HOST          starts it again            reset HOST  throws away all its changes and boots it
  inventory          prints the inventory       env         prints the lab's variables
  possible           ends with 0 if this machine can run such hosts, else says why not
  build              makes the cached trees and packages    clean   removes cached ones that are out of date

--name lets several labs be up at once (default: lab), each with its own --net (default: 10.231.77).
--hosts: homelab (masternode with Python, storagenodet3500, homelab), python (the same three, Python on all),
bench (node1 to node5, with Python), kube and kubepython (the homelab's three, fit for Kubernetes),
kubeha (three control planes and two workers). --owner: the lab goes down by itself when that process ends.
U
}

say() { echo "lab: $*" >&2; }
die() {
    say "$*"
    exit 1
}

# shellcheck source=tests/lab/install.sh
. "$HERE/install.sh"
# shellcheck source=tests/lab/packages.sh
. "$HERE/packages.sh"
# shellcheck source=tests/lab/trees.sh
. "$HERE/trees.sh"
# shellcheck source=tests/lab/host.sh
. "$HERE/host.sh"
# shellcheck source=tests/lab/kube/build.sh
. "$HERE/kube/build.sh"
# shellcheck source=tests/lab/kube/trees.sh
. "$HERE/kube/trees.sh"

NAME=${VMSTATION_LAB_NAME:-lab} NET=10.231.77 SET=homelab OWNER=
while [ $# -gt 0 ]; do
    case $1 in
        --name) NAME=$2 && shift 2 ;;
        --net) NET=$2 && shift 2 ;;
        --hosts) SET=$2 && shift 2 ;;
        --owner) OWNER=$2 && shift 2 ;;
        -h | --help | help) usage && exit ;;
        *) break ;;
    esac
done
[[ $NAME =~ ^[a-z][a-z0-9]{0,7}$ ]] || die "a lab's name is up to 8 lower-case letters and digits: $NAME"
LAB=$CACHE/labs/$NAME
SPACE=vmlab-$NAME

# The machine's name, last byte of the address and kind of each host of a set; its group.
hosts_of_set() {
    case $1 in
        homelab) printf '%s\n' 'masternode 11 python monitoring_nodes' 'storagenodet3500 12 debian storage_nodes' \
            'homelab 13 rhel compute_nodes' ;;
        python) printf '%s\n' 'masternode 11 python monitoring_nodes' 'storagenodet3500 12 python storage_nodes' \
            'homelab 13 rhel compute_nodes' ;;
        bench) printf 'node%s 2%s python bench_nodes\n' 1 1 2 2 3 3 4 4 5 5 ;;
        kube | kubepython) printf '%s\n' 'masternode 11 kube monitoring_nodes' 'storagenodet3500 12 kube storage_nodes' \
            'homelab 13 kuberhel compute_nodes' ;;
        kubeha) printf '%s\n' 'cp1 11 kube monitoring_nodes' 'cp2 12 kube monitoring_nodes' 'cp3 13 kube monitoring_nodes' \
            'worker1 14 kube storage_nodes' 'worker2 15 kube compute_nodes' ;;
        *) die "no such set of hosts: $1" ;;
    esac
}

# The homelab's own network is never this one's.
guard_net() {
    [[ $1 =~ ^10\.[0-9]{1,3}\.[0-9]{1,3}$ ]] || die "a lab's network is 10.x.y, not $1"
}

# logged LOG COMMAND...: its output goes to LOG, and is shown when it fails (see at_exit).
SHOW_LOG=
logged() {
    SHOW_LOG=$1
    shift
    (set -Eeuo pipefail && trap 'unlayer' EXIT && "$@") >"$SHOW_LOG" 2>&1
    SHOW_LOG=
}

UNDO=
at_exit() {
    local status=$?
    [ -z "$SHOW_LOG" ] || cat "$SHOW_LOG" >&2
    if [ -n "$UNDO" ]; then
        say "giving up, taking everything down"
        take_down || true
    fi
    exit $status
}

as_root_only() {
    [ "$(id -u)" = 0 ] && return
    { command -v sudo && { [ -t 0 ] || sudo -n true; }; } >/dev/null 2>&1 || die "this must run as root, or with sudo"
    exec sudo --preserve-env=VMSTATION_LAB_CACHE,VMSTATION_LAB_NAME,CI -- "$HERE/lab.sh" \
        --name "$NAME" --net "$NET" --hosts "$SET" ${OWNER:+--owner "$OWNER"} "$@"
}

load() {
    [ -e "$LAB/about" ] || die "the lab \`$NAME\` is not up"
    # shellcheck disable=SC1091
    . "$LAB/about"
}

build() {
    need_lab
    mkdir -p "$CACHE/labs"
    exec 8>"$CACHE/lock"
    flock 8
    build_packages
    # shellcheck disable=SC2046
    build_trees $(hosts_of_set "$SET" | cut -d' ' -f3 | sort -u)
    exec 8>&-
    case $SET in kube*) build_kube ;; esac
}

up() {
    guard_net "$NET"
    build
    exec 9>"$CACHE/labs/$NAME.lock"
    flock 9
    take_down
    trap 'exit 130' INT TERM HUP
    UNDO=yes
    mkdir -p "$LAB"
    printf 'NET=%q SET=%q\n' "$NET" "$SET" >"$LAB/about"
    raise_inotify_limit
    make_network
    make_keys
    local host number kind _
    while read -r host number kind _; do
        new_host "$host" "$number" "$kind"
        boot "$host"
    done < <(hosts_of_set "$SET")
    hosts_of_set "$SET" | while read -r host _; do wait_for_ssh "$host"; done
    write_inventory >"$LAB/inventory.yml"
    [ -z "$OWNER" ] || setsid "$HERE/lab.sh" --name "$NAME" --owner "$OWNER" watch \
        </dev/null >/dev/null 2>&1 8>&- 9>&- &
    UNDO=
}

make_network() {
    ip netns add "$SPACE"
    ip -n "$SPACE" link set lo up
    ip -n "$SPACE" link add br0 type bridge
    ip -n "$SPACE" addr add "$NET.1/24" dev br0
    ip -n "$SPACE" link set br0 up
}

# Two keys open every account that keys open: one plain, one with the passphrase key-secret.
make_keys() {
    local dir=$LAB/home/.ssh
    mkdir -p "$dir"
    chmod 700 "$dir"
    ssh-keygen -q -t ed25519 -N '' -C plain -f "$dir/id_ed25519"
    ssh-keygen -q -t ed25519 -N key-secret -C locked -f "$dir/id_locked"
    ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f "$dir/id_other_rsa"
    ssh-keygen -q -t ecdsa -N '' -C ecdsa -f "$dir/id_other_ecdsa"
    cat "$dir"/*.pub >"$LAB/authorized_keys"
    : >"$dir/known_hosts"
    chmod 755 "$LAB" "$LAB/home"
    # shellcheck disable=SC2153
    [ -z "${SUDO_UID-}" ] || chown -R "$SUDO_UID:$SUDO_GID" "$LAB/home"
}

# 128 instances, the default, are used up by the systemds of two dozen hosts; the machine keeps the higher limit.
raise_inotify_limit() {
    local file=/proc/sys/fs/inotify/max_user_instances
    [ "$(cat $file)" -ge 512 ] || echo 1024 >$file || say "$file could not be raised"
}

write_inventory() {
    local host number kind group
    echo "all:"
    echo "  children:"
    local last=
    while read -r host number kind group; do
        if [ "$group" != "$last" ]; then printf '    %s:\n      hosts:\n' "$group" && last=$group; fi
        printf '        %s:\n          ansible_host: %s.%s\n' "$host" "$NET" "$number"
        if [ "$kind" = rhel ]; then
            printf '          %s\n' 'ansible_user: admin' 'ansible_become: true' 'ansible_become_method: sudo' \
                'ansible_become_password: admin-secret'
        else
            printf '          ansible_user: root\n'
        fi
    done < <(hosts_of_set "$SET")
}

hosts_there() {
    [ ! -d "$LAB/hosts" ] || ls "$LAB/hosts"
}

# Ends what runs in the lab's network, its hosts first, and removes what `up` made. Says nothing of what is not there.
take_down() {
    local host pid
    if [ -e "$LAB/about" ]; then
        for host in $(hosts_there); do kill_host "$host"; done
        for host in $(hosts_there); do remove_host "$host"; done
    fi
    if [ -e "/run/netns/$SPACE" ]; then
        for pid in $(ip netns pids "$SPACE"); do
            [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null || true
        done
        ip netns del "$SPACE"
    fi
    rm -rf --one-file-system "$LAB"
}

# Takes the lab down when its owner is gone.
watch() {
    while kill -0 "$OWNER" 2>/dev/null; do
        [ -e "$LAB/about" ] || exit 0
        sleep 1
    done
    take_down
}

# Runs a command of this machine inside the lab's network. A mount namespace of its own puts the lab's keys where
# OpenSSH looks for them: it takes the home folder from the user database, not from HOME.
in_lab() {
    local home=$LAB/home
    if [ "${1-}" = --home ]; then home=$(realpath "$2") && shift 2; fi
    [ $# -gt 0 ] || set -- "${SHELL:-/bin/bash}"
    local real
    real=$(getent passwd "${SUDO_UID:-$(id -u)}" | cut -d: -f6)
    # shellcheck disable=SC2016
    exec nsenter --net="/run/netns/$SPACE" unshare --mount --propagation private -- bash -c '
        real=$1 home=$2 uid=$3 gid=$4 names=$5
        shift 5
        mkdir -p -m 700 "$real/.ssh" "$home/.ssh"
        mount --bind "$home/.ssh" "$real/.ssh"
        mount --bind "$names" /etc/hosts
        export HOME=$home
        [ -z "$uid" ] || exec setpriv --reuid "$uid" --regid "$gid" --init-groups -- "$@"
        exec "$@"
    ' in_lab "$real" "$home" "${SUDO_UID-}" "${SUDO_GID-}" "$LAB/names" "$@"
}

status() {
    local host number kind group state
    echo "$NAME: $NET.0/24, namespace $SPACE, files in $LAB"
    while read -r host number kind group; do
        state=down
        [ -z "$(leader "$host")" ] || state=up
        printf '%-18s %s.%s  %-7s %-16s %s\n' "$host" "$NET" "$number" "$kind" "$group" "$state"
    done < <(hosts_of_set "$SET")
}

# Hosts need mounts and network namespaces; a plain container may allow neither.
possible() {
    [ "$(uname -s)" = Linux ] || die "this is not Linux"
    command -v apt-get >/dev/null || command -v mmdebstrap >/dev/null || die "there is neither apt nor mmdebstrap here"
    local dir
    dir=$(mktemp -d)
    # shellcheck disable=SC2016
    unshare --mount --net -- sh -c '
        mkdir -p "$1/l" "$1/m" && mount -t tmpfs tmpfs "$1/m" && mkdir "$1/m/u" "$1/m/w" "$1/m/r" &&
        mount -t overlay overlay -o "lowerdir=$1/l,upperdir=$1/m/u,workdir=$1/m/w" "$1/m/r"' possible "$dir" 2>/dev/null ||
        { rm -rf "$dir" && die "this machine lets nobody mount overlays or make network namespaces"; }
    rm -rf "$dir"
}

# Removes trees and packages that the scripts would not make any more.
clean() {
    local keep path
    keep=" $(tree_dir debian) $(tree_dir python) $(tree_dir lists) $(tree_dir rhel) $(tree_dir kube) $(tree_dir kuberhel) $(packages_dir) "
    for path in "$CACHE"/tree-* "$CACHE"/packages-*; do
        [ -e "$path" ] || continue
        case $keep in *" ${path%.*} "* | *" $path "*) ;; *) rm -rf --one-file-system "$path" ;; esac
    done
}

[ $# -gt 0 ] || { usage >&2 && exit 2; }
as_root_only "$@"
trap at_exit EXIT
command=$1
shift
case $command in
    up | build | clean | possible) "$command" ;;
    down) take_down && rm -f "$CACHE/labs/$NAME.lock" ;;
    watch) watch ;;
    supervise) load && supervise "$1" ;;
    status) load && status ;;
    env) load && printf 'LAB_NET=%s\nLAB_DIR=%s\nLAB_INVENTORY=%s\n' "$NET" "$LAB" "$LAB/inventory.yml" ;;
    inventory) load && cat "$LAB/inventory.yml" ;;
    in) load && in_lab "$@" ;;
    ssh) load && in_lab ssh "$@" ;;
    exec) load && on_host "$@" ;;
    cut) load && link "$1" down ;;
    heal) load && link "$1" up ;;
    kill) load && cut_power "$1" ;;
    poweroff) load && power_off "$1" ;;
    boot) load && boot "$1" && wait_for_ssh "$1" ;;
    reset) load && reset "$1" ;;
    *) die "no such command: $command (lab.sh help)" ;;
esac
