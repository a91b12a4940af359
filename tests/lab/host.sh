# Sourced by lab.sh. One host: a folder $LAB/hosts/NAME with
#   up/ work/ root/   the overlay: what the host changed, and the whole as it sees it
#   ssh/              its host keys, which a reset keeps
#   about             NUMBER (last byte of its address), KIND, LOWER (the trees under it) and PACKAGES, which stay what
#                     they were when the lab came up, whatever becomes of the scripts meanwhile
#   supervisor, nspawn   process ids; cgroups   the cgroups made for it

host_dir() {
    local dir=$LAB/hosts/$1
    [ -e "$dir/about" ] || die "no such host in the lab \`$NAME\`: $1"
    echo "$dir"
}

new_host() {
    local host=$1 number=$2 kind=$3 dir=$LAB/hosts/$1
    mkdir -p "$dir/ssh"
    printf 'NUMBER=%q KIND=%q LOWER=%q PACKAGES=%q\n' "$number" "$kind" "$(lower_dirs "$kind")" "$(packages_dir)" \
        >"$dir/about"
    ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$dir/ssh/ssh_host_ed25519_key"
    ssh-keygen -q -t ecdsa -N '' -C "$host" -f "$dir/ssh/ssh_host_ecdsa_key"
    local key
    for key in "$dir"/ssh/*.pub; do
        echo "$host,$NET.$number $(cut -d' ' -f1,2 "$key")" >>"$LAB/home/.ssh/known_hosts"
    done
    [ -e "$LAB/names" ] || printf '127.0.0.1 localhost\n::1 localhost\n%s.1 controller\n' "$NET" >"$LAB/names"
    echo "$NET.$number $host" >>"$LAB/names"
}

# lay_root HOST: mounts its overlay and writes what differs from host to host.
lay_root() {
    local host=$1 dir NUMBER KIND LOWER PACKAGES
    dir=$(host_dir "$host")
    # shellcheck disable=SC1091
    . "$dir/about"
    mkdir -p "$dir/up" "$dir/work" "$dir/root"
    mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$dir/up,workdir=$dir/work" "$dir/root"
    local root=$dir/root
    echo "$host" >"$root/etc/hostname"
    cat "$LAB/names" >"$root/etc/hosts"
    : >"$root/etc/resolv.conf"
    local account
    for account in root deploy admin plain ttyuser noexec noisy vmstation; do
        cp "$LAB/authorized_keys" "$root/etc/ssh/authorized_keys/$account"
    done
    rm -f "$root"/etc/ssh/ssh_host_*
    cp -p "$dir"/ssh/ssh_host_* "$root/etc/ssh/"
    printf '[Match]\nName=host0\n[Network]\nAddress=%s.%s/24\nGateway=%s.1\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n' \
        "$NET" "$NUMBER" "$NET" >"$root/etc/systemd/network/80-container-host0.network"
    mkdir -p "$root/srv/packages"
    case $KIND in kube*) lay_kube_root "$root" ;; esac
    case $SET.$KIND in python.rhel | kubepython.kuberhel) ln -sf /usr/libexec/dnf/python "$root/usr/bin/python3" ;; esac
}

# boot HOST: starts it under a supervisor of its own session that starts it again after a reboot.
boot() {
    local host=$1 dir
    dir=$(host_dir "$host")
    [ -z "$(leader "$host")" ] || die "$host is up already"
    mountpoint -q "$dir/root" || lay_root "$host"
    setsid "$HERE/lab.sh" --name "$NAME" supervise "$host" </dev/null >>"$dir/console.log" 2>&1 8>&- 9>&- &
    echo $! >"$dir/supervisor"
    disown
}

# nspawn ends with status 133 when the host asked for a reboot.
supervise() {
    local host=$1 dir status
    dir=$(host_dir "$host")
    trap - EXIT ERR
    set +e
    own_cgroups "$host" >"$dir/cgroups"
    while :; do
        start_nspawn "$host" &
        echo $! >"$dir/nspawn"
        wait $!
        status=$?
        rm -f "$dir/nspawn"
        echo "lab: $host ended with status $status"
        [ "$status" = 133 ] || exit 0
    done
}

# CAP_SYS_TIME is kept back: the clock is the whole machine's.
start_nspawn() {
    local host=$1 dir NUMBER KIND LOWER PACKAGES mounts=()
    dir=$(host_dir "$host")
    # shellcheck disable=SC1091
    . "$dir/about"
    case $KIND in kube*) mapfile -t mounts <<<"$(kube_mounts "$dir")" ;; esac
    export SYSTEMD_SECCOMP=0
    exec nsenter --net="/run/netns/$SPACE" systemd-nspawn -q -D "$dir/root" --boot --register=no --keep-unit \
        --machine="$NAME-$NUMBER" --hostname="$host" --network-bridge=br0 \
        --capability=all --drop-capability=CAP_SYS_TIME \
        --resolv-conf=off --timezone=off --link-journal=no --private-users=no \
        --bind-ro="$PACKAGES:/srv/packages" "${mounts[@]}" \
        --tmpfs=/mnt/small:size=1M,mode=0755 --tmpfs=/home/noexec:noexec,mode=0777
}

# own_cgroups HOST: moves this shell into a cgroup of its own in every hierarchy and prints them, so that nspawn's
# cgroup namespace begins there; without it hosts would share the cgroups of equally named units.
own_cgroups() {
    local host=$1 controllers path mount group all
    all=$(cat /proc/$BASHPID/cgroup) # read whole: it changes as we move
    while IFS=: read -r _ controllers path; do
        case $controllers in
            '') mount=/sys/fs/cgroup/unified && [ -d $mount ] || mount=/sys/fs/cgroup ;;
            name=*) mount=/sys/fs/cgroup/${controllers#name=} ;;
            *) mount=/sys/fs/cgroup/$controllers ;;
        esac
        [ -d "$mount" ] || continue
        group=$mount${path%/}/$SPACE-$host
        mkdir -p "$group" || continue
        if [ "$controllers" = cpuset ]; then
            cat "$mount${path%/}/cpuset.cpus" >"$group/cpuset.cpus"
            cat "$mount${path%/}/cpuset.mems" >"$group/cpuset.mems"
        fi
        echo $BASHPID >"$group/cgroup.procs" && echo "$group"
    done <<<"$all"
}

# leader HOST: the process id of the host's systemd, nothing when the host is down.
leader() {
    local file=$LAB/hosts/$1/nspawn
    [ -e "$file" ] || return 0
    pgrep -P "$(cat "$file")" | head -n 1 || true
}

# on_host HOST COMMAND...: as root, in all of the host's namespaces, with a login's environment.
on_host() {
    local host=$1 pid
    shift
    host_dir "$host" >/dev/null
    pid=$(leader "$host")
    [ -n "$pid" ] || die "$host is down"
    exec nsenter -t "$pid" -m -u -i -n -p -C -r -w -- env -i HOME=/root USER=root LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

wait_for_ssh() {
    local host=$1 dir NUMBER KIND LOWER PACKAGES
    dir=$(host_dir "$host")
    # shellcheck disable=SC1091
    . "$dir/about"
    local deadline=$((SECONDS + 60))
    while [ $SECONDS -lt $deadline ] && kill -0 "$(cat "$dir/supervisor")" 2>/dev/null; do
        # shellcheck disable=SC2016
        nsenter --net="/run/netns/$SPACE" timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/22" && read -r banner <&3' \
            wait_for_ssh "$NET.$NUMBER" 2>/dev/null && return 0
        sleep 0.1
    done
    tail -n 30 "$dir/console.log" >&2
    die "$host did not come up"
}

# link HOST up|down: its end of the bridge.
link() {
    local NUMBER KIND LOWER PACKAGES
    # shellcheck disable=SC1091
    . "$(host_dir "$1")/about"
    ip -n "$SPACE" link set "vb-$NAME-$NUMBER" "$2"
}

# cut_power HOST: kills its systemd and with it every process in the host.
cut_power() {
    kill_host "$1"
    wait_until_down "$1"
}

kill_host() {
    local pid
    pid=$(leader "$1")
    [ -z "$pid" ] || kill -9 "$pid" || true
}

power_off() {
    local pid
    pid=$(leader "$1")
    [ -z "$pid" ] || kill -RTMIN+4 "$pid"
    wait_until_down "$1" || cut_power "$1"
}

wait_until_down() {
    local dir pid
    dir=$(host_dir "$1")
    [ -e "$dir/supervisor" ] || return 0
    pid=$(cat "$dir/supervisor")
    for _ in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

reset() {
    local dir
    dir=$(host_dir "$1")
    cut_power "$1"
    unmount "$dir/root"
    rm -rf --one-file-system "$dir/up" "$dir/work" "$dir/containerd" "$dir/rancher"
    # An entry may end by itself between being listed and being deleted: then ip fails, and the second try finds none.
    ip -n "$SPACE" neigh flush dev br0 2>/dev/null || ip -n "$SPACE" neigh flush dev br0
    boot "$1"
    wait_for_ssh "$1"
}

unmount() {
    ! mountpoint -q "$1" || umount "$1" 2>/dev/null || umount -l "$1"
}

# remove_host HOST: what is left of one that was killed.
remove_host() {
    local dir=$LAB/hosts/$1 group NUMBER KIND LOWER PACKAGES
    # shellcheck disable=SC1091
    . "$dir/about"
    wait_until_down "$1" || say "$1 does not end"
    unmount "$dir/root"
    rmdir "/run/systemd/nspawn/propagate/$NAME-$NUMBER" 2>/dev/null || true
    [ -e "$dir/cgroups" ] || return 0
    while read -r group; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done <"$dir/cgroups"
}
