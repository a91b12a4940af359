//! The launcher on this machine's shells, with a shell script in the program's place.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use super::*;

const PROGRAM: &str = "#!/bin/sh\necho \"started $0 $(umask)\"; cat\n";

struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("vmstation launcher {name} {}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn run(&self, shell: &[&str], launcher: &Launcher<'_>) -> Child {
        Command::new(shell[0])
            .args(&shell[1..])
            .arg(launcher.command())
            .env("HOME", &self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn program(&self) -> PathBuf {
        self.0.join("tmp x/vmstation-agent-0123")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn programs(machine: &str) -> Vec<Program> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(PROGRAM.as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut packed)
        .unwrap();
    vec![Program { machine: machine.to_owned().into(), hash: "0123".into(), gzip: packed.into() }]
}

fn launcher(programs: &[Program]) -> Launcher<'_> {
    Launcher {
        token: "T0k3n",
        programs,
        remote_tmp: "~/tmp x",
        known: None,
        fresh: false,
        skip: 0,
        terminal: false,
    }
}

fn read_until(child: &mut Child, end: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&seen).contains(end) {
        if child.stdout.as_mut().unwrap().read(&mut byte).unwrap() == 0 {
            break;
        }
        seen.push(byte[0]);
    }
    String::from_utf8(seen).unwrap()
}

/// Sends the program where it is asked for; gives all that was said.
fn feed(child: &mut Child, program: &Program) -> (Vec<Note>, String) {
    let asked = read_until(child, "\n");
    let notes = Note::find("T0k3n", asked.as_bytes());
    if let [Note::Need { gzip, .. }] = &notes[..] {
        let content = if *gzip { program.gzip.to_vec() } else { program.unpacked().unwrap() };
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{}", content.len()).unwrap();
        input.write_all(&content).unwrap();
    }
    let mut input = child.stdin.take().unwrap();
    // A launcher that has given up reads no more.
    let _ = input.write_all(b"after");
    drop(input);
    let mut rest = String::new();
    child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
    let mut errors = String::new();
    child.stderr.as_mut().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "");
    (notes, asked + &rest)
}

#[test]
fn the_program_is_put_once_and_found_again() {
    for shell in
        [&["sh", "-c"][..], &["bash", "-c"], &["bash", "--posix", "-c"], &["busybox", "sh", "-c"]]
    {
        if Command::new(shell[0]).arg("-c").arg(":").output().is_err() {
            continue; // This shell is not on the machine.
        }
        let home = Home::new(&shell.concat());
        let programs = programs(std::env::consts::ARCH);
        let (notes, said) = feed(&mut home.run(shell, &launcher(&programs)), &programs[0]);
        assert_eq!(notes, [Note::Need { machine: std::env::consts::ARCH.into(), gzip: true }]);
        assert!(said.contains("started") && said.ends_with("after"), "{shell:?} {said}");
        assert!(home.program().exists(), "{shell:?}");
        let mode = std::fs::metadata(home.program()).unwrap().permissions().mode() & 0o777;
        let folder = std::fs::metadata(home.program().parent().unwrap()).unwrap();
        assert_eq!((mode, folder.permissions().mode() & 0o777), (0o755, 0o700));
        assert_eq!(std::fs::read_dir(home.program().parent().unwrap()).unwrap().count(), 1);
        let (notes, said) = feed(&mut home.run(shell, &launcher(&programs)), &programs[0]);
        assert!(notes.is_empty() && said.contains("started") && said.ends_with("after"));
        // The launcher's umask is not the program's.
        assert!(!said.contains("0077"), "{said}");
    }
}

