# Sourced by run.sh: what is looked at.
PASSED=0 FAILED=0

# check NAME COMMAND...: one check; the end of what it says is shown if it fails, all of it is in $WORK/checks.
check() {
    local name=$1 from=$SECONDS log
    shift
    mkdir -p "$WORK/checks"
    log=$WORK/checks/$(printf '%02d' $((PASSED + FAILED + 1)))-${name//[^a-zA-Z0-9]/-}.log
    # a function called in a condition would go on after its first failure
    set +e
    (
        set -eE
        "$@"
    ) >"$log" 2>&1
    local status=$?
    set -e
    if [ $status = 0 ]; then
        PASSED=$((PASSED + 1))
        printf 'ok: %s (%d s)\n' "$name" $((SECONDS - from))
    else
        FAILED=$((FAILED + 1))
        printf 'FAIL: %s (%d s), see %s\n' "$name" $((SECONDS - from)) "$log"
        tail -n 60 "$log" | sed 's/^/    /'
    fi
}

# fails COMMAND...: what `!` would say, and set -e hears.
fails() { if "$@"; then return 1; fi; }

kubectl() { on masternode kubectl --kubeconfig=/etc/kubernetes/admin.conf "$@"; }
rke2_kubectl() { on homelab /var/lib/rancher/rke2/bin/kubectl --kubeconfig=/etc/rancher/rke2/rke2.yaml "$@"; }

# The lab's network has no way out, and the inventory names nobody else.
only_the_lab() {
    local routes addresses
    routes=$(ip -n "vmlab-$NAME" route)
    echo "$routes"
    fails grep -v "^$NET\.0/24 " <<<"$routes"
    [ "$(ip netns exec "vmlab-$NAME" sysctl -n net.ipv4.ip_forward)" = 0 ]
    addresses=$(grep -hoE '\b[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+\b' "$WORK/inventory/hosts.yml")
    fails grep -v "^$NET\." <<<"$addresses"
}

nodes_are_ready() {
    kubectl wait --for=condition=Ready node/masternode node/storagenodet3500 --timeout=60s
    rke2_kubectl wait --for=condition=Ready node/homelab --timeout=60s
    kubectl get nodes -o wide
    [ "$(kubectl get nodes --no-headers | wc -l)" = 2 ]
    [ "$(rke2_kubectl get nodes --no-headers | wc -l)" = 1 ]
}

versions_are_held() {
    local host package
    for host in masternode storagenodet3500; do
        for package in kubelet kubeadm kubectl containerd; do
            on "$host" dpkg-query -W -f '${Package} ${Status} ${Version}\n' "$package" | tee /dev/stderr | grep -q "^$package hold ok installed"
        done
        on "$host" kubeadm version --output short | grep -qx v1.20.2
    done
}

# changes_nothing COMMAND...: plays something, and every host's line must say changed=0.
changes_nothing() {
    local recap
    "$@" | tee "$WORK/output"
    recap=$(grep -E '^[a-z0-9]+ +: ok=' "$WORK/output")
    fails grep -v ' changed=0 ' <<<"$recap"
}

fetched_kubeconfigs() {
    local file
    for file in kubeconfig-vmstation kubeconfig-vmstation-rke2; do
        [ "$(stat -c %a "$WORK/artifacts/$file")" = 600 ]
        lab in "${VMSTATION_LAB_CACHE:-/var/tmp/vmstation-lab}/kube/bin/kubectl" --kubeconfig="$WORK/artifacts/$file" get nodes
    done
}

# may SUBJECT VERB RESOURCE [MORE...]: yes or no.
may() {
    local subject=$1
    shift
    kubectl auth can-i "$@" --as="$subject" || true
}

is() {
    [ "$1" = "$2" ] && return
    echo "$1, not $2"
    return 1
}

# What the manifests' accounts need, and what they must not.
rbac_checks() {
    local monitoring=system:serviceaccount:monitoring answer subject question
    while read -r answer subject question; do
        # shellcheck disable=SC2086
        check "RBAC: $subject $question: $answer" is_allowed "$answer" "$monitoring:$subject" $question
    done <<-R
	yes prometheus list pods --all-namespaces
	yes prometheus watch endpoints --all-namespaces
	yes prometheus get nodes --subresource=metrics
	yes prometheus get /metrics
	no prometheus get secrets --all-namespaces
	no prometheus delete pods --all-namespaces
	yes promtail watch pods --all-namespaces
	no promtail list nodes
	yes kube-state-metrics list deployments.apps --all-namespaces
	no kube-state-metrics list secrets --all-namespaces
	no default list pods --all-namespaces
	R
    check 'RBAC: the admin kubeconfig may do everything' admin_may_everything
}

is_allowed() {
    local answer=$1 subject=$2 said
    shift 2
    said=$(may "$subject" "$@" 2>&1 | tail -n 1)
    is "$said" "$answer"
}

admin_may_everything() {
    is "$(kubectl auth can-i '*' '*' --all-namespaces)" yes
    on masternode sh -c "sed -n 's/^ *client-certificate-data: //p' /etc/kubernetes/admin.conf | base64 -d | openssl x509 -noout -subject" |
        grep -q 'O = system:masters'
}

# After a reset neither processes nor files nor rules of a cluster are there.
nothing_is_left() {
    local host path
    for host in masternode storagenodet3500 homelab; do
        fails on "$host" pgrep -l '^(kubelet|kube-|etcd|rke2|flanneld)'
        for path in /etc/kubernetes/admin.conf /etc/kubernetes/pki /etc/kubernetes/kubelet.conf /var/lib/etcd/member \
            /var/lib/kubelet/config.yaml /etc/rancher/rke2 /var/lib/rancher/rke2 /usr/local/bin/rke2; do
            fails on "$host" test -e $path
        done
        fails on "$host" sh -c 'iptables-save 2>/dev/null | grep -E "KUBE-|FLANNEL|CNI-"'
        fails on "$host" sh -c 'ip -4 route show root 10.244.0.0/16 | grep .'
        fails on "$host" sh -c 'ip -brief link | grep -E "^(cni0|flannel)"'
    done
}
