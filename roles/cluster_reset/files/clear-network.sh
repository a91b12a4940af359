#!/bin/bash
# clear-network.sh POD_NETWORK LINK...: removes containers of Kubernetes, these network links, routes into the pod network, and
# the rules of iptables and nftables that kube-proxy, Flannel and CNI made. Says "cleared ..." of each thing that it found, and nothing where there is nothing.
set -uo pipefail
network=$1
shift

if command -v crictl >/dev/null && systemctl --quiet is-active containerd; then
    for pod in $(timeout 30 crictl pods --quiet 2>/dev/null); do
        timeout 60 crictl rmp --force "$pod" >/dev/null 2>&1 && echo "cleared pod $pod"
    done
fi

for link in "$@"; do
    ip link show dev "$link" >/dev/null 2>&1 || continue
    ip link delete "$link" && echo "cleared link $link"
done

# What Flannel routes by hosts, it leaves behind; a node that gets such a subnet itself would send its pods' packets away.
while read -r route _; do
    ip route delete "$route" && echo "cleared route $route"
done < <(ip -4 route show root "$network")

# Rules go by name, so that those of others stay.
ours='KUBE-|FLANNEL|CNI-|cni0|flannel'
for tables in iptables ip6tables; do
    command -v "$tables-save" >/dev/null || continue
    rules=$("$tables-save" 2>/dev/null) || continue
    grep -qE "$ours" <<<"$rules" || continue
    grep -vE "$ours" <<<"$rules" | "$tables-restore" && echo "cleared rules of $tables"
done

if command -v nft >/dev/null; then
    while read -r _ family table; do
        nft delete table "$family" "$table" && echo "cleared table $family $table"
    done < <(nft list tables 2>/dev/null | grep -E ' (kube-proxy|flannel-ipv4|flannel-ipv6)$')
fi

if command -v ipvsadm >/dev/null && [ -n "$(ipvsadm --save --numeric 2>/dev/null)" ]; then
    ipvsadm --clear && echo "cleared ipvs"
fi
exit 0
