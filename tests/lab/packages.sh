# Sourced by lab.sh. The packages that hosts can install: every folder of packages/ becomes a .deb, an .rpm or both,
# in two flat repositories (deb/, rpm/) of a folder that hosts see as /srv/packages. A folder holds
#   about     name (the folder's, unless said), versions, formats (deb, rpm; base: only an entry in the RHEL-shaped
#             hosts' package database), summary, depends, recommends, provides, conflicts, replaces, service
#   root/     its files; @VERSION@ and @UPSTREAM@ (without the release) are filled in
#   preinst   a script to run before installation

packages_dir() {
    echo "$CACHE/packages-$({ cat "$HERE/packages.sh"; cd "$HERE/packages" && find . -type f -printf '%m %p\n' | sort &&
        find . -type f -print0 | sort -z | xargs -0 cat; } | sha256sum | cut -c1-12)"
}

build_packages() {
    local out
    out=$(packages_dir)
    [ -e "$out/done" ] && return 0
    say "making the test packages (once)"
    rm -rf "$out"
    mkdir -p "$out/deb" "$out/rpm" "$out/base" "$out/build"
    logged "$out.log" make_packages
    rm -rf "$out/build"
    touch "$out/done"
}

make_packages() {
    local folder version format
    for folder in "$HERE"/packages/*/; do
        for version in $(about versions); do
            for format in $(about formats); do "make_$format"; done
        done
    done
    cd "$out/deb"
    dpkg-scanpackages --multiversion . >Packages
    printf 'Origin: lab\nLabel: lab\nSuite: lab\nDate: Tue, 14 Nov 2023 22:13:20 UTC\nSHA256:\n %s %s Packages\n' \
        "$(sha256sum Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" >Release
    cd /
    createrepo_c -q "$out/rpm"
}

# about KEY [DEFAULT]: a line of the package's description. Uses $folder, as all below.
about() {
    local found
    found=$(sed -n "s/^$1: *//p" "$folder/about")
    echo "${found:-${2-}}"
}

package_name() {
    about name "$(basename "$folder")"
}

# lay DIR: the package's files with the version filled in.
lay() {
    mkdir -p "$1"
    [ -d "$folder/root" ] || return 0
    cp -a "$folder/root/." "$1"
    chown -R 0:0 "$1"
    find "$1" -type f -exec sed -i "s/@VERSION@/$version/g; s/@UPSTREAM@/${version%-*}/g" {} +
    find "$1" -type d -exec chmod 755 {} +
    touch -d @1700000000 "$1"
    find "$1" -exec touch -h -d @1700000000 {} +
}

# commas WORDS: "a b" -> "a, b"
commas() {
    echo "$*" | sed 's/  */, /g'
}

make_deb() {
    local name tree key value
    name=$(package_name)
    tree="$out/build/$name-$version"
    lay "$tree"
    mkdir "$tree/DEBIAN"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@localhost>\n' "$name" "$version"
        for key in depends recommends provides conflicts replaces; do
            value=$(about $key)
            [ -z "$value" ] || echo "${key^}: $(commas "$value")"
        done
        echo "Description: $(about summary)"
    } >"$tree/DEBIAN/control"
    if [ -d "$tree/etc" ]; then find "$tree/etc" -type f -printf '/etc/%P\n' >"$tree/DEBIAN/conffiles"; fi
    if [ -e "$folder/preinst" ]; then
        { echo '#!/bin/sh' && cat "$folder/preinst"; } >"$tree/DEBIAN/preinst"
        chmod 755 "$tree/DEBIAN/preinst"
    fi
    deb_service_scripts "$tree/DEBIAN" "$(about service)"
    dpkg-deb --root-owner-group -Zgzip -b "$tree" "$out/deb/${name}_${version}_all.deb"
}

# As Debian's packages do: enabled and started when installed, stopped when removed.
deb_service_scripts() {
    local dir=$1 service=$2
    [ -n "$service" ] || return 0
    cat >"$dir/postinst" <<-P
	#!/bin/sh
	[ "\$1" = configure ] && [ -d /run/systemd/system ] || exit 0
	systemctl daemon-reload
	systemctl -q enable $service
	systemctl start $service
	P
    cat >"$dir/prerm" <<-P
	#!/bin/sh
	[ "\$1" = remove ] && [ -d /run/systemd/system ] && systemctl -q disable --now $service
	exit 0
	P
    printf '#!/bin/sh\n[ -d /run/systemd/system ] && systemctl daemon-reload\nexit 0\n' >"$dir/postrm"
    chmod 755 "$dir/postinst" "$dir/prerm" "$dir/postrm"
}

make_rpm() {
    rpm_into rpm
}

make_base() {
    rpm_into base
}

rpm_into() {
    local into=$1 name tree spec key value
    name=$(package_name)
    tree="$out/build/rpm-$name-$version"
    lay "$tree"
    spec="$out/build/$name-$version.spec"
    {
        printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: %s\nLicense: MIT\nBuildArch: noarch\nAutoReqProv: no\n' \
            "$name" "${version%-*}" "${version##*-}" "$(about summary)"
        for key in depends:Requires recommends:Recommends provides:Provides conflicts:Conflicts replaces:Obsoletes; do
            value=$(about "${key%:*}")
            # an RPM may not conflict with what it provides itself
            if [ "$key" = conflicts:Conflicts ] && [ "$value" = "$(about provides)" ]; then continue; fi
            [ -z "$value" ] || echo "${key#*:}: $(commas "$value")"
        done
        printf '%%description\n%s\n' "$(about summary)"
        if [ -e "$folder/preinst" ]; then echo '%pre' && cat "$folder/preinst"; fi
        if [ -n "$(about service)" ]; then rpm_service_scripts "$(about service)"; fi
        printf '%%install\nmkdir -p %%{buildroot}\ncp -a %s/. %%{buildroot}\n' "$tree"
        echo '%files'
        find "$tree" -type f -printf '/%P\n' | sed 's,^/etc/,%config(noreplace) /etc/,'
    } >"$spec"
    rpmbuild -bb --quiet --nodeps --define "_topdir $out/build/top" --define "_rpmdir $out/$into" \
        --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.noarch.rpm' --define '_binary_payload w6.gzdio' \
        --define "__os_install_post %{nil}" "$spec"
}

# As RHEL's packages do: not enabled, not started.
rpm_service_scripts() {
    printf '%%post\n[ -d /run/systemd/system ] && systemctl daemon-reload || :\n'
    printf '%%preun\n[ "$1" = 0 ] && [ -d /run/systemd/system ] && systemctl -q disable --now %s || :\n' "$1"
    printf '%%postun\n[ -d /run/systemd/system ] && systemctl daemon-reload || :\n'
}
