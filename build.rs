//! Builds the agent for hosts like this one and embeds it, and lists the files that generated trees are made from.
//!
//! The agent is a static program of its own, built by a second cargo in a target folder of its own.
//! Only a change in `host/` builds it again. `VMSTATION_AGENT` may name a prebuilt one.

use std::{
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=host/src");
    println!("cargo:rerun-if-changed=host/Cargo.toml");
    println!("cargo:rerun-if-env-changed=VMSTATION_AGENT");
    let out = PathBuf::from(variable("OUT_DIR"));
    let agent = match env::var_os("VMSTATION_AGENT") {
        Some(path) => PathBuf::from(path),
        None => build(&out),
    };
    println!("cargo:rerun-if-changed={}", agent.display());
    embed(&agent, &out);
    list_tree(&out);
}

/// What `vmstation-play generate` writes is this repository's own: these files, and all files of these folders. Named one by
/// one where a folder may hold what came back from hosts, or secrets.
const TREE: &[&str] = &[
    "ansible.cfg",
    "ansible/README.md",
    "ansible/ansible.cfg",
    "ansible/artifacts/.gitignore",
    "ansible/files",
    "ansible/plays",
    "deploy.sh",
    "inventory/.gitignore",
    "inventory/group_vars",
    "inventory/hosts.yml",
    "inventory/secrets.example.yml",
    "logs/.gitignore",
    "manifests",
    "playbooks",
    "roles",
];
const SECRETS: &str = "inventory/group_vars/all/vault.yml";

/// Writes the list of [`TREE`]; the compiler reads the files themselves.
fn list_tree(out: &Path) {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for path in TREE {
        println!("cargo:rerun-if-changed={path}");
        collect(&root, Path::new(path), &mut files);
    }
    files.sort();
    let mut source = "/// The files of the repository that trees are made from, by path.\npub const FILES: &[File] = &[\n".to_owned();
    for path in files.iter().filter(|p| p.as_str() != SECRETS) {
        let full = root.join(path);
        let about = fs::metadata(&full).unwrap_or_else(|e| fail(&format!("{path}: {e}")));
        let executable = about.permissions().mode() & 0o100 != 0;
        source += &format!(
            "    File {{ path: {path:?}, executable: {executable}, content: include_str!({:?}) }},\n",
            full.display().to_string()
        );
    }
    source += "];\n";
    let place = out.join("tree.rs");
    // Unchanged, it gives the compiler nothing to do.
    if fs::read_to_string(&place).is_ok_and(|old| old == source) {
        return;
    }
    fs::write(place, source).unwrap_or_else(|e| fail(&format!("writing the list of files: {e}")));
}

fn collect(root: &Path, path: &Path, files: &mut Vec<String>) {
    let full = root.join(path);
    if full.is_dir() {
        let entries =
            fs::read_dir(&full).unwrap_or_else(|e| fail(&format!("{}: {e}", full.display())));
        for entry in entries.flatten() {
            collect(root, &path.join(entry.file_name()), files);
        }
        return;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // What editors leave.
    if !name.ends_with('~') && !name.ends_with(".swp") {
        files.push(path.display().to_string());
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|e| fail(&format!("{name}: {e}")))
}

fn fail(why: &str) -> ! {
    println!("cargo:error={}", why.replace('\n', " "));
    std::process::exit(1)
}

/// A release's agent is bound to its address: that saves 160 kB of relocations and longer code.
fn flags() -> &'static str {
    match profile() {
        "agent" => "-Ctarget-feature=+crt-static\x1f-Crelocation-model=static",
        _ => "-Ctarget-feature=+crt-static",
    }
}

/// A release carries a small agent that takes long to build; other builds one that is built fast.
fn profile() -> &'static str {
    if variable("PROFILE") == "release" { "agent" } else { "agent-dev" }
}

fn build(out: &Path) -> PathBuf {
    let target = variable("TARGET");
    // <target folder>/<profile>/build/<package>-<hash>/out: one folder for all profiles and hashes.
    let folder = out.ancestors().nth(4).unwrap_or(out).join("agent");
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args(["build", "--quiet", "--package", "vmstation-host", "--bin", "vmstation-agent"])
        .args(["--profile", profile(), "--target", &target, "--target-dir"])
        .arg(&folder)
        .current_dir(variable("CARGO_MANIFEST_DIR"))
        // What the outer cargo was told (flags, clippy in rustc's place) is not for this one.
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CARGO_TARGET_DIR")
        .env("CARGO_ENCODED_RUSTFLAGS", flags());
    match cargo.output() {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            fail(&format!("the agent could not be built: {said}"))
        }
        Err(e) => fail(&format!("the agent could not be built: {e}")),
    }
    folder.join(target).join(profile()).join("vmstation-agent")
}

fn embed(agent: &Path, out: &Path) {
    let content = fs::read(agent).unwrap_or_else(|e| fail(&format!("{}: {e}", agent.display())));
    let hash: String =
        Sha256::digest(&content).iter().take(12).map(|b| format!("{b:02x}")).collect();
    let level = if variable("PROFILE") == "release" { 9 } else { 1 };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    let packed = packed.write_all(&content).and_then(|()| packed.finish());
    let packed = packed.unwrap_or_else(|e| fail(&format!("packing the agent: {e}")));
    let machine = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86" => "i686".to_owned(),
        "powerpc64" if variable("CARGO_CFG_TARGET_ENDIAN") == "little" => "ppc64le".to_owned(),
        other => other.to_owned(),
    };
    let source = format!(
        "/// Machine, hash and packed program of the embedded agent.\n\
         const EMBEDDED: Option<(&str, &str, &[u8])> =\n    \
         Some((\"{machine}\", \"{hash}\", include_bytes!(concat!(env!(\"OUT_DIR\"), \"/agent.gz\"))));\n"
    );
    let written = fs::write(out.join("agent.gz"), packed)
        .and_then(|()| fs::write(out.join("agent.rs"), source));
    written.unwrap_or_else(|e| fail(&format!("writing the agent: {e}")));
}
