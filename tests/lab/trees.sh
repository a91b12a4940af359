# Sourced by lab.sh. The root file systems that hosts are laid over, each made once and kept under $CACHE:
#   debian: Debian 12 with systemd and sshd, the lab's accounts, no Python
#   python: a layer on it with python3, python3-apt, gnupg and iptables
#   lists:  a layer on either with apt's lists of the lab's own packages
#   rhel:   a layer on debian shaped like RHEL 10: dnf and rpm, no apt, no Python that is found
# The name of each carries the hash of what made it.

# The folders that the trees take their packages from are packages.sh's.
recipe_hash() {
    { cat "$HERE/trees.sh" && uname -r; } | sha256sum | cut -c1-12
}

tree_dir() {
    case $1 in
        kube*) echo "$CACHE/tree-$1-$(recipe_hash)-$(declare -f make_kube make_kuberhel fit_for_kubelet | sha256sum | cut -c1-12)" ;;
        rhel | lists) echo "$CACHE/tree-$1-$(recipe_hash)-$(basename "$(packages_dir)")" ;;
        *) echo "$CACHE/tree-$1-$(recipe_hash)" ;;
    esac
}

# lower_dirs KIND: the lowerdir= of a host of that kind, uppermost first.
lower_dirs() {
    case $1 in
        debian) echo "$(tree_dir lists):$(tree_dir debian)" ;;
        python) echo "$(tree_dir lists):$(tree_dir python):$(tree_dir debian)" ;;
        rhel) echo "$(tree_dir rhel):$(tree_dir debian)" ;;
        kube | kuberhel) echo "$(tree_dir "$1"):$(tree_dir debian)" ;;
        *) die "no such kind of host: $1" ;;
    esac
}

# build_trees KIND...: makes those that are missing.
build_trees() {
    local kind
    build_tree debian
    build_tree lists
    for kind in "$@"; do [ "$kind" = debian ] || build_tree "$kind"; done
}

build_tree() {
    local kind=$1 dir
    dir=$(tree_dir "$kind")
    [ -e "$dir.done" ] && return 0
    say "making the $kind tree (once)"
    rm -rf "$dir" "$dir.work"
    logged "$dir.log" "make_$kind" "$dir"
    touch "$dir.done"
}

make_debian() {
    local dir=$1
    mmdebstrap --variant=minbase \
        --include=systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,procps,curl,ca-certificates,cron,kmod,acl,attr,unzip,zip,xz-utils,bzip2,zstd,less \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        bookworm "$dir"
    dress "$dir"
}

# dress DIR: what every host has: network, quiet units, accounts, sshd.
dress() {
    local dir=$1 unit
    : >"$dir/etc/machine-id"
    rm -f "$dir/etc/resolv.conf"
    for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
        dpkg-db-backup.timer systemd-timesyncd.service systemd-networkd-wait-online.service console-getty.service \
        systemd-resolved.service; do
        ln -sf /dev/null "$dir/etc/systemd/system/$unit"
    done
    ln -sf /lib/systemd/system/systemd-networkd.service "$dir/etc/systemd/system/multi-user.target.wants/"
    # this kernel has no modules; the usual names must still be found by modprobe
    local modules="$dir/lib/modules/$(uname -r)"
    mkdir -p "$modules"
    printf 'kernel/%s.ko\n' fs/overlayfs/overlay net/bridge/br_netfilter net/bridge/bridge drivers/net/veth \
        >"$modules/modules.builtin"
    : >"$modules/modules.order"
    chroot "$dir" depmod "$(uname -r)"
    accounts "$dir"
}

# accounts DIR: who can log in and become whom. Passwords are public: they open only hosts of a lab.
#   root      key; password root-secret (for su)
#   deploy    key; sudo without password
#   admin     key or password admin-secret; sudo with that password
#   plain     key; no sudo, su to root only
#   ttyuser   key; sudo without password, but only on a terminal
#   noexec    key; sudo without password; home on a noexec mount
#   noisy     key; its shell prints a line at every login
#   password  password login-secret only
#   app       nobody logs in; others become it
accounts() {
    local dir=$1 name
    chroot "$dir" groupadd -r wheel
    for name in deploy admin plain ttyuser noexec noisy password app; do
        chroot "$dir" useradd -m -s /bin/bash "$name"
    done
    chroot "$dir" usermod -aG sudo,wheel admin
    chroot "$dir" chpasswd -c SHA512 <<-'P'
	root:root-secret
	admin:admin-secret
	password:login-secret
	P
    echo 'echo "welcome to this machine"' | cat - "$dir/home/noisy/.bashrc" >"$dir/tmp/bashrc"
    cat "$dir/tmp/bashrc" >"$dir/home/noisy/.bashrc" && rm "$dir/tmp/bashrc"
    cat >"$dir/etc/sudoers.d/lab" <<-'S'
	Defaults:admin timestamp_timeout=0
	Defaults:ttyuser requiretty
	deploy  ALL=(ALL:ALL) NOPASSWD: ALL
	ttyuser ALL=(ALL:ALL) NOPASSWD: ALL
	noexec  ALL=(ALL:ALL) NOPASSWD: ALL
	noisy   ALL=(ALL:ALL) NOPASSWD: ALL
	admin   ALL=(ALL:ALL) ALL
	S
    chmod 440 "$dir/etc/sudoers.d/lab"
    mkdir -p "$dir/etc/ssh/authorized_keys" "$dir/mnt/small"
    cat >"$dir/etc/ssh/sshd_config.d/lab.conf" <<-'S'
	AuthorizedKeysFile /etc/ssh/authorized_keys/%u
	PermitRootLogin prohibit-password
	PasswordAuthentication yes
	UseDNS no
	S
}

