//! Which pip is run, and what the host's Python tells.

use super::Work;
use super::requirement::Package;
use crate::context::OWN_MODULES_ONLY;
use crate::data::Data;
use crate::module::{Context, Failure};
use crate::python;
use crate::target::Access;

/// The host's Python.
pub struct Python {
    pub executable: String,
    pub is_3: bool,
    pub has_pip: bool,
}

/// Reads requirements: with a version, that of the first is added to it after a look at its own.
const SCRIPT: &str = r#"
import json, platform, re
asked = json.load(sys.stdin)
try:
    from importlib.util import find_spec
    try:
        has_pip = bool(find_spec('pip'))
    except Exception:
        has_pip = False
except ImportError:
    import imp
    try:
        imp.find_module('pip')
        has_pip = True
    except Exception:
        has_pip = False
answer = {'executable': sys.executable, 'is_3': sys.version_info[0] >= 3, 'has_pip': has_pip,
          'node': platform.node(), 'packages': []}
try:
    from pkg_resources import Requirement
except ImportError:
    import traceback
    answer['missing'] = traceback.format_exc()
    Requirement = None

def read(text):
    try:
        found = Requirement.parse(text)
    except ValueError:
        return {'name': text, 'text': text, 'has_version': False, 'plain': False}
    name = re.sub('[-_.]+', '-', found.project_name).lower()
    return {'name': name, 'text': str(found), 'has_version': bool(found.specs), 'plain': True}

if Requirement:
    answer['packages'] = [read(text) for text in asked['texts']]
    version = asked['version']
    if version and len(answer['packages']) == 1 and not answer['packages'][0]['has_version']:
        text = answer['packages'][0]['text']
        whole = read(text + ('==' if version[0].isdigit() else ' ') + version)
        if not whole['plain']:
            whole['name'] = whole['text'] = text
        whole['has_version'] = False
        answer['packages'][0] = whole
print(json.dumps(answer))
"#;

/// Ask the host's Python about itself and the libraries.
pub fn ask(cx: &mut Context<'_>, asked: &Data) -> Result<(Python, Vec<Package>), Failure> {
    let answer = cx.ask_python(&[], &format!("{OWN_MODULES_ONLY}{SCRIPT}"), asked)?;
    let text = |of: &Data, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let flag = |of: &Data, key: &str| of[key].as_bool().unwrap_or_default();
    let python = Python {
        executable: text(&answer, "executable"),
        is_3: flag(&answer, "is_3"),
        has_pip: flag(&answer, "has_pip"),
    };
    if let Some(trace) = answer["missing"].as_str() {
        return Err(Failure::new(format!(
            "Failed to import the required Python library (setuptools) on {}'s Python {}. Please read the module documentation and install it in the appropriate location. If the required library is installed, but Ansible is using the wrong Python interpreter, please consult the documentation on ansible_python_interpreter",
            text(&answer, "node"),
            python.executable
        ))
        .with("exception", trace));
    }
    let packages = answer["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let packages = packages
        .iter()
        .map(|package| Package {
            name: text(package, "name"),
            text: text(package, "text"),
            has_version: flag(package, "has_version"),
            plain: flag(package, "plain"),
        })
        .collect();
    Ok((python, packages))
}

/// The words that call pip.
pub fn find(
    cx: &mut Context<'_>,
    work: &Work,
    executable: Option<&str>,
) -> Result<Vec<String>, Failure> {
    let usual: &[&str] = if work.python.is_3 { &["pip3"] } else { &["pip2", "pip"] };
    let names: Vec<&str> = match executable {
        Some(path) if path.starts_with('/') => return Ok(vec![path.to_owned()]),
        Some(name) => vec![name],
        None if work.environment.is_none() && work.python.has_pip => {
            let words = [work.python.executable.as_str(), "-m", "pip.__main__"];
            return Ok(words.map(String::from).to_vec());
        }
        None => usual.to_vec(),
    };
    let Some(environment) = &work.environment else {
        let found = names.iter().find_map(|name| cx.target.find_program(name, &[]));
        return match found {
            Some(path) => Ok(vec![path.to_string_lossy().into_owned()]),
            None => Err(Failure::new(format!(
                "Unable to find any of {} to use.  pip needs to be installed.",
                names.join(", ")
            ))),
        };
    };
    let names = [names.first().copied().unwrap_or("pip"), "pip"];
    for name in names {
        let path = python::join(&python::join(environment, "bin"), name);
        if cx.target.access(path.as_ref(), Access::Execute) {
            return Ok(vec![path]);
        }
    }
    Err(Failure::new(format!(
        "Unable to find pip in the virtualenv, {environment}, under any of these names: {}. Make sure pip is present in the virtualenv.",
        names.join(", ")
    )))
}
