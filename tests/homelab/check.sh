#!/usr/bin/env bash
# Checks the homelab's artifacts (inventory, playbooks, roles, manifests, dashboards, rules, deploy.sh), and those of generated
# trees (clusters/). Installs what that takes (Debian, Ubuntu; root or sudo) into a cache folder, contacts no host, and ends
# with `homelab: N passed, M failed`.
#   check.sh [PART...]   lint, playbooks, monitoring, manifests, deploy, generated (default: all)
#   HOMELAB_CACHE    the folder (default: ~/.cache/vmstation-play/homelab)
#   VMSTATION_PLAY   our program; without it, it is built
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
CACHE=${HOMELAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmstation-play/homelab}
cd "$ROOT"
# shellcheck source=tests/lab/install.sh
. tests/lab/install.sh

PASSED=0 FAILED=0
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export ANSIBLE_NOCOLOR=1 NO_COLOR=1
VAULT=(--vault-password-file "$HERE/vault-password")
PLAYBOOKS=(playbooks/*.yaml ansible/plays/*.yml)

# check NAME COMMAND...: one check; what it says is shown if it fails.
check() {
    local name=$1
    shift
    if "$@" >"$WORK/output" 2>&1; then
        PASSED=$((PASSED + 1))
        printf 'ok: %s\n' "$name"
    else
        FAILED=$((FAILED + 1))
        printf 'FAIL: %s\n' "$name"
        sed 's/^/    /' "$WORK/output"
    fi
}

# venv NAME PACKAGE...: a virtual environment of its own in the cache.
venv() {
    local folder=$CACHE/$1
    shift
    if [ "$(cat "$folder/packages" 2>/dev/null)" != "$*" ]; then
        echo "installing $*" >&2
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
        echo "$*" >"$folder/packages"
    fi
}

# Programs out of Debian packages that are not installed: no service of them ever starts.
unpacked() {
    local package=$1 folder=$CACHE/$1
    [ -e "$folder/done" ] && return
    echo "unpacking $package" >&2
    rm -rf "$folder"
    mkdir -p "$folder/deb"
    chmod 777 "$folder/deb"
    (cd "$folder/deb" && apt-get download -q "$package" >/dev/null) || (as_root apt-get update -q >/dev/null && cd "$folder/deb" && apt-get download -q "$package" >/dev/null)
    dpkg-deb --extract "$folder"/deb/*.deb "$folder"
    touch "$folder/done"
}

install() {
    mkdir -p "$CACHE"
    need_packages python3 python3-venv shellcheck dpkg-dev
    venv ansible ansible==7.7.0 ansible-core==2.14.18
    venv lint ansible-lint==26.10.1 yamllint==1.38.0 kubernetes-validate==1.37.0 ansible-core==2.19.14
    unpacked prometheus
    unpacked prometheus-node-exporter
    unpacked kubernetes-client
    export ANSIBLE_COLLECTIONS_PATH=
    ANSIBLE_COLLECTIONS_PATH=$(echo "$CACHE"/ansible/lib/python3*/site-packages)
    PATH=$CACHE/prometheus/usr/bin:$PATH
    KUBECTL=$CACHE/kubernetes-client/usr/bin/kubectl
    ORACLE=$CACHE/ansible/bin
    if [ -z "${VMSTATION_PLAY:-}" ]; then
        need_rust
        cargo build --quiet
        VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/debug/vmstation-play
    fi
    VMSTATION_PLAY=$(realpath "$VMSTATION_PLAY")
}

lint() {
    PATH=$CACHE/lint/bin:$PATH "$@"
}

# ansible-core lists a play's tags in the order of a hash, another one each time.
with_sorted_tags() {
    python3 -c '
import re, sys
for line in sys.stdin:
    print(re.sub(r"TAGS: \[(.*)\]$", lambda m: f"TAGS: [{chr(44).join(sorted(m[1].split(chr(44))))}]", line.rstrip()))'
}

# The same tasks in the same order, whoever lists them.
listed_alike() {
    "$ORACLE/ansible-playbook" -i inventory/hosts.yml "$1" --list-tasks 2>/dev/null | with_sorted_tags >"$WORK/theirs"
    "$VMSTATION_PLAY" -i inventory/hosts.yml "$1" --list-tasks | with_sorted_tags >"$WORK/ours" || return 1
    diff "$WORK/theirs" "$WORK/ours"
}

inventory_alike() {
    "$ORACLE/ansible-inventory" -i inventory/hosts.yml "${VAULT[@]}" --list >"$WORK/theirs" 2>/dev/null
    ln -sf "$(realpath "$VMSTATION_PLAY")" "$WORK/ansible-inventory"
    "$WORK/ansible-inventory" -i inventory/hosts.yml "${VAULT[@]}" --list >"$WORK/ours" || return 1
    diff "$WORK/theirs" "$WORK/ours"
}

# render ENGINE FOLDER: what roles write into a folder of this machine; a second time nothing may change.
render() {
    local engine=$1 folder=$2
    mkdir -p "$folder"
    touch "$folder/loopback"
    for _ in first second; do
        "$engine" -i inventory/hosts.yml "${VAULT[@]}" tests/homelab/render.yml -e "render_dir=$folder" >"$folder.log" 2>&1 || {
            cat "$folder.log"
            return 1
        }
    done
    grep -q 'changed=0 .*failed=0' "$folder.log" || {
        echo 'the second time something changed:'
        grep -B3 ^changed "$folder.log"
        return 1
    }
}

