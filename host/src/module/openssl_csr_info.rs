//! `openssl_csr_info`: what is in a request for a certificate.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::python::{self, Subject};
use crate::x509::{Request, no_pem};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_csr_info"],
    description: "Tells whom a request for a certificate is of, what it asks for, and whether its signature is right.",
    options: &[
        Opt::path("path").doc("The file."),
        Opt::str("content").doc("The request itself."),
        Opt::str("name_encoding")
            .or_str("ignore")
            .choices(&[Lit::Str("ignore"), Lit::Str("idna"), Lit::Str("unicode")])
            .doc("How names of domains are told; only `ignore` and `idna`, as they stand there."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here."),
    ],
    rules: &[
        Rule::RequiredOneOf(&["path", "content"]),
        Rule::MutuallyExclusive(&["path", "content"]),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("signature_valid", "bool", "on success", "Whether its own key signed it."),
        Returned::new("subject", "dict", "on success", "Whom it is of."),
        Returned::new("subject_ordered", "list", "on success", "The same in order."),
        Returned::new("subject_alt_name", "list", "on success", "The names it asks for."),
        Returned::new("extensions_by_oid", "dict", "on success", "All that it asks for, as DER."),
        Returned::new("public_key", "str", "on success", "Its key."),
    ],
    examples: "- name: What does it ask for?\n  community.crypto.openssl_csr_info:\n    path: /etc/ssl/csr/example.com.csr\n  register: csr\n",
    ..Module::builtin("openssl_csr_info", "Tells what is in a certificate request", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let content = match args.str("content") {
        Some(content) => content.as_bytes().to_vec(),
        None => {
            let path = args.path("path");
            cx.target.read(&path).map_err(|error| {
                let why = python::os_error(&error, Subject::Text(&path));
                Failure::new(format!("Error while reading CSR file from disk: {why}"))
            })?
        }
    };
    if args.req("name_encoding") == "unicode" {
        return Err(Failure::new("name_encoding=unicode is not supported yet"));
    }
    let request =
        Request::of_pem(&content).ok_or_else(|| no_pem(&content, "CERTIFICATE REQUEST", "CSR"))?;
    let told = request.told(cx, false)?;
    match told.get("signature_valid").and_then(crate::data::Data::as_bool) {
        Some(true) => Ok(Outcome::silent().with_all(told)),
        _ => Err(Failure::new("CSR signature is invalid!").with_all(told)),
    }
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
        let result: Value = Call::new("openssl_csr_info", args).run_on(&mut fake).into();
        assert_eq!(
            result["msg"],
            "Error while reading CSR file from disk: [Errno 2] No such file or directory: '/none.pem'"
        );
    }
}
