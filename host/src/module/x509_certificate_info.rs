//! `x509_certificate_info`: what is in a certificate.

use crate::data::{Data, Map};
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::python::{self, Subject};
use crate::x509::{Certificate, no_pem, spec_time};

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &[
        "ansible.builtin.x509_certificate_info",
        "community.crypto.openssl_certificate_info",
    ],
    description: "Tells whom a certificate is of, who signed it, how long it holds, and what it is for.",
    options: &[
        Opt::path("path").doc("The file, PEM or DER."),
        Opt::str("content").doc("The certificate itself, as PEM."),
        Opt::dict("valid_at")
            .doc("Names and times (`+1w`, `20300101000000Z`): whether it holds at each is told."),
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
        Returned::new("subject", "dict", "on success", "Whom it is of."),
        Returned::new("issuer", "dict", "on success", "Who signed it."),
        Returned::new("not_before", "str", "on success", "Since when it holds."),
        Returned::new("not_after", "str", "on success", "Until when it holds."),
        Returned::new("expired", "bool", "on success", "Whether that time is over."),
        Returned::new("valid_at", "dict", "on success", "Whether it holds at the times asked for."),
        Returned::new("serial_number", "int", "on success", "Its number."),
        Returned::new("subject_alt_name", "list", "on success", "The names it is for."),
        Returned::new("fingerprints", "dict", "on success", "Its checksums."),
    ],
    examples: "- name: Does it hold for another three weeks?\n  community.crypto.x509_certificate_info:\n    path: /etc/ssl/example.com.pem\n    valid_at:\n      soon: +3w\n  register: certificate\n",
    ..Module::builtin("x509_certificate_info", "Tells what is in a certificate", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let content = match args.str("content") {
        Some(content) => content.as_bytes().to_vec(),
        None => {
            let path = args.path("path");
            cx.target.read(&path).map_err(|error| {
                let why = python::os_error(&error, Subject::Text(&path));
                Failure::new(format!("Error while reading certificate file from disk: {why}"))
            })?
        }
    };
    if args.req("name_encoding") == "unicode" {
        return Err(Failure::new("name_encoding=unicode is not supported yet"));
    }
    let now = cx.target.now().secs;
    let mut times = Vec::new();
    for (name, time) in args.dict("valid_at").into_iter().flatten() {
        let Data::String(text) = time else {
            let class = python::type_text(time);
            return Err(Failure::new(format!(
                "The value for valid_at.{name} must be of type string (got {class})"
            )));
        };
        times.push((name.clone(), spec_time(text, &format!("valid_at.{name}"), now)?));
    }
    let pem = content.starts_with(b"-----BEGIN ");
    let certificate = match args.is_given("content") || pem {
        true => Certificate::of_pem(&content)
            .ok_or_else(|| no_pem(&content, "CERTIFICATE", "certificate")),
        false => Certificate::of_der(&content)
            .ok_or_else(|| Failure::new("Cannot parse DER certificate: error parsing asn1 value")),
    }?;
    let holds = |time: &String| (&certificate.not_before..=&certificate.not_after).contains(&time);
    let valid: Map = times.iter().map(|(name, time)| (name.clone(), holds(time).into())).collect();
    Ok(Outcome::silent().with_all(certificate.told(cx, false)?).with("valid_at", valid))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use crate::x509::Certificate;
    use serde_json::{Value, json};

    /// Of nobody but `CN=x`, signed by nobody.
    fn certificate() -> Vec<u8> {
        use crate::x509::der::{SEQUENCE, SET, bits, context, integer, of, oid, tlv};
        let algorithm = of(SEQUENCE, &[oid("1.3.101.112").unwrap()]);
        let name = of(SEQUENCE, &[oid("2.5.4.3").unwrap(), tlv(0x0c, b"x")]);
        let name = of(SEQUENCE, &[of(SET, &[name])]);
        let times = [tlv(0x17, b"240101000000Z"), tlv(0x18, b"20600101000000Z")];
        let key = of(SEQUENCE, &[algorithm.clone(), bits(&[7; 32])]);
        let signed = of(
            SEQUENCE,
            &[
                of(context(0, true), &[integer(&[2])]),
                integer(&[0xff; 20]),
                algorithm.clone(),
                name.clone(),
                of(SEQUENCE, &times),
                name,
                key,
            ],
        );
        of(SEQUENCE, &[signed, algorithm, bits(&[1; 64])])
    }

    #[test]
    fn what_a_certificate_says() {
        let pem = Certificate::of_der(&certificate()).unwrap().pem();
        let args = json!({"content": pem, "valid_at": {"then": "20500101000000Z", "no": "20700101000000Z"}});
        let mut fake =
            Fake::new().program("openssl").on("/usr/bin/openssl", Ran::of(1, "", "no\n"));
        let told: Value = Call::new("x509_certificate_info", args).run_on(&mut fake).into();
        assert_eq!(told["subject"], json!({"commonName": "x"}), "{told}");
        assert_eq!(told["valid_at"], json!({"then": true, "no": false}));
        assert_eq!((&told["version"], &told["expired"]), (&json!(3), &json!(false)));
        assert_eq!(told["not_after"], "20600101000000Z");
        assert_eq!(told["public_key_type"], "Ed25519");
        let cut = certificate();
        for end in 0..cut.len() {
            assert!(Certificate::of_der(&cut[..end]).is_none());
        }
    }
}
