# Sourced by lab.sh. What a real Kubernetes in the lab takes, made once and kept in $CACHE/kube:
#   go/ gopath/ gocache/ bin/   Debian's source package of Kubernetes 1.20.2 and its Go; the programs built from it
#   out/debian/                 Debian's packages that the homelab's roles install, with all that they need
#   out/kubernetes/             kubelet, kubeadm, kubectl, cri-tools, kubernetes-cni, named and laid out as upstream's are
#   out/registry/               container images, as registry.py hands them out
#   out/rke2/                   the installer and archive of the RKE2 simulator
# Hosts see out/ as /srv/kube. Each step carries the hash of what made it, and is skipped when that has not changed.
KUBE=$CACHE/kube
KUBE_VERSION=1.20.2

kube_here() { echo "$HERE/kube"; }

build_kube() {
    mkdir -p "$KUBE"/{log,out,download}
    exec 7>"$KUBE/lock"
    flock 7
    kube_step source kube_source
    kube_step programs kube_programs src
    kube_step debian kube_debian debian-packages ../trees.sh
    kube_step kubernetes kube_packages src
    kube_step registry kube_images images.py flannel src ../trees.sh
    kube_step rke2 kube_rke2 rke2 src
    exec 7>&-
}

# kube_step NAME FUNCTION FILE...: runs the function unless it has been run as it is now, with these very files.
kube_step() {
    local name=$1 function=$2 hash from=$SECONDS
    shift 2
    hash=$({ declare -f "$function" && cd "$(kube_here)" && for file; do find "$file" -type f; done | LC_ALL=C sort |
        xargs -r cat; } | sha256sum | cut -c1-12)
    [ "$(cat "$KUBE/$name.done" 2>/dev/null)" != "$hash" ] || return 0
    say "making Kubernetes for the lab: $name"
    rm -f "$KUBE/$name.done"
    logged "$KUBE/log/$name.log" "$function"
    echo "$hash" >"$KUBE/$name.done"
    say "made $name in $((SECONDS - from)) s"
}

# kube_apt COMMAND...: apt-get of Debian 12 with lists and caches of its own, whatever this machine is.
# STATUS names the dpkg database that counts as installed.
kube_apt() {
    local dir=$KUBE/apt key=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$dir"/{lists,cache/archives}/partial "$dir/parts"
    printf '%s [signed-by=%s] http://deb.debian.org/debian bookworm main\n' deb $key deb-src $key >"$dir/sources.list"
    : >>"$dir/empty-status"
    cat >"$dir/apt.conf" <<-A
	APT::Sandbox::User "root";
	APT::Architecture "amd64";
	APT::Install-Recommends "false";
	Dir::Etc::sourcelist "$dir/sources.list";
	Dir::Etc::sourceparts "$dir/parts";
	Dir::Etc::preferences "$dir/none";
	Dir::Etc::preferencesparts "$dir/parts";
	Dir::State::lists "$dir/lists";
	Dir::State::status "${STATUS:-$dir/empty-status}";
	Dir::Cache "$dir/cache";
	A
    [ -n "$(find "$dir/updated" -mmin -600 2>/dev/null)" ] || {
        APT_CONFIG=$dir/apt.conf apt-get update -q && touch "$dir/updated"
    }
    APT_CONFIG=$dir/apt.conf apt-get -q "$@"
}

# The source, with what it lacks to be built by Go 1.19: a reflect2 that knows it, and the OpenAPI code that upstream
# generates before it builds.
kube_source() {
    local tree=$KUBE/gopath/src/k8s.io/kubernetes reflect=vendor/github.com/modern-go/reflect2 package
    cd "$KUBE/download"
    kube_apt source --download-only "kubernetes=1.20.5+really$KUBE_VERSION-1.1+deb12u1"
    kube_apt download golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev busybox-static
    rm -rf "$KUBE/go" "$KUBE/unpacked" "$tree"
    for package in golang-1.19-go golang-1.19-src; do dpkg-deb --extract "$package"_*.deb "$KUBE/go"; done
    for package in golang-github-modern-go-reflect2-dev busybox-static; do
        dpkg-deb --extract "$package"_*.deb "$KUBE/unpacked"
    done
    mkdir -p "$KUBE/gopath/src/k8s.io" "$KUBE/bin"
    tar -xzf kubernetes_*.orig.tar.gz -C "$KUBE/gopath/src/k8s.io"
    mv "$KUBE/gopath/src/k8s.io/kubernetes-$KUBE_VERSION" "$tree"
    rm -r "${tree:?}/$reflect"
    mkdir "$tree/$reflect"
    cp "$KUBE"/unpacked/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$tree/$reflect/"
    cp "$KUBE/unpacked/bin/busybox" "$KUBE/bin/"
    kube_openapi "$tree"
}