# generate NAME: the tree of a description; a second time nothing may be left to write.
generate() {
    "$VMSTATION_PLAY" generate "$HERE/clusters/$1.yaml" -o "$WORK/trees/$1" "${VAULT[@]}" &&
        "$VMSTATION_PLAY" generate "$HERE/clusters/$1.yaml" -o "$WORK/trees/$1" --check
}

# generated NAME: a generated tree by both engines, the linters, promtool and Kubernetes' schemas, in its own folder.
generated() {
    local name=$1 tree=$WORK/trees/$1 playbook
    check "$name: the tree is written" generate "$name"
    cp .yamllint .ansible-lint "$tree"
    cd "$tree"
    for playbook in playbooks/*.yaml ansible/plays/*.yml; do
        check "$name, ansible-core: syntax of $playbook" "$ORACLE/ansible-playbook" -i inventory/hosts.yml "$playbook" --syntax-check
        check "$name, vmstation-play: syntax of $playbook" "$VMSTATION_PLAY" -i inventory/hosts.yml "$playbook" --syntax-check
        check "$name: both list the same tasks of $playbook" listed_alike "$playbook"
    done
    check "$name: both read the same inventory" inventory_alike
    check "$name: yamllint" lint yamllint --strict .
    check "$name: ansible-lint, production profile" lint ansible-lint --nocolor
    check "$name: shellcheck" shellcheck -x deploy.sh roles/*/files/*.sh
    cd "$ROOT"
    monitoring "$name: " "$tree"
    counted "$name: " "$tree"
}

# counted NAME FOLDER [RENDERED...]: what manifests.py says of a tree.
counted() {
    local name=$1
    shift
    "$CACHE/lint/bin/python" "$HERE/manifests.py" check "$@" >"$WORK/manifests" || true
    sed -E "s/^(ok|FAIL): /&$name/" "$WORK/manifests"
    PASSED=$((PASSED + $(grep -c ^ok: "$WORK/manifests" || true)))
    FAILED=$((FAILED + $(grep -c ^FAIL: "$WORK/manifests" || true)))
}

# Whole documents of what the roles wrote, by kubectl's own kustomize (that of 1.20, the oldest that the roles are for).
kustomized() {
    local folder
    for folder in "$WORK"/theirs.d/manifests/*/; do
        "$KUBECTL" kustomize "$folder" >"$folder/rendered.yaml" || return 1
        [ -s "$folder/rendered.yaml" ] || return 1
    done
}

promtool_config() {
    promtool check config --syntax-only "$WORK/prometheus/prometheus.yml"
}

playbooks() {
    local playbook
    for playbook in "${PLAYBOOKS[@]}"; do
        check "ansible-core: syntax of $playbook" "$ORACLE/ansible-playbook" -i inventory/hosts.yml "$playbook" --syntax-check
        check "vmstation-play: syntax of $playbook" "$VMSTATION_PLAY" -i inventory/hosts.yml "$playbook" --syntax-check
        check "both list the same tasks of $playbook" listed_alike "$playbook"
    done
    check 'both read the same inventory' inventory_alike
}

# monitoring NAME FOLDER: a tree's Prometheus.
monitoring() {
    rm -rf "$WORK/prometheus"
    "$CACHE/lint/bin/python" "$HERE/manifests.py" extract "$2" "$WORK/prometheus"
    cp "$HERE/rules.test.yml" "$WORK/prometheus"
    check "${1}promtool: configuration" promtool_config
    check "${1}promtool: rules" promtool check rules "$WORK/prometheus/kubernetes.yml"
    check "${1}promtool: dashboards' queries" promtool check rules "$WORK/prometheus/queries.yml"
    check "${1}promtool: unit tests of the rules" promtool test rules "$WORK/prometheus/rules.test.yml"
}

rendered() {
    check 'ansible-core: what roles write, twice' render "$ORACLE/ansible-playbook" "$WORK/theirs.d"
    check 'vmstation-play: what roles write, twice' render "$VMSTATION_PLAY" "$WORK/ours.d"
    check 'both write the same' diff --recursive "$WORK/theirs.d" "$WORK/ours.d"
    check 'kubectl kustomize takes it' kustomized
    counted '' "$ROOT" "$WORK"/theirs.d/manifests/*/rendered.yaml
}

printf '== installing what is missing\n'
install
PARTS=("$@")
[ $# -gt 0 ] || PARTS=(lint playbooks monitoring manifests deploy generated)
for part in "${PARTS[@]}"; do
    printf '== %s\n' "$part"
    case $part in
        lint)
            check 'yamllint' lint yamllint --strict .
            check 'ansible-lint, production profile' lint ansible-lint --nocolor
            check 'shellcheck' shellcheck -x deploy.sh tests/homelab/*.sh roles/*/files/*.sh tests/homelab/kubectl-stub
            ;;
        playbooks) playbooks ;;
        monitoring)
            monitoring '' "$ROOT"
            check 'a real Prometheus: rules, targets, dashboards' "$CACHE/lint/bin/python" "$HERE/live.py" "$ROOT" "$WORK/prometheus" \
                "$CACHE/prometheus/usr/bin/prometheus" "$CACHE/prometheus-node-exporter/usr/bin/prometheus-node-exporter" "$WORK"
            ;;
        manifests) rendered ;;
        deploy) check 'deploy.sh, with an engine that only says what it is called with' "$HERE/deploy.test.sh" ;;
        generated)
            check 'this tree is what cluster.yaml describes' "$VMSTATION_PLAY" generate --check
            generated smallest
            generated highly-available
            ;;
        *)
            echo "no such part: $part"
            exit 1
            ;;
    esac
done

printf '\nhomelab: %d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
