#!/bin/sh
# The lab's simulator of RKE2's own: ends all containers and removes what they mounted and linked.
set -u
systemctl stop rke2-server.service rke2-agent.service 2>/dev/null
pkill -9 -f 'containerd-shim-runc-v2 .*-address /run/k3s/containerd/containerd.sock'
for pid in $(pgrep -x runc); do kill -9 "$pid"; done
for group in /sys/fs/cgroup/pids/kubepods /sys/fs/cgroup/kubepods; do
    if [ -d "$group" ]; then grep -rhs . --include=cgroup.procs "$group" | xargs -r kill -9; fi
done
sleep 1
awk '$2 ~ "^(/run/k3s|/var/lib/kubelet/pods|/run/netns/cni-)" { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
rm -rf /run/netns/cni-*
ip link delete cni0 2>/dev/null
for tables in iptables ip6tables; do
    "$tables-save" 2>/dev/null | grep -v -e KUBE- -e CNI- | "$tables-restore"
done
exit 0