kube_openapi() {
    local tree=$1 folders
    cd "$tree"
    kube_go build -trimpath -o "$KUBE/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    folders=$(find -L cmd pkg plugin vendor/k8s.io -name '*.go' -not -path '*/_*' \
        -not -path 'vendor/k8s.io/code-generator/*' -not -path 'vendor/k8s.io/sample-apiserver/*' \
        -not -path '*/vendor/k8s.io/*/vendor/*' -print0 | xargs -0 grep -l '^// *+k8s:openapi-gen=' | xargs -n1 dirname |
        LC_ALL=C sort -u | sed 's,^,k8s.io/kubernetes/,' | paste -sd,)
    kube_go env GOROOT
    kube_env "$KUBE/bin/openapi-gen" --logtostderr -i "$folders" -p k8s.io/kubernetes/pkg/generated/openapi \
        -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r "$KUBE/log/openapi-violations"
}

# kube_env COMMAND...: in the environment that Kubernetes is built in, without C and without modules, as upstream did.
kube_env() {
    env GOROOT="$KUBE/go/usr/lib/go-1.19" GO111MODULE=off GOPATH="$KUBE/gopath" CGO_ENABLED=0 GOCACHE="$KUBE/gocache" \
        GOFLAGS= GOTOOLCHAIN=local PATH="$KUBE/go/usr/lib/go-1.19/bin:$PATH" "$@"
}

kube_go() { kube_env go "$@"; }

kube_programs() {
    local tree=$KUBE/gopath/src/k8s.io/kubernetes package flags='-s -w' program from
    rm -rf "$tree/cmd/lab"
    cp -r "$(kube_here)/src" "$tree/cmd/lab"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        package=k8s.io/kubernetes/vendor/$package
        flags+=" -X $package.gitVersion=v$KUBE_VERSION -X $package.gitMajor=1 -X $package.gitMinor=20"
        flags+=" -X $package.gitCommit=faecb196815e248d3ecfb03c680a4507229c2a56 -X $package.gitTreeState=clean"
        flags+=" -X $package.buildDate=2021-01-13T13:20:00Z"
    done
    cd "$tree"
    for program in kubeadm kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubectl \
        lab/coredns lab/crictl lab/pause lab/stand-in; do
        from=$SECONDS
        kube_go build -tags providerless -trimpath -ldflags "$flags" -o "$KUBE/bin/${program#lab/}" "./cmd/$program"
        echo "$program: $((SECONDS - from)) s"
    done
}

