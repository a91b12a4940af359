# Sourced by what deploys to the lab's Kubernetes: who deploys, and how. The one who sources it sets NAME (the lab's),
# NET (its network), SET (its hosts), UP and KEEP (whether they are left), and later TREE (where deploy.sh is) and INVENTORY.
ENGINE=${ENGINE:-vmstation-play}
WORK=${VMSTATION_LAB_CACHE:-/var/tmp/vmstation-lab}/kube/run-$NAME
VAULT_PASSWORD_FILE=$ROOT/tests/homelab/vault-password
LAB_VARS=(-e "@$HERE/lab-vars.yml" -e "lab_net=$NET" -e "lab_artifacts=$WORK/artifacts")
TREE=$ROOT INVENTORY=$WORK/inventory/hosts.yml
export ENGINE VAULT_PASSWORD_FILE VMSTATION_PLAY

lab() { "$HERE/../lab.sh" --name "$NAME" --net "$NET" --hosts "$SET" "$@"; }
on() { lab exec "$@"; }

find_program() {
    case $ENGINE in
        ansible)
            need_packages python3 python3-venv
            "$ROOT/tests/oracle/venv.sh" collections >/dev/null
            PATH=${XDG_CACHE_HOME:-$HOME/.cache}/vmstation-play/oracle/ansible-7.7.0/bin:$PATH
            ;;
        *)
            [ -z "${VMSTATION_PLAY:-}" ] || return 0
            need_rust
            local profile=${PROFILE:-dev}
            (cd "$ROOT" && cargo build --locked --quiet --profile "$profile")
            VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/${profile/#dev/debug}/vmstation-play
            ;;
    esac
}

# Boots the hosts, and the registry that they pull from.
boot_hosts() {
    if $UP || $KEEP; then lab up; else lab --owner $$ up; fi
    setsid "$HERE/../lab.sh" --name "$NAME" in "$HERE/registry.py" "${VMSTATION_LAB_CACHE:-/var/tmp/vmstation-lab}/kube/out" "$NET.1" \
        >"$WORK/registry.log" 2>&1 </dev/null &
}

# deploy ARGUMENT... [-e NAME=VALUE...]: deploy.sh inside the lab's network.
deploy() {
    local arguments=() more=()
    while [ $# -gt 0 ]; do
        if [ "$1" = -e ]; then more+=("$1" "$2") && shift 2; else arguments+=("$1") && shift; fi
    done
    lab in env PATH="$PATH" "$TREE/deploy.sh" "${arguments[@]}" --inventory "$INVENTORY" --log-dir "$WORK/logs" \
        -- "${LAB_VARS[@]}" "${more[@]}"
}
