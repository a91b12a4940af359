//! `openssl_csr`: requests for certificates.

mod wanted;

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Kind, Lit, Module, Opt,
    Outcome, Returned, Rule, Write,
};
use crate::python::{self, Subject};
use crate::x509::{Digest, PrivateKey, Request};
use wanted::Wanted;

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.openssl_csr"],
    description: "Makes a request for a certificate, which an authority can sign, unless there is one that asks for the same.",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the file is to be there."),
        Opt::path("path").required().doc("The file."),
        Opt::bool("force").or(false).doc("Make a new one in any case."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("return_content").or(false).doc("Tell what is in the file."),
        Opt::str("digest").or_str("sha256").doc("The digest that it is signed with."),
        Opt::path("privatekey_path").doc("The file of the private key."),
        Opt::str("privatekey_content").no_log().doc("The private key itself."),
        Opt::str("privatekey_passphrase").no_log().doc("What the private key is locked with."),
        Opt::int("version").or_int(1).choices(&[Lit::Int(1)]).doc("There is only one."),
        Opt::dict("subject").doc("Parts of the name that have no option of their own: kinds and texts, or lists of texts."),
        Opt::list("subject_ordered", Kind::Dict).since("2.0.0").doc("The whole name in order: dictionaries of one kind each."),
        Opt::str("country_name").aliases(&["C", "countryName"]).doc("The country, two letters."),
        Opt::str("state_or_province_name").aliases(&["ST", "stateOrProvinceName"]).doc("The state."),
        Opt::str("locality_name").aliases(&["L", "localityName"]).doc("The town."),
        Opt::str("organization_name").aliases(&["O", "organizationName"]).doc("The organization."),
        Opt::str("organizational_unit_name")
            .aliases(&["OU", "organizationalUnitName"])
            .doc("A part of the organization."),
        Opt::str("common_name").aliases(&["CN", "commonName"]).doc("The name of the host, or whatever it is."),
        Opt::str("email_address").aliases(&["E", "emailAddress"]).doc("A mail box."),
        Opt::list("subject_alt_name", Kind::Str)
            .aliases(&["subjectAltName"])
            .doc("The names that the certificate is for: `DNS:`, `IP:`, `email:`, `URI:`, `RID:`, `dirName:`, `otherName:`."),
        Opt::bool("subject_alt_name_critical")
            .or(false)
            .aliases(&["subjectAltName_critical"])
            .doc("Who does not understand these must refuse the certificate."),
        Opt::bool("use_common_name_for_san")
            .or(true)
            .aliases(&["useCommonNameForSAN"])
            .doc("If there are no such names, the common name is one."),
        Opt::list("key_usage", Kind::Str).aliases(&["keyUsage"]).doc("What the key is for (`digitalSignature`, `keyEncipherment`, …)."),
        Opt::bool("key_usage_critical")
            .or(false)
            .aliases(&["keyUsage_critical"])
            .doc("Who does not understand that must refuse the certificate."),
        Opt::list("extended_key_usage", Kind::Str)
            .aliases(&["extKeyUsage", "extendedKeyUsage"])
            .doc("What the certificate is for (`serverAuth`, `clientAuth`, …)."),
        Opt::bool("extended_key_usage_critical")
            .or(false)
            .aliases(&["extKeyUsage_critical", "extendedKeyUsage_critical"])
            .doc("Who does not understand that must refuse the certificate."),
        Opt::list("basic_constraints", Kind::Str)
            .aliases(&["basicConstraints"])
            .doc("Whether it may sign others (`CA:TRUE`), and how long chains may be (`pathlen:1`)."),
        Opt::bool("basic_constraints_critical")
            .or(false)
            .aliases(&["basicConstraints_critical"])
            .doc("Who does not understand that must refuse the certificate."),
        Opt::bool("ocsp_must_staple")
            .or(false)
            .aliases(&["ocspMustStaple"])
            .doc("Servers must show that it was not revoked."),
        Opt::bool("ocsp_must_staple_critical")
            .or(false)
            .aliases(&["ocspMustStaple_critical"])
            .doc("Who does not understand that must refuse the certificate."),
        Opt::list("name_constraints_permitted", Kind::Str)
            .since("1.1.0")
            .doc("Names that an authority may sign for."),
        Opt::list("name_constraints_excluded", Kind::Str)
            .since("1.1.0")
            .doc("Names that it may not."),
        Opt::bool("name_constraints_critical")
            .or(false)
            .since("1.1.0")
            .doc("Who does not understand these must refuse the certificate."),
        Opt::bool("create_subject_key_identifier").or(false).doc("Name the key by its checksum."),
        Opt::str("subject_key_identifier").doc("The name of the key, in hexadecimal."),
        Opt::str("authority_key_identifier").doc("The name of the authority's key, in hexadecimal."),
        Opt::list("authority_cert_issuer", Kind::Str).doc("Who signed the authority's certificate."),
        Opt::int("authority_cert_serial_number").doc("The number of that certificate."),
        Opt::list("crl_distribution_points", Kind::Dict)
            .options(POINT)
            .rules(&[
                Rule::MutuallyExclusive(&["full_name", "relative_name"]),
                Rule::RequiredOneOf(&["full_name", "relative_name", "crl_issuer"]),
            ])
            .since("1.4.0")
            .doc("Where lists of revoked certificates are."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here: the program openssl signs."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[
        Rule::RequiredTogether(&["authority_cert_issuer", "authority_cert_serial_number"]),
        Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        Rule::MutuallyExclusive(&["subject", "subject_ordered"]),
        Rule::RequiredIf {
            option: "state",
            is: Lit::Str("present"),
            needs: &["privatekey_path", "privatekey_content"],
            any: true,
        },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("privatekey", "str", "on success", "The file of the private key."),
        Returned::new("filename", "str", "on success", "The file."),
        Returned::new("subject", "list", "on success", "The name in order."),
        Returned::new("subjectAltName", "list", "on success", "The names asked for."),
        Returned::new("keyUsage", "list", "on success", "What the key is for."),
        Returned::new("extendedKeyUsage", "list", "on success", "What the certificate is for."),
        Returned::new("basicConstraints", "list", "on success", "Whether it may sign others."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
        Returned::new("csr", "str", "with `return_content`", "The request."),
    ],
    examples: "- name: Ask for a certificate\n  community.crypto.openssl_csr:\n    path: /etc/ssl/csr/www.example.com.csr\n    privatekey_path: /etc/ssl/private/example.com.pem\n    common_name: www.example.com\n    subject_alt_name:\n      - DNS:www.example.com\n      - DNS:example.com\n",
    ..Module::builtin("openssl_csr", "Makes requests for certificates", run)
};

/// A place where a list of revoked certificates is.
const POINT: &[Opt] = &[
    Opt::list("full_name", Kind::Str)
        .doc("Its names, such as `URI:https://ca.example.com/crl.pem`."),
    Opt::list("relative_name", Kind::Str).doc("Its name below its issuer's, as `CN=…`."),
    Opt::list("crl_issuer", Kind::Str).doc("Who makes the list."),
    Opt::list("reasons", Kind::Str)
        .choices(&[
            Lit::Str("key_compromise"),
            Lit::Str("ca_compromise"),
            Lit::Str("affiliation_changed"),
            Lit::Str("superseded"),
            Lit::Str("cessation_of_operation"),
            Lit::Str("certificate_hold"),
            Lit::Str("privilege_withdrawn"),
            Lit::Str("aa_compromise"),
        ])
        .doc("For which reasons certificates are in it."),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    let folder = match python::dirname(args.req("path")) {
        "" => ".",
        folder => folder,
    };
    if !cx.target.is_dir(Path::new(folder)) {
        let msg = format!("The directory {folder} does not exist or the file is not a directory");
        return Err(Failure::new(msg).with("name", folder));
    }
    let wanted = Wanted::of(args)?;
    if args.req("state") == "absent" {
        return absent(cx, args, &wanted, &path);
    }
    let old = match cx.target.read(&path) {
        Ok(content) => Some(content),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => None,
        Err(error) => {
            let why = python::os_error(&error, Subject::Text(&path));
            return Err(Failure::new(format!("Error while loading {} - {why}", path.display())));
        }
    };
    let before = told(cx, old.as_deref())?;
    let mut changed = args.bool("force") || is_new_needed(cx, args, &wanted, old.as_deref())?;
    let attributes = FileAttributes::of(cx, args, &path);
    let (mut after, mut content, mut backup) = (before.clone(), old, None);
    if changed && !cx.check {
        let made = made(cx, args, &wanted)?.into_bytes();
        if args.bool("backup") && content.is_some() {
            backup = Some(cx.backup(&path)?);
        }
        let write = Write::bytes(&path, &made).unsafe_writes(args.bool("unsafe_writes"));
        cx.write(write.born_with(&attributes))?;
        after = told(cx, Some(&made))?;
        content = Some(made);
    }
    changed |= cx.set_attributes(&path, &attributes, None)?;
    let outcome = result(args, &wanted, changed, content).diff(Diff::of(before, after));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

fn absent(
    cx: &mut Context<'_>,
    args: &Args,
    wanted: &Wanted,
    path: &Path,
) -> Result<Outcome, Failure> {
    let there = cx.target.exists(path);
    let mut backup = None;
    if there && !cx.check {
        if args.bool("backup") {
            backup = Some(cx.backup(path)?);
        }
        cx.target
            .unlink(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
    }
    let nothing = Diff::of(Map::new(), Map::new());
    let outcome = result(args, wanted, there, None).diff(nothing);
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

/// What a difference shows of a request.
fn told(cx: &mut Context<'_>, content: Option<&[u8]>) -> Result<Map, Failure> {
    let mut map = Map::new();
    let Some(content) = content else { return Ok(map) };
    let request = Request::of_pem(content);
    if let Some(request) = &request {
        map = request.told(cx, true)?;
    }
    map.insert("can_parse_csr".into(), request.is_some().into());
    Ok(map)
}

fn private_key(cx: &mut Context<'_>, args: &Args) -> Result<PrivateKey, Failure> {
    let (path, content) = (args.str("privatekey_path"), args.str("privatekey_content"));
    PrivateKey::load(cx, path, content, args.str("privatekey_passphrase"))
}

fn is_new_needed(
    cx: &mut Context<'_>,
    args: &Args,
    wanted: &Wanted,
    old: Option<&[u8]>,
) -> Result<bool, Failure> {
    let Some(old) = old.and_then(Request::of_pem) else { return Ok(true) };
    let key = private_key(cx, args)?;
    Ok(!wanted.is_subject(&old.subject_parts)
        || !wanted.extensions.are_in(&old, &key.public)
        || old.public != key.public
        || !old.is_valid(cx)?)
}

/// A new request.
fn made(cx: &mut Context<'_>, args: &Args, wanted: &Wanted) -> Result<String, Failure> {
    let key = private_key(cx, args)?;
    if let Some(flaw) = wanted.subject.iter().find_map(|part| part.flaw()) {
        return Err(Failure::new(flaw));
    }
    let digest = Digest::named(args.req("digest"));
    if digest.is_none() && key.needs_digest() {
        return Err(Failure::new(format!("Unsupported digest \"{}\"", args.req("digest"))));
    }
    let extensions = wanted.extensions.all(&key.public);
    Request::sign(cx, &wanted.subject, &extensions, &key, digest)
}

fn result(args: &Args, wanted: &Wanted, changed: bool, content: Option<Vec<u8>>) -> Outcome {
    let given = |name: &str| args.get(name).cloned().unwrap_or_default();
    let or_empty = |name: &str| args.get(name).cloned().unwrap_or_else(|| Data::Array(Vec::new()));
    let outcome = Outcome::new(changed)
        .with("privatekey", given("privatekey_path"))
        .with("filename", args.req("path"))
        .with("subject", wanted.written_subject.clone())
        .with("subjectAltName", wanted.alt_names.clone())
        .with("keyUsage", given("key_usage"))
        .with("extendedKeyUsage", given("extended_key_usage"))
        .with("basicConstraints", given("basic_constraints"))
        .with("ocspMustStaple", args.bool("ocsp_must_staple"))
        .with("name_constraints_permitted", or_empty("name_constraints_permitted"))
        .with("name_constraints_excluded", or_empty("name_constraints_excluded"));
    if !args.bool("return_content") {
        return outcome;
    }
    let content = content.filter(|content| !content.is_empty());
    let text = content.map(|content| String::from_utf8_lossy(&content).into_owned());
    outcome.with("csr", text.map_or(Data::Null, Data::from))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn what_is_missing_is_told() {
        let args = json!({"path": "/etc/csr", "privatekey_path": "/none.pem", "extended_key_usage": "reading"});
        let mut fake = Fake::new();
        let result: Value = Call::new("openssl_csr", args).run_on(&mut fake).into();
        assert_eq!(result["msg"], "Cannot find OID for \"reading\"");
    }
}