# What apt on a fresh host would have to fetch: with the lab's Debian 12 as the machine, so that its versions fit.
kube_debian() {
    local into=$KUBE/out/debian names
    names=$(sed '/^#/d' "$(kube_here)/debian-packages")
    rm -rf "$into" "$KUBE/apt/cache/archives"
    mkdir -p "$into"
    # shellcheck disable=SC2086
    STATUS="$(tree_dir debian)/var/lib/dpkg/status" kube_apt install --yes --download-only --reinstall $names
    mv "$KUBE"/apt/cache/archives/*.deb "$into/"
    kube_index "$into"
}

kube_index() {
    (cd "$1" && dpkg-scanpackages --multiversion . >Packages)
}

# kube_deb NAME VERSION DEPENDS: the tree at $KUBE/package becomes a package.
kube_deb() {
    mkdir -p "$KUBE/package/DEBIAN"
    cat >"$KUBE/package/DEBIAN/control" <<-C
	Package: $1
	Version: $2
	Architecture: amd64
	Maintainer: lab <lab@localhost>
	Section: admin
	Priority: optional
	Depends: $3
	Description: $1, built from Debian's source package for the lab
	C
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$KUBE/package" "$KUBE/out/kubernetes/$1_$2_amd64.deb"
    rm -rf "$KUBE/package"
}

kube_packages() {
    local package=$KUBE/package version=$KUBE_VERSION-00 here plugins
    here=$(kube_here)
    rm -rf "$package" "$KUBE/out/kubernetes"
    mkdir -p "$KUBE/out/kubernetes"
    install -D "$KUBE/bin/kubectl" "$package/usr/bin/kubectl"
    kube_deb kubectl "$version" libc6
    install -D "$KUBE/bin/crictl" "$package/usr/bin/crictl"
    kube_deb cri-tools 1.13.0-01 libc6
    plugins=$(echo "$KUBE"/out/debian/containernetworking-plugins_*.deb)
    dpkg-deb --extract "$plugins" "$KUBE/plugins"
    mkdir -p "$package/opt/cni"
    mv "$KUBE/plugins/usr/lib/cni" "$package/opt/cni/bin"
    rm -r "$KUBE/plugins"
    kube_deb kubernetes-cni 0.8.7-00 libc6
    install -D "$KUBE/bin/kubelet" "$package/usr/bin/kubelet"
    # as upstream's: a unit that kubeadm's package completes, enabled and started at once
    install -D -m 644 "$here/../../../roles/kubernetes_packages/templates/kubelet.service.j2" \
        "$package/lib/systemd/system/kubelet.service"
    sed -i '/^# Written by/d' "$package/lib/systemd/system/kubelet.service"
    install -d "$package/DEBIAN"
    cat >"$package/DEBIAN/postinst" <<-'P'
	#!/bin/sh
	set -e
	systemctl --quiet enable kubelet
	[ ! -d /run/systemd/system ] || { systemctl daemon-reload && systemctl restart kubelet; }
	P
    chmod 755 "$package/DEBIAN/postinst"
    kube_deb kubelet "$version" 'iptables (>= 1.4.21), kubernetes-cni (>= 0.8.7), iproute2, socat, util-linux, mount, ebtables, ethtool, conntrack'
    install -D "$KUBE/bin/kubeadm" "$package/usr/bin/kubeadm"
    install -D -m 644 "$here/../../../roles/kubernetes_packages/templates/10-kubeadm.conf.j2" \
        "$package/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
    sed -i '/^# Written by/d' "$package/etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
    kube_deb kubeadm "$version" 'kubelet (>= 1.13.0), kubectl (>= 1.13.0), kubernetes-cni (>= 0.8.6), cri-tools (>= 1.13.0)'
    kube_index "$KUBE/out/kubernetes"
}

# The images' programs that are not Kubernetes' own come from Debian, out of a tree that nothing else uses.
kube_images() {
    local tree packages='etcd-server etcd-client iptables conntrack haproxy prometheus-alertmanager prometheus-node-exporter'
    tree=$KUBE/image-$(basename "$(tree_dir debian)")-$(cksum <<<"$packages" | cut -d' ' -f1)
    if [ ! -e "$tree.done" ]; then
        rm -rf "$KUBE"/image-tree-*
        layer "$tree"
        # shellcheck disable=SC2086
        layer_install $packages
        unlayer
        touch "$tree.done"
    fi
    layer "$tree"
    rm -rf "$KUBE/out/registry"
    python3 "$(kube_here)/images.py" --programs "$KUBE/bin" --tree "$LAYER.root" --flannel "$(kube_here)/flannel" \
        --version "$KUBE_VERSION" --out "$KUBE/out/registry"
    unlayer
}

# The archive that RKE2's installer unpacks: the simulator and the programs that it plays Kubernetes with.
kube_rke2() {
    local work=$KUBE/rke2-work out=$KUBE/out/rke2 here program
    here=$(kube_here)
    rm -rf "$work" "$out"
    mkdir -p "$out" "$work"/{bin,lib/systemd/system,share/rke2/bin,share/rke2/cni,unpacked}
    install -m 755 "$here"/rke2/bin/* "$work/bin/"
    cp "$here"/rke2/units/* "$work/lib/systemd/system/"
    cp "$here"/rke2/manifests/* "$work/share/rke2/"
    for program in kubeadm kubelet kubectl crictl busybox; do install "$KUBE/bin/$program" "$work/share/rke2/bin/"; done
    for program in containerd runc containernetworking-plugins; do
        dpkg-deb --extract "$(echo "$KUBE/out/debian/${program}"_*.deb)" "$work/unpacked"
    done
    install "$work"/unpacked/usr/bin/{containerd,containerd-shim-runc-v2,ctr} "$work/unpacked/usr/sbin/runc" "$work/share/rke2/bin/"
    cp "$work"/unpacked/usr/lib/cni/* "$work/share/rke2/cni/"
    rm -r "$work/unpacked"
    tar -C "$work" --use-compress-program="gzip -1" -cf "$out/rke2.linux-amd64.tar.gz" --owner=0 --group=0 bin lib share
    cp "$here/rke2/install.sh" "$out/"
    rm -r "$work"
}
