#!/usr/bin/env bash
# deploy.sh with an engine that only says what it is called with: commands, options, questions, logs, exit codes.
set -Eeuo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cat >"$WORK/engine" <<'X'
#!/usr/bin/env bash
echo "ENGINE $* config=$ANSIBLE_CONFIG"
if [ -n "${ENGINE_FAILS:-}" ] && [[ $* == *$ENGINE_FAILS* ]]; then exit "${ENGINE_STATUS:-2}"; fi
X
chmod +x "$WORK/engine"
cp "$WORK/engine" "$WORK/ansible-playbook"
export VMSTATION_PLAY=$WORK/engine VAULT_PASSWORD_FILE=$ROOT/tests/homelab/vault-password
unset ANSIBLE_CONFIG

fail() {
    printf '%s\n' "$*" >&2
    sed 's/^/  /' "$WORK/out" >&2
    exit 1
}
# deploy STATUS ARGUMENT...
deploy() {
    local want=$1 status=0
    shift
    "$ROOT/deploy.sh" "$@" >"$WORK/out" 2>&1 </dev/null || status=$?
    [ $status = "$want" ] || fail "deploy.sh $*: ended with $status, not $want"
}
has() { grep -qF -- "$1" "$WORK/out" || fail "nothing says: $1"; }
lacks() { ! grep -qF -- "$1" "$WORK/out" || fail "something says: $1"; }
calls() { [ "$(grep -c '^ENGINE ' "$WORK/out" || true)" = "$1" ] || fail "not $1 calls"; }
logs=(--log-dir "$WORK/logs")

deploy 0 help
has 'usage: deploy.sh'
deploy 1
deploy 1 nonsense
deploy 1 all reset
deploy 1 all --limit
deploy 1 all --nonsense

deploy 0 all --with-rke2 --yes "${logs[@]}"
calls 2
has "config=$ROOT/ansible/ansible.cfg"
has 'playbooks/deploy-cluster.yaml'
has 'playbooks/install-rke2.yaml'
has "--vault-password-file $VAULT_PASSWORD_FILE"
grep -qE '^\[[0-9-]+ [0-9:]+\] ENGINE .*deploy-cluster' "$WORK"/logs/all-*.log || fail 'no log with times'
[ "$(stat -c %a "$WORK"/logs/all-*.log)" = 600 ] || fail 'others can read the log'
deploy 0 all --yes "${logs[@]}"
calls 1
deploy 0 debian --yes "${logs[@]}"
has '--skip-tags phase7'
lacks 'install-rke2'
deploy 0 rke2 --yes "${logs[@]}"
calls 1
has 'playbooks/install-rke2.yaml'
deploy 0 monitoring "${logs[@]}"
has 'ansible/plays/monitoring.yml'
deploy 0 apps "${logs[@]}"
has 'playbooks/deploy-apps.yaml'
deploy 0 verify "${logs[@]}"
has '--tags kubeadm'
deploy 0 verify --with-rke2 "${logs[@]}"
lacks '--tags'
deploy 0 rotate "${logs[@]}"
has 'playbooks/rotate-certificates.yaml'
deploy 0 all --yes --check --limit=masternode -vvv -i other.yml "${logs[@]}" -- -e 'a=b c'
has '--check --diff'
has '--limit masternode'
has '-i other.yml'
has '-vvv -e a=b c'

# nothing is taken apart, or deployed, without a yes
deploy 1 reset "${logs[@]}"
calls 0
deploy 1 all "${logs[@]}"
calls 0
deploy 0 reset --check "${logs[@]}"
calls 1
deploy 0 reset --yes --with-rke2 "${logs[@]}"
calls 2
has 'playbooks/uninstall-rke2.yaml'

# one cluster that fails keeps the other from nothing, and gives the exit code
ENGINE_FAILS=deploy-cluster deploy 2 all --with-rke2 --yes "${logs[@]}"
calls 2
has 'failed (2)'
ENGINE_FAILS=install-rke2 ENGINE_STATUS=4 deploy 4 all --with-rke2 --yes "${logs[@]}"

ENGINE=ansible PATH=$WORK:$PATH deploy 0 verify "${logs[@]}"
has 'ansible-playbook -i'
ENGINE=other deploy 1 verify "${logs[@]}"
VMSTATION_PLAY=/nowhere deploy 3 verify "${logs[@]}"
