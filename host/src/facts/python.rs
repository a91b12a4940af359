//! The host's Python, if it has one.

use serde_json::json;

use super::Collector;
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "python", subsets: &["python"], collect };

/// Asks for more than the facts: the version is one by itself.
const SCRIPT: &str = "\
import json, platform, sys
try:
    import importlib.util
    ssl = importlib.util.find_spec('_ssl') is not None
except ImportError:
    try:
        from ssl import SSLContext, create_default_context
        ssl = True
    except ImportError:
        ssl = False
if hasattr(sys, 'subversion'):
    kind = sys.subversion[0]
else:
    kind = getattr(getattr(sys, 'implementation', None), 'name', None)
print(json.dumps([list(sys.version_info), sys.executable, ssl, kind, platform.python_version()]))
";

/// What Python says of itself; asked once a call.
fn said(cx: &mut Context<'_>) -> Option<Data> {
    if cx.interpreter_said.is_none() {
        // Without the folders of the site and the user: that is quicker, and nothing of them is asked for.
        let answer = cx.ask_python(&["-E", "-s", "-S"], SCRIPT, &Data::Null);
        cx.interpreter_said = Some(answer.unwrap_or(Data::Null));
    }
    cx.interpreter_said.clone().filter(|said| !said.is_null())
}

/// The fact `python_version`, which belongs to the platform's with ansible.
pub(super) fn version(cx: &mut Context<'_>) -> Option<Data> {
    Some(said(cx)?[4].clone())
}

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let Some(answer) = said(cx) else { return };
    let info = &answer[0];
    facts.insert(
        "python".into(),
        json!({
            "version": {
                "major": info[0],
                "minor": info[1],
                "micro": info[2],
                "releaselevel": info[3],
                "serial": info[4],
            },
            "version_info": info,
            "executable": answer[1],
            "has_sslcontext": answer[2],
            "type": answer[3],
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::files::NoFiles;
    use crate::target::Ran;
    use crate::target::fake::Fake;

    fn facts(mut fake: Fake) -> Map {
        let (call, mut files, mut facts) = (Call::default(), NoFiles, Map::new());
        let mut cx = Context::new(&mut fake, &mut files, &call);
        collect(&mut cx, &mut facts);
        facts.extend(version(&mut cx).map(|version| ("python_version".to_owned(), version)));
        assert!(fake.runs.len() < 2);
        facts
    }

    #[test]
    fn a_python_tells_of_itself() {
        let answer =
            "[[3, 11, 2, \"final\", 0], \"/usr/bin/python3.11\", true, \"cpython\", \"3.11.2\"]\n";
        let facts = facts(
            Fake::new().program("python3.11").on("/usr/bin/python3.11", Ran::of(0, answer, "")),
        );
        assert_eq!(facts["python_version"], "3.11.2");
        assert_eq!(facts["python"]["version"]["minor"], 11);
        assert_eq!(facts["python"]["version_info"], json!([3, 11, 2, "final", 0]));
        assert_eq!(facts["python"]["type"], "cpython");
    }

    #[test]
    fn without_one_there_are_no_facts() {
        assert!(facts(Fake::new()).is_empty());
        let broken =
            Fake::new().program("python3.11").on("/usr/bin/python3.11", Ran::of(1, "", "broken"));
        assert!(facts(broken).is_empty());
    }
}
