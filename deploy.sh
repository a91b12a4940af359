#!/usr/bin/env bash
# Deploys the clusters of this tree. `deploy.sh help` tells how.
set -Eeuo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    cat <<'U'
usage: deploy.sh COMMAND [OPTION...] [-- ARGUMENT...]

Commands
  all          the kubeadm cluster with its applications; with --with-rke2 the RKE2 cluster too
  debian       the kubeadm cluster alone (phases 0 to 6)
  rke2         the RKE2 cluster
  monitoring   the monitoring stack, on a cluster that is there
  apps         all applications, on a cluster that is there (phase 7)
  verify       the seven checkpoints
  rotate       certificates that expire soon
  reset        takes the kubeadm cluster apart; with --with-rke2 the RKE2 cluster too
  help         this

Options
  --with-rke2            the RKE2 cluster too
  --yes, -y              no questions before something is taken apart or deployed
  --check                tells what would change, and changes nothing
  --limit HOSTS, -l      only these hosts
  --inventory FILE, -i   another inventory than inventory/hosts.yml
  --log-dir DIR          where logs go (default: logs)
  -v, -vv, -vvv          tells more
  -- ARGUMENT...         given to the engine as they are

Environment
  ENGINE                 vmstation-play (default) or ansible
  VMSTATION_PLAY         the vmstation-play program (default: built from this folder's source, or the one on PATH)
  VAULT_PASSWORD_FILE    the vault's password (default: inventory/.vault-password; without it, it is asked for)

Exit codes: 0 done; 1 wrong use, or not confirmed; 2 a host failed; 3 the engine can't be had; 4 a host was unreachable,
or a playbook is wrong; others are the engine's own.
U
}

now() { date '+%Y-%m-%d %H:%M:%S'; }
# Shown, and logged as soon as there is a log.
say() { printf '[%s] %s\n' "$(now)" "$*" | tee -a "${LOG:-/dev/null}"; }
# Copies lines through, and into the log with the time of each.
logged() {
    local line
    while IFS= read -r line || [ -n "$line" ]; do
        printf '%s\n' "$line"
        printf '[%(%Y-%m-%d %H:%M:%S)T] %s\n' -1 "$line" >>"$LOG"
    done
}
wrong() {
    printf 'deploy.sh: %s\n' "$*" >&2
    printf "try 'deploy.sh help'\n" >&2
    exit 1
}

COMMAND='' WITH_RKE2=false YES=false CHECK=false LIMIT='' LOG_DIR=$ROOT/logs
INVENTORY=$ROOT/inventory/hosts.yml
ENGINE=${ENGINE:-vmstation-play}
VERBOSE=() MORE=()

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
            all | debian | rke2 | monitoring | apps | verify | rotate | reset)
                [ -z "$COMMAND" ] || wrong "two commands: $COMMAND and $1"
                COMMAND=$1
                ;;
            help | -h | --help)
                usage
                exit 0
                ;;
            --with-rke2) WITH_RKE2=true ;;
            -y | --yes) YES=true ;;
            --check) CHECK=true ;;
            -l | --limit | --log-dir | -i | --inventory)
                [ $# -ge 2 ] || wrong "$1 needs a value"
                option "$1" "$2"
                shift
                ;;
            --limit=* | --log-dir=* | --inventory=*) option "${1%%=*}" "${1#*=}" ;;
            -v | -vv | -vvv | -vvvv) VERBOSE=("$1") ;;
            --)
                shift
                MORE=("$@")
                return
                ;;
            *) wrong "unknown: $1" ;;
        esac
        shift
    done
    [ -n "$COMMAND" ] || wrong 'no command'
}

option() {
    [ -n "$2" ] || wrong "$1 needs a value"
    case $1 in
        -l | --limit) LIMIT=$2 ;;
        --log-dir) LOG_DIR=$2 ;;
        -i | --inventory) INVENTORY=$2 ;;
    esac
}

# Sets PLAY to the program that plays playbooks.
find_engine() {
    case $ENGINE in
        ansible)
            PLAY=$(command -v ansible-playbook) || {
                say 'ENGINE=ansible, and there is no ansible-playbook here'
                exit 3
            }
            ;;
        vmstation-play)
            PLAY=${VMSTATION_PLAY:-}
            if [ -z "$PLAY" ]; then
                PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/release/vmstation-play
                if [ ! -e "$ROOT/Cargo.toml" ]; then
                    # a generated tree: what wrote it is somewhere else
                    PLAY=$(command -v vmstation-play) || {
                        say 'there is no vmstation-play on PATH; VMSTATION_PLAY names it, too'
                        exit 3
                    }
                fi
                [ -x "$PLAY" ] || build
            fi
            [ -x "$PLAY" ] || {
                say "there is no vmstation-play at $PLAY"
                exit 3
            }
            ;;
        *) wrong "ENGINE is vmstation-play or ansible, not $ENGINE" ;;
    esac
}

build() {
    local cargo
    cargo=$(command -v cargo || command -v "$HOME/.cargo/bin/cargo") || {
        say 'vmstation-play is not built yet, and there is no cargo to build it with: see README.md'
        exit 3
    }
    say 'building vmstation-play (the first time takes some minutes)'
    (cd "$ROOT" && "$cargo" build --locked --release) >>"$LOG" 2>&1 || {
        say "building failed: see $LOG"
        exit 3
    }
}

