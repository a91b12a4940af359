//! `vmstation-play --syntax-check`: all that is wrong with playbooks at once, and ansible's own exit codes.

#![expect(clippy::panic, reason = "a test may fail")]

use std::{fs, path::Path, process::Command};

/// What a check of `site.yml` gives: the exit code, standard output, standard error.
fn check(files: &[(&str, &str)], flag: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("a folder: {e}"));
    for (name, text) in files {
        let path = folder.path().join(name);
        let parent = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).unwrap_or_else(|e| panic!("{}: {e}", parent.display()));
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let done = Command::new(env!("CARGO_BIN_EXE_vmstation-play"))
        .args(["-i", "localhost,", flag, "site.yml"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("ANSIBLE_NOCOLOR", "1")
        .output()
        .unwrap_or_else(|e| panic!("vmstation-play: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
}

fn assert_tells(text: &str, pieces: &[&str]) {
    for piece in pieces {
        assert!(text.contains(piece), "`{piece}` is not in:\n{text}");
    }
}

const WRONG: &str = r#"
- hosts: localhost
  gather_facts: false
  roles: [web, nosuchrole]
  tasks:
    - copi: {src: a}
    - debug: {msg: one}
      wen: true
    - import_tasks: gone.yml
    - copy: {src: nope.txt, dst: /tmp/x}
- hosts: all
  task: []
"#;

const ROLE: &str = "- stat: {path: /x, cheksum: md5}\n- command: 'true'\n  nitofy: x\n";

#[test]
fn every_mistake_is_told_at_once() {
    let files = [("site.yml", WRONG), ("roles/web/tasks/main.yml", ROLE)];
    let (status, stdout, stderr) = check(&files, "--syntax-check");
    assert_eq!((status, stdout.as_str()), (1, ""), "{stderr}");
    assert_tells(
        &stderr,
        &[
            "the role 'nosuchrole' was not found",
            "conflicting action statements: command, nitofy",
            "did you mean `notify`?",
            "couldn't resolve module/action 'copi'",
            "did you mean `copy`?",
            "conflicting action statements: debug, wen",
            "did you mean `when`?",
            "Could not find or access",
            "the module `copy` has no argument `dst`",
            "did you mean `dest`?",
            "the file `nope.txt` is not there",
            "'task' is not a valid attribute for a Play",
            "did you mean `tasks`?",
            "the module `stat` has no argument `cheksum`",
        ],
    );
}

#[test]
fn ansibles_own_check_stops_at_the_first() {
    let files = [("site.yml", WRONG), ("roles/web/tasks/main.yml", ROLE)];
    let (status, _, stderr) = check(&files, "--syntax-check=ansible");
    assert_eq!(status, 1);
    assert_tells(&stderr, &["the role 'nosuchrole' was not found"]);
    assert!(!stderr.contains("copi"), "{stderr}");
}

const DOUBTFUL: &str = r#"
- hosts: localhost
  gather_facts: false
  vars:
    later: "{{ x | nosuchfilter }}"
    open: "{{ (1 + }}"
  vars_files: [missing.yml]
  tasks:
    - file: {path: /tmp/x, state: directry}
      when: "a == "
      notify: restart
    - systemd: {name: x, enable: true}
    - stat: {path: /x}
      when: false
    - fail: {msg: the end}
    - debug: {msg: never}
  handlers:
    - name: restrat
      debug: {msg: one}
"#;

#[test]
fn what_fails_later_is_told_and_keeps_the_exit_code() {
    let told = [
        "Could not load \"nosuchfilter\"",
        "unexpected '}', expected ')'",
        "the file `missing.yml` is not there",
        "value of state must be one of",
        "unexpected 'end of statement block'",
        "no handler of this play is called `restart`",
        "did you mean `restrat`?",
        "the module `systemd` has no argument `enable`",
        "did you mean `enabled`?",
        "this task never runs",
        "this is never reached: `fail` before it",
    ];
    let (status, stdout, stderr) = check(&[("site.yml", DOUBTFUL)], "--syntax-check");
    assert_eq!((status, stdout.as_str()), (0, "\nplaybook: site.yml\n"), "{stderr}");
    assert_tells(&stderr, &told);
    let (status, _, stderr) = check(&[("site.yml", DOUBTFUL)], "--syntax-check=strict");
    assert_eq!(status, 4, "{stderr}");
    let (status, _, stderr) = check(&[("site.yml", DOUBTFUL)], "--syntax-check=ansible");
    assert_eq!(status, 0, "{stderr}");
    assert!(!stderr.contains("nosuchfilter"), "{stderr}");
}

const UNDECIDED: &str = r#"
- hosts: localhost
  gather_facts: false
  module_defaults: {file: {state: directory}}
  tasks:
    - file: {path: /tmp/x}
    - copy: {src: "{{ name }}", dest: /x, mode: "{{ mode }}"}
    - copy: {src: later.txt, dest: /x}
      when: there
    - copy: {src: /on/the/host, dest: /x, remote_src: true}
    - command: {cmd: "docker inspect -f !unsafe", chdir: /}
      args: {creates: /x}
      notify: "restart {{ service }}"
    - stat: "{{ arguments }}"
    - shell: !unsafe "docker inspect -f '{{.State}}' x"
    - include_role: {name: web}
    - debug: {msg: one}
      notify: of the role
    - fail: {msg: no}
      when: broken
    - meta: end_host
      tags: [once]
    - debug: {msg: two}
"#;

#[test]
fn nothing_is_said_of_what_only_a_run_can_tell() {
    let (status, stdout, stderr) = check(&[("site.yml", UNDECIDED)], "--syntax-check=strict");
    assert_eq!((status, stdout.as_str()), (0, "\nplaybook: site.yml\n"), "{stderr}");
    assert_eq!(stderr, "");
}

const PYTHON: &str = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n";

#[test]
fn a_module_that_is_not_here_keeps_no_playbook_from_being_loaded() {
    let playbook = "- hosts: localhost\n  tasks:\n    - beside:\n";
    let files = [("site.yml", playbook), ("library/beside.py", PYTHON)];
    for (flag, wanted, told) in [
        ("--syntax-check", 0, "the module `beside` is not supported yet"),
        ("--syntax-check=strict", 4, "the module `beside` is not supported yet"),
        ("--syntax-check=ansible", 0, "[WARNING]: the module 'beside' is not supported yet"),
        ("--list-tasks", 0, "[WARNING]: the module 'beside' is not supported yet"),
        ("--check", 4, "the module 'beside' is not supported yet"),
        ("--check", 4, "library/beside.py is in Python and needs ansible's own library"),
    ] {
        let (status, _, stderr) = check(&files, flag);
        assert_eq!(status, wanted, "{flag}: {stderr}");
        assert_tells(&stderr, &[told]);
    }
}

#[test]
fn handlers_of_roles_and_of_the_play_are_known() {
    let playbook = "- hosts: all\n  roles: [web]\n  tasks:\n    - import_role: {name: other}\n    - ping:\n      notify: [own, of web, 'web : of web', of other, nobody]\n  handlers:\n    - name: own\n      ping:\n";
    let files = [
        ("site.yml", playbook),
        ("roles/web/tasks/main.yml", "- ping:\n  notify: of web\n"),
        ("roles/web/handlers/main.yml", "- name: of web\n  ping:\n"),
        ("roles/other/handlers/main.yml", "- name: of other\n  ping:\n"),
        ("roles/other/tasks/main.yml", "- ping:\n"),
    ];
    let (status, _, stderr) = check(&files, "--syntax-check=strict");
    assert_eq!(status, 4, "{stderr}");
    assert_eq!(stderr.matches("no handler of this play").count(), 1, "{stderr}");
    assert_tells(&stderr, &["is called `nobody`"]);
}

#[test]
fn a_file_that_imports_itself_is_one_mistake() {
    let playbook = "- hosts: all\n  tasks:\n    - import_tasks: again.yml\n";
    let again = "- import_tasks: again.yml\n- import_tasks: again.yml\n";
    let (status, _, stderr) =
        check(&[("site.yml", playbook), ("again.yml", again)], "--syntax-check");
    assert_eq!(status, 4);
    assert_eq!(stderr.matches("nested too deeply").count(), 1, "{stderr}");
}
