# Sourced. Puts what a script needs onto this machine; Debian and Ubuntu know how, elsewhere it says what is missing.

# as_root COMMAND...: runs it as root, by sudo where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -- "$@"; fi
}

# need_packages NAME...: installs those that are not there yet; no network is touched when all are.
need_packages() {
    local missing=() name
    if ! command -v dpkg-query >/dev/null; then
        echo "this machine has no apt; make sure these are installed: $*" >&2
        return 0
    fi
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return 0
    echo "installing ${missing[*]}" >&2
    local log
    log=$(mktemp)
    if ! { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# need_lab: what bringing up the lab takes.
need_lab() {
    need_packages mmdebstrap debian-archive-keyring systemd-container openssh-client iproute2 dpkg-dev rpm createrepo-c \
        util-linux procps
}

# need_rust: a cargo that is new enough for this workspace, and a C compiler for the crates that build C.
need_rust() {
    need_packages build-essential pkg-config libssl-dev zlib1g-dev curl ca-certificates
    [ -d "$HOME/.cargo/bin" ] && PATH="$HOME/.cargo/bin:$PATH"
    if ! command -v cargo >/dev/null; then
        if apt-cache show rustup >/dev/null 2>&1; then
            need_packages rustup
            rustup default stable
        else
            curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c rustfmt -c clippy
            PATH="$HOME/.cargo/bin:$PATH"
        fi
    fi
    export PATH
}
