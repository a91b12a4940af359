//! Builds the agent for hosts like this one and embeds it.
//!
//! The agent is a static program of its own, built by a second cargo in a target folder of its own.
//! Only a change in `host/` builds it again. `VMSTATION_AGENT` may name a prebuilt one.

use std::{
    env, fs,
    io::Write,
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
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|e| fail(&format!("{name}: {e}")))
}

fn fail(why: &str) -> ! {
    println!("cargo:error={}", why.replace('\n', " "));
    std::process::exit(1)
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
        .env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
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
