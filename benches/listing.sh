#!/usr/bin/env bash
# Loads and lists a repository of about 500 files, by ansible-core 2.14.18 and by vmstation-play, in turns; prints the
# medians and their ratio for each command. Both have to print the same. README.md beside this says how to read it.
# usage: benches/listing.sh [ROUNDS]     VMSTATION_PLAY=PROGRAM measures that one instead of building
set -Eeuo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$HERE")
ROUNDS=${1:-5}
if [ -z "${VMSTATION_PLAY-}" ]; then
    (cd "$ROOT" && cargo build --release --quiet)
    VMSTATION_PLAY=${CARGO_TARGET_DIR:-$ROOT/target}/release/vmstation-play
fi
REAL=${ORACLE_BIN:-$("$ROOT/tests/oracle/venv.sh")}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/bin" "$WORK/repository"
for name in ansible-playbook ansible-inventory; do
    ln -s "$(realpath "$VMSTATION_PLAY")" "$WORK/bin/$name"
done
cd "$WORK/repository"

# write FILE: its text from standard input.
write() {
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

# role NAME: eight files, as roles have them.
role() {
    local role=roles/$1
    local n more='' tasks=''
    for n in $(seq 20); do more+=$'\n'"$1_option_$n: {name: option$n, value: \"{{ $1_port }}\", enabled: true}"; done
    for n in $(seq 12); do
        tasks+=$'\n'"- name: option $n of $1
  lineinfile:
    path: \"{{ $1_folder }}/options\"
    line: \"{{ $1_option_$n.name }} = {{ $1_option_$n.value }}\"
    create: true
    mode: '0644'
  when:
    - $1_option_$n.enabled | bool
    - inventory_hostname in groups['all']
  notify: restart $1"
    done
    write "$role/defaults/main.yml" <<<"$1_port: 80
$1_packages: [\"{{ package_prefix }}-$1\", tools]
$1_settings: {listen: \"{{ $1_port }}\", host: \"{{ inventory_hostname }}\"}$more"
    write "$role/vars/main.yml" <<<"$1_folder: /etc/$1"
    write "$role/meta/main.yml" <<<"dependencies: []"
    write "$role/handlers/main.yml" <<<"- name: restart $1
  service: {name: $1, state: restarted}"
    write "$role/templates/main.conf.j2" <<<"{% for key, value in $1_settings.items() %}
{{ key }} = {{ value }}
{% endfor %}"
    write "$role/files/motd" <<<"$1"
    write "$role/tasks/files.yml" <<<"- name: folder of $1
  file: {path: \"{{ $1_folder }}\", state: directory, mode: '0755'}
- name: settings of $1
  template: {src: main.conf.j2, dest: \"{{ $1_folder }}/main.conf\"}
  notify: restart $1
- name: message of $1
  copy: {src: motd, dest: \"{{ $1_folder }}/motd\"}
  when: $1_port | int > 0$tasks"
    write "$role/tasks/main.yml" <<<"- name: packages of $1
  package: {name: \"{{ item }}\", state: present}
  loop: \"{{ $1_packages }}\"
  tags: [packages]
- import_tasks: files.yml
  tags: [files]
- block:
    - name: try $1
      command: \"true\"
      changed_when: false
  rescue:
    - debug: {msg: failed}"
}

printf '[defaults]\ninventory = hosts\nroles_path = roles\n' >ansible.cfg
for n in $(seq 60); do
    role "r$n"
    printf -- '- hosts: group%d\n  gather_facts: false\n  roles: [r%d]\n' $((n % 10)) "$n" | write "plays/p$n.yml"
    printf -- '- import_playbook: plays/p%d.yml\n' "$n" >>site.yml
done
for n in $(seq 0 9); do
    printf '[group%d]\nhost%d[1:5]\n' "$n" "$n" >>hosts
    write "group_vars/group$n.yml" <<<"package_prefix: p$n"
    for host in $(seq 5); do write "host_vars/host$n$host.yml" <<<"address: 10.0.$n.$host"; done
done
echo "$(find . -type f | wc -l) files, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# run FOLDER COMMAND...: seconds that the command of that engine takes; what it prints is left in a file.
run() {
    local folder=$1 from
    shift
    from=$(date +%s.%N)
    PATH=$folder:$PATH "$@" >"$WORK/printed" 2>"$WORK/errors" || {
        cat "$WORK/errors" >&2
        exit 1
    }
    awk "BEGIN { print $(date +%s.%N) - $from }"
}

compare() {
    local theirs=() ours=()
    for _ in $(seq "$ROUNDS"); do
        theirs+=("$(run "$REAL" "$@")")
        # ansible lists hosts in an order of chance.
        sort "$WORK/printed" >"$WORK/expected"
        ours+=("$(run "$WORK/bin" "$@")")
        sort "$WORK/printed" | diff "$WORK/expected" - >&2
    done
    printf '%s\n' "${theirs[@]}" | median >"$WORK/theirs"
    printf '%s\n' "${ours[@]}" | median >"$WORK/ours"
    awk -v command="$*" '{ t[NR] = $1 } END { printf "%-42s %8.3f s %8.4f s   ratio %.0f\n", command, t[1], t[2], t[1] / t[2] }' \
        "$WORK/theirs" "$WORK/ours"
}

compare ansible-playbook --syntax-check site.yml
compare ansible-playbook --list-tasks site.yml
compare ansible-playbook --list-hosts site.yml
compare ansible-inventory --list
