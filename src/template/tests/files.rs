//! Tests of files on the controller.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use num_bigint::Sign;

use super::Test;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyErrorKind, PyResult, Value, ops::settle_typed, repr::repr, types::class_name,
};

pub(super) static TESTS: &[Test] = &[
    Test::ansible("directory", "Whether it is a folder.", directory).anew(),
    Test::ansible("is_dir", "Whether it is a folder.", directory).anew(),
    Test::ansible("file", "Whether it is a file.", file).anew(),
    Test::ansible("is_file", "Whether it is a file.", file).anew(),
    Test::ansible("link", "Whether it is a symbolic link.", link).anew(),
    Test::ansible("is_link", "Whether it is a symbolic link.", link).anew(),
    Test::ansible("exists", "Whether it is there.", exists).anew(),
    Test::ansible("link_exists", "Whether it is there, perhaps as a broken link.", link_exists)
        .anew(),
    Test::ansible("abs", "Whether the path is absolute.", absolute),
    Test::ansible("is_abs", "Whether the path is absolute.", absolute),
    Test::ansible("same_file", "Whether both are the same file.", same_file).anew(),
    Test::ansible("is_same_file", "Whether both are the same file.", same_file).anew(),
    Test::ansible("mount", "Whether it is a mount point.", mount).anew(),
    Test::ansible("is_mount", "Whether it is a mount point.", mount).anew(),
];

/// The path of a test that asks the system.
fn path(value: &Value, args: CallArgs, function: &str, parameter: &str) -> PyResult<PathBuf> {
    let [] = args.bind(function, &[parameter], &[], 0)?;
    let wrong = |call: &str, takes: &str, other: &Value| {
        let class = class_name(other);
        Err(PyError::type_error(format!("{call}: path should be string, bytes{takes}{class}")))
    };
    let settled = settle_typed(value)?;
    match settled.as_ref() {
        Value::Str(s) => Ok(PathBuf::from(s.as_str())),
        other if matches!(function, "islink" | "lexists" | "ismount") => {
            wrong("lstat", " or os.PathLike, not ", other)
        }
        // A number is an open file.
        Value::Bool(b) => Ok(open_file(i64::from(*b))),
        Value::Int(n) => Ok(open_file(*n)),
        Value::BigInt(n) => Err(PyError::new(
            PyErrorKind::OverflowError,
            format!(
                "fd is {}",
                if n.sign() == Sign::Minus { "less than minimum" } else { "greater than maximum" }
            ),
        )),
        other => wrong("stat", ", os.PathLike or integer, not ", other),
    }
}

fn open_file(number: i64) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{number}"))
}

fn directory(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(path(&value, args, "isdir", "s")?.is_dir()))
}

fn file(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(path(&value, args, "isfile", "path")?.is_file()))
}

fn link(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(path(&value, args, "islink", "path")?.is_symlink()))
}

fn exists(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(path(&value, args, "exists", "path")?.exists()))
}

fn link_exists(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let path = path(&value, args, "lexists", "path")?;
    Ok(Value::Bool(path.symlink_metadata().is_ok()))
}

fn absolute(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("isabs", &["s"], &[], 0)?;
    match settle_typed(&value)?.as_ref() {
        Value::Str(s) => Ok(Value::Bool(s.starts_with('/'))),
        Value::Bytes(b) => Ok(Value::Bool(b.starts_with(b"/"))),
        other => Err(PyError::type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            class_name(other)
        ))),
    }
}

fn metadata(path: &Path, written: &Value) -> PyResult<std::fs::Metadata> {
    path.metadata().map_err(|e| {
        let shown = repr(written).unwrap_or_default();
        match e.kind() {
            std::io::ErrorKind::NotFound => PyError::new(
                PyErrorKind::Other("FileNotFoundError"),
                format!("[Errno 2] No such file or directory: {shown}"),
            ),
            std::io::ErrorKind::PermissionDenied => PyError::new(
                PyErrorKind::Other("PermissionError"),
                format!("[Errno 13] Permission denied: {shown}"),
            ),
            _ => PyError::new(PyErrorKind::OSError, format!("{e}: {shown}")),
        }
    })
}

fn same_file(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [other] = args.bind("samefile", &["f1"], &["f2"], 1)?;
    let other = other.unwrap_or(Value::None);
    let first = metadata(&path(&value, CallArgs::none(), "samefile", "f1")?, &value)?;
    let second = metadata(&path(&other, CallArgs::none(), "samefile", "f2")?, &other)?;
    Ok(Value::Bool(first.dev() == second.dev() && first.ino() == second.ino()))
}

fn mount(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let path = path(&value, args, "ismount", "path")?;
    let Ok(here) = path.symlink_metadata() else { return Ok(Value::Bool(false)) };
    if here.is_symlink() {
        return Ok(Value::Bool(false));
    }
    let above = crate::template::filters::real_path(&path.join("..").to_string_lossy());
    let Ok(above) = Path::new(&above).symlink_metadata() else { return Ok(Value::Bool(false)) };
    Ok(Value::Bool(here.dev() != above.dev() || here.ino() == above.ino()))
}
