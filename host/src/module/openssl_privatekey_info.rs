//! `openssl_privatekey_info`: what is in a private key.

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Failure, Lit, Map, Module, Opt, Outcome, Returned, Rule,
};
use crate::python::{self, Subject};
use crate::x509::{PrivateKey, fingerprints};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_privatekey_info"],
    description: "Tells the kind of a private key, its size, and its public half.",
    options: &[
        Opt::path("path").doc("The file."),
        Opt::str("content").no_log().doc("The key itself."),
        Opt::str("passphrase").no_log().doc("What it is locked with."),
        Opt::bool("return_private_key_data")
            .or(false)
            .doc("Tell its secret numbers too: think of your logs."),
        Opt::bool("check_consistency").or(false).doc("Fail if its numbers don't belong together."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here: the program openssl does it."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["path", "content"]),
        Rule::MutuallyExclusive(&["path", "content"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("can_load_key", "bool", "always", "Whether the file could be read."),
        Returned::new("can_parse_key", "bool", "always", "Whether the key could be read."),
        Returned::new(
            "key_is_consistent",
            "bool",
            "always",
            "Whether its numbers belong together; null if nobody asked.",
        ),
        Returned::new("public_key", "str", "on success", "Its public half."),
        Returned::new("public_key_fingerprints", "dict", "on success", "Checksums of that."),
        Returned::new("type", "str", "on success", "Its kind."),
        Returned::new("public_data", "dict", "on success", "Size, curve and public numbers."),
        Returned::new("private_data", "dict", "with `return_private_key_data`", "Secret numbers."),
    ],
    examples: "- name: How long is the key?\n  community.crypto.openssl_privatekey_info:\n    path: /etc/ssl/private/example.com.pem\n  register: key\n",
    ..Module::builtin("openssl_privatekey_info", "Tells what is in a private key", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let mut told = Map::new();
    told.insert("can_load_key".into(), false.into());
    told.insert("can_parse_key".into(), false.into());
    told.insert("key_is_consistent".into(), Data::Null);
    let content = match args.str("content") {
        Some(content) => content.as_bytes().to_vec(),
        None => {
            let path = args.path("path");
            cx.target.read(&path).map_err(|error| {
                let why = python::os_error(&error, Subject::Text(&path));
                let msg = format!("Error while reading private key file from disk: {why}");
                Failure::new(msg).with_all(told.clone())
            })?
        }
    };
    told.insert("can_load_key".into(), true.into());
    let key = PrivateKey::read(cx, &content, args.str("passphrase"))
        .map_err(|failure| Failure::new(failure.msg).with_all(told.clone()))?;
    told.insert("can_parse_key".into(), true.into());
    told.insert("public_key".into(), key.public.pem().into());
    let sums = fingerprints(cx, &key.public.der, false)?;
    told.insert("public_key_fingerprints".into(), sums.into());
    told.insert("type".into(), key.public.kind().into());
    told.insert("public_data".into(), key.public.data().into());
    if args.bool("return_private_key_data") {
        told.insert("private_data".into(), key.data(cx)?.into());
    }
    if args.bool("check_consistency") {
        let consistent = key.is_consistent(cx)?;
        told.insert("key_is_consistent".into(), consistent.map_or(Data::Null, Data::from));
        if consistent == Some(false) {
            let msg = "Private key is not consistent! (See https://blog.hboeck.de/archives/888-How-I-tricked-Symantec-with-a-Fake-Private-Key.html)";
            return Err(Failure::new(msg).with_all(told));
        }
    }
    Ok(Outcome::silent().with_all(told))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn what_is_missing_is_told() {
        let args = json!({"path": "/none.pem"});
        let mut fake = Fake::new();
        let result: Value = Call::new("openssl_privatekey_info", args).run_on(&mut fake).into();
        assert_eq!(
            result["msg"],
            "Error while reading private key file from disk: [Errno 2] No such file or directory: '/none.pem'"
        );
    }
}