#[test]
fn what_does_not_start_is_put_anew_and_elsewhere() {
    let home = Home::new("anew");
    let programs = programs(std::env::consts::ARCH);
    std::fs::create_dir_all(home.program().parent().unwrap()).unwrap();
    std::fs::write(home.program(), "no program").unwrap();
    std::fs::set_permissions(home.program(), PermissionsExt::from_mode(0o755)).unwrap();
    let fresh = Launcher { fresh: true, ..launcher(&programs) };
    let (notes, said) = feed(&mut home.run(&["sh", "-c"], &fresh), &programs[0]);
    assert!(notes.len() == 1 && said.contains("started"));
    assert_eq!(std::fs::read_to_string(home.program()).unwrap(), PROGRAM);
    let elsewhere = Launcher { skip: 1, ..fresh };
    let (_, said) = feed(&mut home.run(&["sh", "-c"], &elsewhere), &programs[0]);
    assert!(said.contains(".cache/vmstation/vmstation-agent-0123"), "{said}");
}

#[test]
fn memory_serves_where_no_folder_does() {
    let home = Home::new("memory");
    let programs = programs(std::env::consts::ARCH);
    let nowhere = Launcher { skip: 99, fresh: true, ..launcher(&programs) };
    // A script in memory is run by its `#!`, as a program would be by the kernel.
    let (notes, said) = feed(&mut home.run(&["sh", "-c"], &nowhere), &programs[0]);
    assert_eq!(notes, [Note::Need { machine: std::env::consts::ARCH.into(), gzip: true }]);
    assert!(said.contains("started /proc/self/fd/") && said.ends_with("after"), "{said}");
    let bin = home.0.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in ["sh", "uname", "id", "perl", "gzip", "head", "chmod", "mkdir", "cat"] {
        let Some(real) = which(name) else { continue };
        std::os::unix::fs::symlink(real, bin.join(name)).unwrap();
    }
    let run = |launcher: &Launcher<'_>| {
        Command::new("/bin/sh")
            .args(["-c", &launcher.command()])
            .env("PATH", &bin)
            .env("HOME", &home.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    if bin.join("perl").exists() {
        let (_, said) = feed(&mut run(&nowhere), &programs[0]);
        assert!(said.contains("started /proc/self/fd/") && said.ends_with("after"), "{said}");
        std::fs::remove_file(bin.join("perl")).unwrap();
    }
    assert_eq!(feed(&mut run(&nowhere), &programs[0]).0, [Note::NoPlace]);
}

fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|d| d.join(name)).find(|p| p.exists())
}

#[test]
fn other_processors_and_known_programs() {
    let home = Home::new("alien");
    let (notes, _) =
        feed(&mut home.run(&["sh", "-c"], &launcher(&programs("pdp11"))), &programs("pdp11")[0]);
    assert_eq!(notes, [Note::Alien { machine: std::env::consts::ARCH.into() }]);
    let programs = programs(std::env::consts::ARCH);
    let there = home.0.join("it's `there` $HOME $(id)");
    std::fs::write(&there, PROGRAM).unwrap();
    std::fs::set_permissions(&there, PermissionsExt::from_mode(0o755)).unwrap();
    let known = Launcher { known: there.to_str(), ..launcher(&programs) };
    let (notes, said) = feed(&mut home.run(&["sh", "-c"], &known), &programs[0]);
    assert!(notes.is_empty() && said.contains("`there` $HOME $(id)"), "{said}");
}

#[test]
fn paths_are_words_of_the_script() {
    for (path, word) in [
        ("~/.ansible/tmp", "\"$_H/.ansible/tmp\""),
        ("~", "\"$_H\""),
        ("~bob/x y", "~bob\"/x y\""),
        ("$HOME/a\"b`c\\", "\"$HOME/a\\\"b\\`c\\\\\""),
        ("$(rm -rf x)", "\"\\$(rm -rf x)\""),
    ] {
        assert_eq!(shell_path(path), word);
    }
}

#[test]
fn notes_are_read_from_whole_lines() {
    let said = b"Welcome\nT need x86_64 gzip\nT alien pdp11\nT need";
    assert_eq!(
        Note::find("T", said),
        [
            Note::Need { machine: "x86_64".into(), gzip: true },
            Note::Alien { machine: "pdp11".into() }
        ]
    );
}
