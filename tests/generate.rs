//! `vmstation-play generate` by its binary: the repository's own tree, regeneration, edited files, secrets, clusters of every
//! shape.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;
use vmstation_play::{
    diagnostic::Source,
    generate::{self, description::Description},
};

const HOME: &str = env!("CARGO_MANIFEST_DIR");
const VAULT: &str = "inventory/group_vars/all/vault.yml";

const SMALL: &str = "\
name: lab
hosts:
  one: {address: 10.9.0.11, os: debian-12, role: control_plane}
  two: {address: 10.9.0.12, os: debian-12, role: storage, about: The disks.}
";

/// What a command ended with.
struct Ended {
    status: i32,
    out: String,
    err: String,
}

impl Ended {
    #[track_caller]
    fn is(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(all.contains(text), "nothing says: {text}\n{all}");
        self
    }

    #[track_caller]
    fn lacks(self, text: &str) -> Self {
        assert!(!self.out.contains(text), "something says: {text}\n{}", self.out);
        self
    }
}

fn run(folder: &Path, args: &[&str]) -> Ended {
    let done = Command::new(env!("CARGO_BIN_EXE_vmstation-play"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("COLUMNS", "200")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        status: done.status.code().unwrap_or(-1),
        out: text(&done.stdout),
        err: text(&done.stderr),
    }
}

/// A folder with a description and the vault's password.
struct Tree(TempDir);

impl Tree {
    fn of(description: &str) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.describe(description);
        fs::write(tree.path("password"), "test\n").unwrap();
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn describe(&self, description: &str) {
        fs::write(self.path("cluster.yaml"), description).unwrap();
    }

    fn generate(&self, args: &[&str]) -> Ended {
        let all = [&["generate", "--vault-password-file", "password"], args].concat();
        run(self.0.path(), &all)
    }

    fn play(&self, args: &[&str]) -> Ended {
        run(self.0.path(), args)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn edit(&self, path: &str, from: &str, to: &str) -> String {
        let text = self.read(path);
        assert!(text.contains(from), "{path} lacks {from}");
        let text = text.replace(from, to);
        fs::write(self.path(path), &text).unwrap();
        text
    }

    fn mode(&self, path: &str) -> u32 {
        self.path(path).metadata().unwrap().permissions().mode() & 0o777
    }
}

fn files_below(folder: &Path) -> BTreeSet<String> {
    let all = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    all.filter(|e| !e.file_type().is_dir())
        .map(|e| e.path().strip_prefix(HOME).unwrap().display().to_string())
        .collect()
}

/// How a difference between this repository and its description is mended.
const MEND: &str = "\
`cluster.yaml` decides which hosts there are and the values of some variables: change those there, not in inventory/ (a new
variable, a comment or a value that it doesn't set may be changed there: that file is the source). Then write them:

    cargo run -- generate --diff --yes

What the inventory looks like, apart from values, is in src/generate/inventory.rs.";

#[test]
fn this_repository_is_what_its_description_comes_to() {
    let text = fs::read_to_string(Path::new(HOME).join("cluster.yaml")).unwrap();
    let description = Description::read(&Source::new("cluster.yaml", text)).unwrap();
    let plan = generate::plan(&description).unwrap();
    let mut wrong = Vec::new();
    for (path, planned) in &plan {
        match fs::read_to_string(Path::new(HOME).join(path)) {
            Ok(found) if found == planned.content => {
                let mode = Path::new(HOME).join(path).metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o100 != 0, planned.executable, "{path}: its mode");
            }
            Ok(found) => {
                let first = found.lines().zip(planned.content.lines()).find(|(a, b)| a != b);
                let (here, there) = first.unwrap_or(("(its end)", "(its end)"));
                wrong.push(format!(
                    "{path}:\n    it says        {here}\n    as described   {there}"
                ));
            }
            Err(e) => wrong.push(format!("{path}: {e}")),
        }
    }
    for folder in ["inventory/group_vars", "inventory/host_vars", "manifests", "playbooks", "roles"]
    {
        for path in files_below(&Path::new(HOME).join(folder)) {
            if path != VAULT && !plan.contains_key(&path) {
                wrong.push(format!("{path}: it is not described"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n\n{MEND}", wrong.join("\n"));
}

#[test]
fn the_repositorys_vault_has_the_secrets_of_its_example() {
    let viewed = run(
        Path::new(HOME),
        &["vault", "view", "--vault-password-file", "tests/homelab/vault-password", VAULT],
    )
    .is(0);
    let names = |text: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|l| l.split_once(':'));
        lines.map(|(name, _)| name.to_owned()).filter(|n| n.starts_with("vault_")).collect()
    };
    let example =
        fs::read_to_string(Path::new(HOME).join("inventory/secrets.example.yml")).unwrap();
    assert_eq!(names(&viewed.out), names(&example));
}

#[test]
fn a_tree_is_written_once() {
    let tree = Tree::of(SMALL);
    tree.generate(&["--check"]).is(3).says("create   inventory/hosts.yml");
    assert!(!tree.path("inventory").exists(), "--check writes nothing");
    tree.generate(&[]).is(0).says("create   deploy.sh");
    assert_eq!(tree.mode("deploy.sh") & 0o100, 0o100);
    assert_eq!(tree.mode("roles/diagnostics/files/diagnose.sh") & 0o100, 0o100);
    assert_eq!(tree.mode("inventory/hosts.yml") & 0o111, 0);
    assert_eq!(tree.read("inventory/host_vars/two.yml"), "---\n# The disks.\n");
    tree.generate(&["--check"]).is(0).says("unchanged").lacks("created");
    let before = tree.path("deploy.sh").metadata().unwrap().modified().unwrap();
    tree.generate(&[]).is(0).lacks("create").lacks("change ");
    assert_eq!(tree.path("deploy.sh").metadata().unwrap().modified().unwrap(), before);
}

#[test]
fn another_folder_can_be_named() {
    let tree = Tree::of(SMALL);
    fs::rename(tree.path("cluster.yaml"), tree.path("lab.yaml")).unwrap();
    tree.generate(&["lab.yaml", "-o", "out/tree"]).is(0);
    assert!(tree.path("out/tree/inventory/hosts.yml").exists());
    assert!(!tree.path("inventory").exists());
    tree.generate(&[]).is(1).says("can't read cluster.yaml").says("role: control_plane");
    tree.generate(&["--nonsense"]).is(2);
}

#[test]
fn a_wrong_description_writes_nothing() {
    let tree = Tree::of(&SMALL.replace("os:", "ost:"));
    let ended = tree.generate(&[]).is(4);
    let ended =
        ended.says("unknown key `ost`").says("cluster.yaml:3:29").says("did you mean `os`?");
    ended
        .says("───")
        .says("cluster.yaml:4:29")
        .says("2 mistakes in cluster.yaml; nothing was written");
    assert!(!tree.path("inventory").exists());
}

#[test]
fn generating_again_changes_what_the_description_changed() {
    let tree = Tree::of(SMALL);
    tree.generate(&[]).is(0);
    let three = "  three: {address: 10.9.0.13, os: debian-12, role: compute}\n";
    tree.describe(&format!("{SMALL}{three}networks: {{api_port: 7443}}\n"));
    tree.generate(&["--check", "--diff"])
        .is(3)
        .says("-api_server_port: 6443")
        .says("+api_server_port: 7443");
    assert!(tree.read("inventory/group_vars/all/network.yml").contains("api_server_port: 6443"));
    tree.generate(&[])
        .is(0)
        .says("change   inventory/hosts.yml")
        .says("create   inventory/host_vars/three.yml");
    assert!(tree.read("inventory/group_vars/all/network.yml").contains("api_server_port: 7443"));
    // A host that goes takes its file along, and leaves one that somebody edited.
    tree.describe(SMALL);
    tree.generate(&["--check"]).is(3).says("remove   inventory/host_vars/three.yml");
    tree.generate(&[]).is(0);
    assert!(!tree.path("inventory/host_vars/three.yml").exists());
    tree.edit("inventory/host_vars/two.yml", "The disks.", "My disks.");
    tree.describe(&SMALL.replace("two:", "deux:"));
    tree.generate(&[]).is(0).says("leave    inventory/host_vars/two.yml (edited by you)");
    assert!(tree.read("inventory/host_vars/two.yml").contains("My disks."));
    assert!(tree.path("inventory/host_vars/deux.yml").exists());
}

#[test]
fn edited_files_are_left_alone() {
    let tree = Tree::of(SMALL);
    tree.generate(&[]).is(0);
    let network = "inventory/group_vars/all/network.yml";
    let edited = tree.edit(network, "flannel_backend: vxlan", "flannel_backend: host-gw");
    tree.generate(&["--check"]).is(0).says("edited   inventory/group_vars/all/network.yml");
    tree.generate(&["--yes"]).is(0).says("leave");
    assert_eq!(tree.read(network), edited, "nothing new was described");

    // The description wants another text there: shown, and left.
    tree.describe(&format!("{SMALL}networks: {{api_port: 7443}}\n"));
    tree.generate(&["--check"]).is(3).says("conflict inventory/group_vars/all/network.yml");
    for _ in 0..2 {
        let ended = tree.generate(&[]).is(3);
        ended
            .says("-flannel_backend: host-gw")
            .says("+api_server_port: 7443")
            .says("--yes writes over it");
        assert_eq!(tree.read(network), edited);
    }
    // Written over when told so, and kept.
    let ended = tree.generate(&["--yes"]).is(0).says("what you had edited is in .vmstation-kept/");
    let place =
        ended.out.lines().find_map(|l| l.strip_prefix("what you had edited is in ")).unwrap();
    assert_eq!(tree.read(&format!("{place}/{network}")), edited);
    assert_eq!(tree.read(".vmstation-kept/.gitignore"), "*\n");
    assert!(tree.read(network).contains("flannel_backend: vxlan"));
    tree.generate(&["--check"]).is(0);

    // --force puts back what was edited, whatever is described.
    tree.edit(network, "flannel_backend: vxlan", "flannel_backend: host-gw");
    tree.generate(&["--force"]).is(0).says("restore  inventory/group_vars/all/network.yml");
    assert!(tree.read(network).contains("flannel_backend: vxlan"));
    // What is missing is written again.
    fs::remove_file(tree.path(network)).unwrap();
    tree.generate(&[]).is(0).says("create   inventory/group_vars/all/network.yml");
}

/// Runs `generate` on a terminal (`script` of util-linux gives it one), and types this.
fn on_terminal(tree: &Tree, args: &str, typed: &str) -> Ended {
    let command = format!("{} generate {args}", env!("CARGO_BIN_EXE_vmstation-play"));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(tree.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Its end would reach the command as Ctrl-D: it stays open until the command has ended.
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    for line in typed.split_inclusive('\n') {
        // What is typed before a hidden question is discarded by it.
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&seen).ends_with(['?', ' ', ':']) {
            match output.read(&mut part).unwrap() {
                0 => break,
                n => seen.extend_from_slice(&part[..n]),
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        input.write_all(line.as_bytes()).unwrap();
        input.flush().unwrap();
        seen.push(b'\n');
    }
    output.read_to_end(&mut seen).unwrap();
    let status = child.wait().unwrap().code().unwrap_or(-1);
    Ended { status, out: String::from_utf8_lossy(&seen).into_owned(), err: String::new() }
}

#[test]
fn on_a_terminal_each_edited_file_is_asked_about() {
    let tree = Tree::of(SMALL);
    tree.generate(&[]).is(0);
    let files = ["inventory/group_vars/all/main.yml", "inventory/group_vars/all/network.yml"];
    for file in files {
        tree.edit(file, "---\n", "---\n# mine\n");
    }
    tree.describe(&format!("{SMALL}domain: lab.local\nnetworks: {{api_port: 7443}}\n"));
    let mine = |n: usize| tree.read(files[n]).contains("# mine");
    on_terminal(&tree, "", "n\n\n").is(3).says("-# mine").says("Write over it? [y/N/a(ll)]");
    assert!(mine(0) && mine(1));
    on_terminal(&tree, "", "n\ny\n").is(3);
    assert!(mine(0) && !mine(1));
    tree.edit(files[1], "---\n", "---\n# mine\n");
    tree.describe(&format!("{SMALL}domain: lab.local\nnetworks: {{api_port: 8443}}\n"));
    on_terminal(&tree, "", "a\n").is(0);
    assert!(!mine(0) && !mine(1));
}

#[test]
fn on_a_terminal_the_password_is_asked_for() {
    let tree = Tree::of(SMALL);
    on_terminal(&tree, "", "one\nother\n").is(1);
    assert!(!tree.path("inventory").exists());
    on_terminal(&tree, "", "test\ntest\n").is(0);
    tree.play(&["vault", "view", "--vault-password-file", "password", VAULT]).is(0);
}

#[test]
fn files_that_were_there_before_are_somebodys() {
    let tree = Tree::of(SMALL);
    fs::write(tree.path("deploy.sh"), "mine\n").unwrap();
    fs::create_dir_all(tree.path("inventory")).unwrap();
    fs::write(tree.path("elsewhere.yml"), "all:\n").unwrap();
    symlink("../elsewhere.yml", tree.path("inventory/hosts.yml")).unwrap();
    tree.generate(&[]).is(3).says("-mine").says("leave    inventory/hosts.yml");
    assert_eq!(tree.read("deploy.sh"), "mine\n");
    tree.generate(&["--yes"]).is(0);
    assert!(tree.read("deploy.sh").starts_with("#!"));
    assert_eq!(tree.mode("deploy.sh") & 0o100, 0o100, "a program can be run");
    assert_eq!(tree.read("elsewhere.yml"), "all:\n", "nothing is written through a link");
    assert!(!tree.path("inventory/hosts.yml").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error() {
    let tree = Tree::of(SMALL);
    fs::create_dir_all(tree.path("deploy.sh")).unwrap();
    tree.generate(&[]).is(1).says("deploy.sh is a folder");
    assert!(!tree.path("inventory").exists());
}

#[test]
fn secrets_are_encrypted_and_never_written_again() {
    let tree = Tree::of(&SMALL.replace("role: storage", "role: storage, user: admin"));
    run(tree.0.path(), &["generate"]).is(1).says("--vault-password-file");
    assert!(!tree.path("inventory").exists(), "without a password nothing is begun");
    tree.generate(&[]).is(0).says("vault_debian_become_password is still empty");
    let first = tree.read(VAULT);
    assert!(first.starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
    assert_eq!(tree.mode(VAULT), 0o600);
    let view =
        |tree: &Tree| tree.play(&["vault", "view", "--vault-password-file", "password", VAULT]);
    let seen = view(&tree)
        .is(0)
        .says("vault_grafana_admin_user: admin")
        .says("vault_debian_become_password: \"\"");
    let example = tree.read("inventory/secrets.example.yml");
    for (name, _) in
        example.lines().filter_map(|l| l.split_once(": ")).filter(|(n, _)| n.starts_with("vault_"))
    {
        assert!(seen.out.contains(&format!("{name}: ")), "{name} is missing");
    }
    tree.generate(&["--force"]).is(0);
    assert_eq!(tree.read(VAULT), first);
    run(tree.0.path(), &["generate", "--check"]).is(0);
    fs::write(tree.path(VAULT), "plain: text\n").unwrap();
    run(tree.0.path(), &["generate", "--force"]).is(0).says("is not encrypted");
    assert_eq!(tree.read(VAULT), "plain: text\n");
    // deploy.sh's own password file will do.
    fs::remove_file(tree.path(VAULT)).unwrap();
    fs::write(tree.path("inventory/.vault-password"), "test\n").unwrap();
    run(tree.0.path(), &["generate"]).is(0);
    assert_ne!(view(&tree).is(0).out, seen.out, "by chance");
}

/// The hosts of a pattern, as our own inventory sees them.
fn hosts(tree: &Tree, pattern: &str) -> Vec<String> {
    let args = ["adhoc", pattern, "-i", "inventory/hosts.yml", "--list-hosts"];
    let listed = tree.play(&args).is(0);
    listed.out.lines().skip(1).map(|l| l.trim().to_owned()).collect()
}

/// Every playbook's syntax, and that it has tasks.
fn plays(tree: &Tree) {
    let mut playbooks: Vec<_> =
        fs::read_dir(tree.path("playbooks")).unwrap().map(|e| e.unwrap().path()).collect();
    playbooks.extend(fs::read_dir(tree.path("ansible/plays")).unwrap().map(|e| e.unwrap().path()));
    assert!(playbooks.len() >= 9);
    for playbook in playbooks {
        let playbook = playbook.display().to_string();
        let args = ["-i", "inventory/hosts.yml", "--vault-password-file", "password", &playbook];
        tree.play(&[&args[..], &["--syntax-check"]].concat()).is(0);
        tree.play(&[&args[..], &["--list-tasks"]].concat()).is(0).says("TAGS: [");
    }
}

#[test]
fn a_single_control_plane_is_a_cluster() {
    let tree = Tree::of(
        "name: one\nhosts:\n  only: {address: 10.9.0.11, os: debian, role: control_plane}\n",
    );
    tree.generate(&[]).is(0);
    assert_eq!(hosts(&tree, "all"), ["only"]);
    assert_eq!(hosts(&tree, "debian_nodes"), ["only"]);
    assert!(tree.read("inventory/group_vars/all/main.yml").contains("jellyfin_enabled: false"));
    for gone in [
        "playbooks/install-rke2.yaml",
        "roles/rke2",
        "inventory/group_vars/rke2_nodes.yml",
        "inventory/group_vars/rhel_nodes.yml",
    ] {
        assert!(!tree.path(gone).exists(), "{gone}");
    }
    plays(&tree);
}

#[test]
fn rke2_comes_and_goes() {
    let tree = Tree::of(SMALL);
    tree.generate(&[]).is(0);
    assert_eq!(hosts(&tree, "rke2_nodes"), Vec::<String>::new());
    let rke2 = "  r1: {address: 10.9.0.21, os: rhel-10, role: rke2, user: admin}\n  \
                r2: {address: 10.9.0.22, os: rocky-9, role: rke2_agent, user: admin}\n  \
                work: {address: 10.9.0.31, os: debian, role: compute}\n";
    tree.describe(&format!("{SMALL}{rke2}"));
    tree.generate(&[]).is(0);
    assert_eq!(hosts(&tree, "rke2_nodes"), ["r1", "r2"]);
    assert_eq!(hosts(&tree, "rhel_nodes"), ["r1", "r2"]);
    assert_eq!(hosts(&tree, "kube_workers:!rke2_nodes"), ["two", "work"]);
    let debian: BTreeSet<String> = hosts(&tree, "debian_nodes").into_iter().collect();
    assert!(debian.iter().eq(["one", "two", "work"]), "{debian:?}");
    assert_eq!(
        tree.read("inventory/host_vars/r2.yml"),
        "---\nansible_user: admin\nrke2_type: agent\n"
    );
    assert_eq!(tree.read("inventory/host_vars/work.yml"), "---\nansible_user: root\n");
    plays(&tree);
    tree.describe(SMALL);
    tree.generate(&[]).is(0).says("remove   playbooks/install-rke2.yaml");
    assert!(!tree.path("roles/rke2").exists(), "folders that are empty go, too");
}

#[test]
fn three_control_planes_and_many_workers() {
    let mut text = "name: big\nhosts:\n".to_owned();
    for n in 1..=3 {
        text += &format!("  cp{n}: {{address: 10.9.0.1{n}, os: debian, role: control_plane}}\n");
    }
    for n in 1..=200 {
        text += &format!("  w{n}: {{address: 10.9.1.{n}, os: debian, role: compute}}\n");
    }
    text += "networks: {subnet: 10.9.0.0/23, api_address: 10.9.0.10, api_load_balancer: haproxy}\n";
    let tree = Tree::of(&text);
    tree.generate(&[]).is(0);
    assert_eq!(hosts(&tree, "kube_control_plane"), ["cp1", "cp2", "cp3"]);
    assert_eq!(hosts(&tree, "kube_workers").len(), 200);
    let shown = tree.play(&[
        "adhoc",
        "w1",
        "-i",
        "inventory/hosts.yml",
        "--vault-password-file",
        "password",
        "-c",
        "local",
        "-m",
        "debug",
        "-a",
        "var=control_plane_endpoint",
    ]);
    shown.is(0).says("10.9.0.10:8443");
    plays(&tree);
}

#[test]
fn a_tree_deploys_with_the_program_on_path() {
    let tree = Tree::of(SMALL);
    tree.generate(&[]).is(0);
    fs::create_dir(tree.path("bin")).unwrap();
    let deploy = |args: &[&str]| {
        let path = format!("{}:/usr/bin:/bin", tree.path("bin").display());
        let mut command = Command::new(tree.path("deploy.sh"));
        command
            .args(args)
            .current_dir("/")
            .env_clear()
            .env("PATH", path)
            .env("HOME", tree.0.path());
        command.env("VAULT_PASSWORD_FILE", tree.path("password")).stdin(Stdio::null());
        let done = command.output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let status = done.status.code().unwrap_or(-1);
        Ended { status, out: text(&done.stdout), err: text(&done.stderr) }
    };
    deploy(&["verify"]).is(3).says("there is no vmstation-play on PATH");
    // One that only says what it is called with.
    let program = tree.path("bin/vmstation-play");
    fs::write(&program, "#!/bin/sh\necho ENGINE \"$@\" config=\"$ANSIBLE_CONFIG\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let root = tree.0.path().display().to_string();
    let ended = deploy(&["all", "--yes"]).is(0);
    ended
        .says(&format!("ENGINE -i {root}/inventory/hosts.yml {root}/playbooks/deploy-cluster.yaml"))
        .says(&format!("config={root}/ansible/ansible.cfg"));
    deploy(&["rke2", "--yes"]).is(1).says("this tree has no RKE2 cluster");
    deploy(&["all", "--with-rke2", "--yes"]).is(1);
    tree.generate(&["--check"]).is(0);
}

#[test]
fn the_smallest_description_is_the_same_everywhere() {
    let smallest = generate::embedded::SMALLEST;
    let readme = fs::read_to_string(Path::new(HOME).join("README.md")).unwrap();
    let indented: String = smallest.lines().map(|l| format!("    {l}\n")).collect();
    assert!(readme.contains(&indented), "README.md has another one");
    let checked = Path::new(HOME).join("tests/homelab/clusters/smallest.yaml");
    assert!(fs::read_to_string(checked).unwrap().ends_with(smallest));
    let described = Description::read(&Source::new("smallest", smallest)).unwrap();
    assert_eq!(described.hosts.len(), 2);
}