confirm() {
    $YES || $CHECK && return 0
    [ -t 0 ] || wrong "$1: there is no terminal to ask on; say --yes"
    local answer
    read -r -p "$1. Go on? [y/N] " answer
    [[ $answer =~ ^[Yy]([Ee][Ss])?$ ]] || {
        say 'not confirmed: nothing was done'
        exit 1
    }
}

# play TITLE PLAYBOOK ARGUMENT...: one playbook, shown and logged; notes how it ended in SUMMARY and STATUS.
STATUS=0 SUMMARY=()
play() {
    local title=$1 playbook=$2 from=$SECONDS status=0 arguments
    shift 2
    arguments=(-i "$INVENTORY" "$ROOT/$playbook" "$@" "${VAULT[@]}")
    [ -z "$LIMIT" ] || arguments+=(--limit "$LIMIT")
    $CHECK && arguments+=(--check --diff)
    arguments+=("${VERBOSE[@]}" "${MORE[@]}")
    say "$title: $(basename "$PLAY") ${arguments[*]}"
    "$PLAY" "${arguments[@]}" 2>&1 | logged || status=${PIPESTATUS[0]}
    say "$title: ended with $status after $((SECONDS - from)) s"
    SUMMARY+=("$(printf '%-28s %-7s %5d s' "$title" "$([ "$status" = 0 ] && echo ok || echo "failed ($status)")" $((SECONDS - from)))")
    [ "$status" = 0 ] || [ "$STATUS" != 0 ] || STATUS=$status
    return "$status"
}

vault() {
    VAULT=()
    if [ -n "${VAULT_PASSWORD_FILE:-}" ]; then
        VAULT=(--vault-password-file "$VAULT_PASSWORD_FILE")
    elif [ -e "$ROOT/inventory/.vault-password" ]; then
        VAULT=(--vault-password-file "$ROOT/inventory/.vault-password")
    elif [ -z "${ANSIBLE_VAULT_PASSWORD_FILE:-}" ]; then
        VAULT=(--ask-vault-pass)
    fi
}

# The clusters know nothing of each other: one that fails keeps the other from nothing.
run() {
    case $COMMAND in
        all)
            play 'kubeadm cluster' playbooks/deploy-cluster.yaml || true
            if $WITH_RKE2; then play 'RKE2 cluster' playbooks/install-rke2.yaml || true; fi
            ;;
        debian)
            play 'kubeadm cluster' playbooks/deploy-cluster.yaml --skip-tags phase7 || true
            if $WITH_RKE2; then play 'RKE2 cluster' playbooks/install-rke2.yaml || true; fi
            ;;
        rke2) play 'RKE2 cluster' playbooks/install-rke2.yaml || true ;;
        monitoring) play 'monitoring' ansible/plays/monitoring.yml || true ;;
        apps) play 'applications' playbooks/deploy-apps.yaml || true ;;
        verify)
            if $WITH_RKE2; then
                play 'checkpoints' playbooks/verify-cluster.yaml || true
            else
                play 'checkpoints' playbooks/verify-cluster.yaml --tags kubeadm || true
            fi
            ;;
        rotate) play 'certificates' playbooks/rotate-certificates.yaml || true ;;
        reset)
            if $WITH_RKE2; then play 'uninstall RKE2' playbooks/uninstall-rke2.yaml || true; fi
            play 'reset kubeadm cluster' playbooks/reset-cluster.yaml || true
            ;;
    esac
}

main() {
    parse "$@"
    if { $WITH_RKE2 || [ "$COMMAND" = rke2 ]; } && [ ! -e "$ROOT/playbooks/install-rke2.yaml" ]; then
        wrong 'this tree has no RKE2 cluster: cluster.yaml has no host with role rke2'
    fi
    mkdir -p "$LOG_DIR" || wrong "can't write to $LOG_DIR"
    LOG_DIR=$(cd "$LOG_DIR" && pwd)
    LOG=$LOG_DIR/$COMMAND-$(date +%Y%m%d-%H%M%S)-$$.log
    umask 077
    : >"$LOG"
    case $COMMAND in
        reset)
            if $WITH_RKE2; then
                confirm "This takes the kubeadm cluster and the RKE2 cluster of $INVENTORY apart"
            else
                confirm "This takes the kubeadm cluster of $INVENTORY apart"
            fi
            ;;
        all | debian | rke2) confirm "This deploys to the hosts of $INVENTORY" ;;
    esac
    find_engine
    vault
    export ANSIBLE_CONFIG=${ANSIBLE_CONFIG:-$ROOT/ansible/ansible.cfg}
    local from=$SECONDS
    run
    printf '\n'
    say "summary of deploy.sh $COMMAND ($ENGINE)"
    {
        printf '  %s\n' "${SUMMARY[@]}"
        printf '  %-28s %-7s %5d s\n' total "$([ "$STATUS" = 0 ] && echo ok || echo failed)" $((SECONDS - from))
        printf '  log: %s\n' "$LOG"
    } | tee -a "$LOG"
    exit "$STATUS"
}

main "$@"