# layer DIR: an overlay over the debian tree at DIR.root whose changes land in DIR.
layer() {
    LAYER=$1
    mkdir -p "$LAYER" "$LAYER.work" "$LAYER.root"
    mount -t overlay overlay -o "lowerdir=$(tree_dir debian),upperdir=$LAYER,workdir=$LAYER.work" "$LAYER.root"
}

# In a layer: installs packages of the distribution, by the machine's name servers.
layer_install() {
    cp -L /etc/resolv.conf /etc/hosts "$LAYER.root/etc/"
    in_layer apt-get update -q
    in_layer apt-get install -y -q --no-install-recommends "$@"
    rm -rf "$LAYER.root"/etc/{resolv.conf,hosts} "$LAYER.root"/var/lib/apt/lists/* "$LAYER.root"/var/cache/apt/*
}

# unlayer: ends what layer began, also when it failed in between (called at exit).
unlayer() {
    [ -n "${LAYER-}" ] || return 0
    ! mountpoint -q "$LAYER.root/srv/packages" || umount "$LAYER.root/srv/packages"
    umount "$LAYER.root" && rm -rf "$LAYER.root" "$LAYER.work"
    LAYER=
}

in_layer() {
    chroot "$LAYER.root" env DEBIAN_FRONTEND=noninteractive "$@"
}

make_python() {
    layer "$1"
    layer_install python3 python3-apt gnupg iptables
    unlayer
}

make_lists() {
    layer "$1"
    mkdir -p "$LAYER.root/srv/packages"
    mount --bind -o ro "$(packages_dir)" "$LAYER.root/srv/packages"
    rm -rf "$LAYER.root"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/packages/deb ./' >"$LAYER.root/etc/apt/sources.list"
    in_layer apt-get update -q
    unlayer
}

make_rhel() {
    layer "$1"
    layer_install dnf rpm
    like_rhel "$LAYER.root"
    unlayer
}

# like_rhel DIR: dnf here is written in Python, so one interpreter stays for it alone, where nothing looks for one
# (/usr/libexec/dnf/python, as RHEL 8 had its platform-python).
like_rhel() {
    local dir=$1
    mkdir -p "$dir/usr/libexec/dnf" "$dir/etc/yum.repos.d" "$dir/etc/sysconfig" "$dir/etc/dnf"
    mv "$dir/usr/bin/python3.11" "$dir/usr/libexec/dnf/python"
    rm -f "$dir"/usr/bin/python* "$dir"/usr/bin/py3* "$dir"/usr/bin/pydoc* "$dir"/usr/bin/pygettext*
    sed -i '1s,.*,#!/usr/libexec/dnf/python,' "$dir/usr/bin/dnf-3"
    ln -sf dnf-3 "$dir/usr/bin/dnf"
    ln -sf dnf-3 "$dir/usr/bin/yum"
    rm -f "$dir"/usr/bin/apt* "$dir"/usr/bin/dpkg* "$dir"/etc/debian_version "$dir"/usr/sbin/dpkg*
    rm -rf "$dir"/var/lib/dpkg "$dir"/var/lib/apt "$dir"/etc/apt "$dir"/etc/dpkg
    rm -f "$dir/etc/os-release" "$dir/usr/lib/os-release"
    cat >"$dir/usr/lib/os-release" <<-'O'
	NAME="Red Hat Enterprise Linux"
	VERSION="10.0 (Coughlan)"
	ID="rhel"
	ID_LIKE="centos fedora"
	VERSION_ID="10.0"
	PLATFORM_ID="platform:el10"
	PRETTY_NAME="Red Hat Enterprise Linux 10.0 (Coughlan)"
	ANSI_COLOR="0;31"
	LOGO="fedora-logo-icon"
	CPE_NAME="cpe:/o:redhat:enterprise_linux:10::baseos"
	REDHAT_BUGZILLA_PRODUCT="Red Hat Enterprise Linux 10"
	REDHAT_BUGZILLA_PRODUCT_VERSION=10.0
	REDHAT_SUPPORT_PRODUCT="Red Hat Enterprise Linux"
	REDHAT_SUPPORT_PRODUCT_VERSION="10.0"
	O
    ln -s ../usr/lib/os-release "$dir/etc/os-release"
    echo 'Red Hat Enterprise Linux release 10.0 (Coughlan)' >"$dir/etc/redhat-release"
    ln -sf redhat-release "$dir/etc/system-release"
    printf '[main]\ngpgcheck=1\ninstallonly_limit=3\nclean_requirements_on_remove=True\nbest=True\nskip_if_unavailable=False\n' \
        >"$dir/etc/dnf/dnf.conf"
    printf '[lab]\nname=Packages of the lab\nbaseurl=file:///srv/packages/rpm\nenabled=1\ngpgcheck=0\n' \
        >"$dir/etc/yum.repos.d/lab.repo"
    # the distribution's database of packages: systemd and sudo are on the host, so they are in it
    mkdir -p "$dir/var/lib/rpm"
    chroot "$dir" rpm --initdb
    mkdir "$dir/tmp/base"
    cp "$(packages_dir)"/base/*.rpm "$dir/tmp/base"
    chroot "$dir" sh -c 'rpm -i --justdb --nodeps --noscripts /tmp/base/*.rpm'
    rm -r "$dir/tmp/base"
}
