# Sourced by lab.sh. The trees of hosts that run Kubernetes, as those of trees.sh:
#   kube:      a layer on debian that containerd and a kubelet can run in; Kubernetes itself comes by the playbooks
#   kuberhel:  a layer on debian shaped like RHEL 10, with the account of the homelab's inventory
# Both have a Python that only ansible-core needs; only those of the set `kubepython` can find it.

make_kube() {
    layer "$1"
    layer_install python3 python3-apt
    fit_for_kubelet "$LAYER.root"
    rm -rf "$LAYER.root"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/kube/debian ./' >"$LAYER.root/etc/apt/sources.list"
    unlayer
}

make_kuberhel() {
    layer "$1"
    layer_install dnf rpm nftables iptables conntrack ethtool socat openssl logrotate kmod procps
    local package work
    work=$(mktemp -d)
    for package in ca-certificates curl nftables conntrack-tools ethtool socat openssl logrotate kmod procps-ng; do
        printf 'Name: %s\nVersion: 1.0\nRelease: 1.el10\nSummary: %s, in the database only\nLicense: MIT\nBuildArch: noarch\nAutoReqProv: no\n%%description\n%s\n%%files\n' \
            "$package" "$package" "$package" >"$work/spec"
        rpmbuild -bb --quiet --define "_topdir $work/top" --define "_rpmdir $work/rpm" "$work/spec"
    done
    like_rhel "$LAYER.root"
    mkdir "$LAYER.root/tmp/kube"
    cp "$work"/rpm/noarch/*.rpm "$LAYER.root/tmp/kube"
    chroot "$LAYER.root" sh -c 'rpm -i --justdb --nodeps /tmp/kube/*.rpm'
    rm -r "$work" "$LAYER.root/tmp/kube"
    fit_for_kubelet "$LAYER.root"
    chroot "$LAYER.root" useradd -m -s /bin/bash -G wheel,sudo vmstation
    chroot "$LAYER.root" chpasswd -c SHA512 <<<'vmstation:admin-secret'
    echo 'vmstation ALL=(ALL:ALL) ALL' >"$LAYER.root/etc/sudoers.d/vmstation"
    unlayer
}

# fit_for_kubelet DIR: nspawn mounts read-only what a kubelet and runc write, and a host can't change the machine's
# settings that a kubelet insists on: it sees files with the values that it wants.
fit_for_kubelet() {
    local dir=$1 modules
    modules=$dir/lib/modules/$(uname -r)
    printf 'kernel/%s.ko\n' net/netfilter/nf_conntrack net/ipv4/netfilter/ip_tables net/ipv4/netfilter/iptable_nat \
        net/ipv4/netfilter/iptable_filter net/ipv6/netfilter/ip6_tables drivers/net/vxlan/vxlan net/netfilter/nf_nat \
        net/netfilter/xt_comment net/netfilter/ipset/ip_set >>"$modules/modules.builtin"
    chroot "$dir" depmod "$(uname -r)"
    cat >"$dir/usr/local/sbin/fit-for-kubelet" <<-'F'
	#!/bin/sh
	for controller in /sys/fs/cgroup/*; do
	    ! mountpoint -q "$controller" || mount -o remount,rw,bind "$controller"
	done
	mount --make-rshared /
	mkdir -p /run/fit-for-kubelet
	while read -r name value; do
	    [ "$(cat "/proc/sys/$name")" != "$value" ] || continue
	    file=/run/fit-for-kubelet/$(echo "$name" | tr / _)
	    echo "$value" >"$file"
	    mount --bind "$file" "/proc/sys/$name"
	done <<S
	vm/overcommit_memory 1
	vm/panic_on_oom 0
	kernel/panic 10
	kernel/panic_on_oops 1
	kernel/keys/root_maxkeys 1000000
	kernel/keys/root_maxbytes 25000000
	S
	F
    chmod 755 "$dir/usr/local/sbin/fit-for-kubelet"
    cat >"$dir/etc/systemd/system/fit-for-kubelet.service" <<-'F'
	[Unit]
	Description=The lab: what a kubelet needs in a container
	DefaultDependencies=no
	Before=sysinit.target systemd-sysctl.service
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	ExecStart=/usr/local/sbin/fit-for-kubelet
	F
    mkdir -p "$dir/etc/systemd/system/sysinit.target.wants"
    ln -sf ../fit-for-kubelet.service "$dir/etc/systemd/system/sysinit.target.wants/"
}

# lay_kube_root ROOT: lists of apt that are old, as a fresh host's are; a route for every address, since those of services need one before they are translated; what asks a
# cloud for its metadata hears at once that there is none. The Python goes where nothing looks for it.
lay_kube_root() {
    local root=$1
    printf '[Route]\nDestination=169.254.0.0/16\nType=unreachable\n' >>"$root/etc/systemd/network/80-container-host0.network"
    [ ! -d "$root/var/lib/apt/lists" ] || touch -d @0 "$root/var/lib/apt/lists"
    [ "$SET" != kubepython ] || return 0
    rm -f "$root"/usr/bin/python3*
}

# kube_mounts DIR: what nspawn mounts into a host that runs Kubernetes. Images lie on the machine's own file system, since
# an overlay can't be laid over an overlay.
kube_mounts() {
    local dir=$1
    mkdir -p "$dir/containerd" "$dir/rancher"
    printf '%s\n' --bind=/dev/kmsg "--bind=$dir/containerd:/var/lib/containerd" "--bind=$dir/rancher:/var/lib/rancher" \
        "--bind-ro=$KUBE/out:/srv/kube"
}
