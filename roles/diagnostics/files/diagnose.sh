#!/bin/bash
# Tells what a Kubernetes host is like. Each look has a time limit, and none of them stops the others.
# DIAGNOSE_KUBECONFIG, DIAGNOSE_API and DIAGNOSE_LINES come from the role.
kubeconfig=${DIAGNOSE_KUBECONFIG:-/etc/kubernetes/admin.conf}
api=${DIAGNOSE_API:-localhost:6443}
lines=${DIAGNOSE_LINES:-50}
PATH=$PATH:/usr/local/bin:/var/lib/rancher/rke2/bin
if [ -e /var/lib/rancher/rke2/agent/etc/crictl.yaml ]; then
    export CRI_CONFIG_FILE=/var/lib/rancher/rke2/agent/etc/crictl.yaml
fi

look() {
    printf '\n== %s\n' "$*"
    timeout 20 "$@" 2>&1 || printf '(status %s)\n' $?
}
have() { command -v "$1" >/dev/null; }

printf 'captured %s on %s\n' "$(date --utc +%FT%TZ)" "$(hostname)"
look uptime
look free -m
look df -h / /var /etc
look systemctl --no-pager --full status containerd kubelet
look systemctl --no-pager --failed
if [ -e /etc/rancher/rke2/config.yaml ]; then
    look systemctl --no-pager --full status rke2-server rke2-agent
    look journalctl -u rke2-server -u rke2-agent -n "$lines" --no-pager
fi
have docker && look docker ps --all
if have ctr; then look ctr --namespace k8s.io containers ls; fi
if have crictl; then look crictl ps --all; fi
look curl --insecure --silent --show-error --max-time 5 https://localhost:6443/healthz
look curl --insecure --silent --show-error --max-time 5 "https://$api/healthz"
if have kubectl && [ -e "$kubeconfig" ]; then
    look kubectl --kubeconfig="$kubeconfig" --request-timeout=5s cluster-info
    look kubectl --kubeconfig="$kubeconfig" --request-timeout=5s get nodes -o wide
    look kubectl --kubeconfig="$kubeconfig" --request-timeout=5s get pods -A -o wide
    look kubectl --kubeconfig="$kubeconfig" --request-timeout=5s get events -A --sort-by=.lastTimestamp
fi
look journalctl -u kubelet -n "$lines" --no-pager
look journalctl -u containerd -n "$lines" --no-pager
printf '\n== kubeadm processes\n'
pgrep --list-full kubeadm || true
printf '\n== listening sockets\n'
ss -tlnp | grep -E ':(2379|2380|6443|9345|10248|10250|10257|10259) ' || true
look ls -la /etc/kubernetes /etc/kubernetes/manifests /var/lib/kubelet /etc/cni/net.d /opt/cni/bin /run/containerd
look ip -brief address
look ip route
exit 0
