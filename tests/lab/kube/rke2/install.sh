#!/bin/sh
# The lab's simulator of RKE2's installer (get.rke2.io), which can't be had here: takes the same variables and puts the same
# files in the same places. What it installs is a simulator, too; see bin/rke2.
set -eu
version=${INSTALL_RKE2_VERSION:-v1.29.15+rke2r1} type=${INSTALL_RKE2_TYPE:-server}
prefix=${INSTALL_RKE2_TAR_PREFIX:-/usr/local} source=${INSTALL_RKE2_SIMULATOR_URL:?the lab names where its archive is}

[ "$(id -u)" = 0 ] || { echo '[ERROR]  need to be root' >&2; exit 1; }
[ "${INSTALL_RKE2_METHOD:-tar}" = tar ] || { echo '[ERROR]  this simulator knows the method tar alone' >&2; exit 1; }
case $type in server | agent) ;; *) echo "[ERROR]  unknown type $type" >&2; exit 1 ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "[INFO]  using $version as release (simulator)"
curl --fail --silent --show-error --output "$work/rke2.tar.gz" "$source/rke2.linux-amd64.tar.gz"
echo "[INFO]  unpacking tarball file to $prefix"
mkdir -p "$prefix"
tar -xzf "$work/rke2.tar.gz" -C "$prefix" --no-same-owner
echo "$version" >"$prefix/share/rke2/version"
systemctl daemon-reload
