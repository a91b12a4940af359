# Sourced by run.sh: what is broken, and what has to come of it. Each case ends with a cluster that works after the next
# deployment. Waiting is cut short by variables of the roles; what is waited for stays the same.

recovery_cases() {
    cat <<-C
	hanging_join          a kubeadm join that hangs on the worker
	partial_state         a worker with half of a join in /etc/kubernetes
	missing_socket        containerd runs without its socket
	corrupt_unit          the kubelet's unit is damaged
	wrong_admin           admin.conf belongs to somebody else
	stale_bridge          the bridge of the worker's pods has the address of another subnet
	rebooted              both nodes lost their power after the deployment
	api_down              the API goes away while the worker joins
	worker_off            the worker is powered off while it joins
	controller_killed     the controller is killed while the control plane is made
	C
}

recovery_title() { recovery_cases | sed -n "s/^$1 *//p"; }

recovery_chosen() {
    case $1 in
        all) recovery_cases | cut -d' ' -f1 ;;
        none) ;;
        *) tr , '\n' <<<"$1" ;;
    esac
}

WORKER=storagenodet3500

# works ARGUMENT...: the next deployment succeeds, and every node is Ready.
works() {
    deploy debian --yes
    nodes_are_ready
}

leave() {
    kubectl delete node $WORKER --ignore-not-found
    on $WORKER kubeadm reset --force
    on $WORKER rm -rf /etc/kubernetes/pki
}

recovery_hanging_join() {
    leave
    on $WORKER bash -c 'printf "#!/bin/sh\nsleep 100000\n" >/tmp/kubeadm && chmod +x /tmp/kubeadm && setsid /tmp/kubeadm join --config /nowhere </dev/null >/dev/null 2>&1 &'
    on $WORKER pgrep -f 'kubeadm join'
    works
    fails on $WORKER pgrep -f 'kubeadm join'
}

recovery_partial_state() {
    leave
    on $WORKER sh -c 'mkdir -p /etc/kubernetes/pki /etc/kubernetes/manifests /var/lib/kubelet/pki
        echo nonsense >/etc/kubernetes/pki/ca.crt
        echo nonsense >/etc/kubernetes/bootstrap-kubelet.conf
        echo nonsense >/var/lib/kubelet/config.yaml
        echo nonsense >/etc/kubernetes/kubelet.conf'
    works
}

recovery_missing_socket() {
    on $WORKER rm /run/containerd/containerd.sock
    works
    on $WORKER test -S /run/containerd/containerd.sock
}

recovery_corrupt_unit() {
    on $WORKER sh -c 'echo "this is no unit" >/lib/systemd/system/kubelet.service
        rm -f /etc/systemd/system/kubelet.service
        systemctl daemon-reload
        systemctl stop kubelet || true
        pkill -x kubelet || true'
    works
    on $WORKER systemctl is-active kubelet
}

recovery_wrong_admin() {
    on masternode sh -c 'kubeadm alpha kubeconfig user --client-name stranger --org strangers \
        --config /etc/kubernetes/kubeadm-config.yaml >/etc/kubernetes/admin.conf'
    fails kubectl get nodes
    works
    admin_may_everything
}

recovery_stale_bridge() {
    on $WORKER sh -c 'ip address flush dev cni0 && ip address add 10.244.77.1/24 dev cni0'
    works
    fails on $WORKER sh -c 'ip -brief address show dev cni0 | grep 10.244.77.1'
}

recovery_rebooted() {
    local host
    for host in masternode $WORKER; do
        lab kill $host
        lab boot $host
    done
    works
}

# while_joining COMMAND...: deploys to a worker that left, and runs the command as soon as kubeadm join runs there.
# Sets STATUS to what became of the deployment.
while_joining() {
    leave
    deploy debian --yes -e worker_join_timeout=60 -e worker_join_backoff_seconds=5 -e worker_join_api_timeout=20 &
    local deployment=$!
    wait_for_process $WORKER 'kubeadm join'
    "$@"
    STATUS=0
    wait $deployment || STATUS=$?
    echo "the deployment ended with $STATUS"
}

wait_for_process() {
    local _
    for _ in $(seq 600); do
        ! on "$1" pgrep -f "$2" >/dev/null || return 0
        sleep 0.2
    done
    return 1
}

stop_api() {
    on masternode sh -c 'mv /etc/kubernetes/manifests/kube-apiserver.yaml /root/ && pkill -9 -x kube-apiserver'
}

recovery_api_down() {
    on $WORKER rm -f /var/log/kubeadm-join-failure.log
    while_joining api_away
    works
    on $WORKER grep -q 'kubeadm join, attempt\|worker-join' /var/log/kubeadm-join-failure.log
    ls "$WORK/artifacts/diagnostics/$WORKER"
}

# For as long as the first attempt lasts.
api_away() {
    stop_api
    local _
    for _ in $(seq 300); do
        ! on $WORKER test -s /var/log/kubeadm-join-failure.log || break
        sleep 0.5
    done
    on masternode mv /root/kube-apiserver.yaml /etc/kubernetes/manifests/
}

recovery_worker_off() {
    while_joining lab kill $WORKER
    [ "$STATUS" != 0 ]
    lab boot $WORKER
    works
}

recovery_controller_killed() {
    deploy reset --yes
    setsid "$HERE/../lab.sh" --name "$NAME" in env PATH="$PATH" "$TREE/deploy.sh" debian --yes \
        --inventory "$INVENTORY" --log-dir "$WORK/logs" -- "${LAB_VARS[@]}" &
    local group=$!
    wait_for_process masternode 'kubeadm init'
    sleep 3
    kill -9 -- -$group
    works
}
