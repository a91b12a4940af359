#!/bin/sh
# The lab's simulator of RKE2's own: removes what the installer and the server made.
set -u
/usr/local/bin/rke2-killall.sh
systemctl disable rke2-server.service rke2-agent.service 2>/dev/null
rm -f /usr/local/lib/systemd/system/rke2-server.service /usr/local/lib/systemd/system/rke2-agent.service
rm -rf /etc/rancher/rke2 /etc/rancher/node /var/lib/rancher/rke2 /var/lib/kubelet /run/k3s /run/flannel \
    /etc/cni/net.d/10-rke2.conflist /var/lib/cni /usr/local/share/rke2
rm -f /usr/local/bin/rke2 /usr/local/bin/rke2-killall.sh /usr/local/bin/rke2-uninstall.sh
systemctl daemon-reload
