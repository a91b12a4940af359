//! `x509_certificate`: certificates that are signed by their own key, or by an authority of one's own.

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, FILE_OPTIONS, Failure, FileAttributes, Lit, Module, Opt,
    Outcome, Returned, Rule, Write,
};
use crate::python::{self, Subject};
use crate::x509::extension::{self, Extension, authority_key_id, subject_key_id};
use crate::x509::{Certificate, Digest, New, PrivateKey, Request, key_id, no_pem, spec_time};

/// What may be said of the extension that names a certificate's own key.
const KEY_NAMES: &[Lit] =
    &[Lit::Str("create_if_not_provided"), Lit::Str("always_create"), Lit::Str("never_create")];

pub static MODULE: Module = Module {
    collection: "community.crypto",
    aliases: &["ansible.builtin.x509_certificate", "community.crypto.openssl_certificate"],
    description: "Makes a certificate, unless there is one of the same key and request: signed by its own key \
                  (`selfsigned`), or by an authority of one's own (`ownca`).",
    options: &[
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("present"), Lit::Str("absent")])
            .doc("Whether the file is to be there."),
        Opt::path("path").required().doc("The file."),
        Opt::str("provider")
            .choices(&[
                Lit::Str("acme"),
                Lit::Str("entrust"),
                Lit::Str("ownca"),
                Lit::Str("selfsigned"),
            ])
            .doc("Who signs it; `acme` and `entrust` are not there yet."),
        Opt::bool("force").or(false).doc("Make a new one in any case."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("return_content").or(false).doc("Tell what is in the file."),
        Opt::path("csr_path").doc("The file of the request."),
        Opt::str("csr_content").doc("The request itself."),
        Opt::bool("ignore_timestamps").or(true).doc("A certificate of other times is good too."),
        Opt::path("privatekey_path").doc("The file of the private key."),
        Opt::str("privatekey_content").no_log().doc("The private key itself."),
        Opt::str("privatekey_passphrase").no_log().doc("What the private key is locked with."),
        Opt::int("selfsigned_version").or_int(3).doc("There is only 3."),
        Opt::str("selfsigned_digest").or_str("sha256").doc("The digest that is signed."),
        Opt::str("selfsigned_not_before").or_str("+0s").aliases(&["selfsigned_notBefore"]).doc(
            "Since when it holds: from now on (`+1d2h`) or with all digits (`20300101000000Z`).",
        ),
        Opt::str("selfsigned_not_after")
            .or_str("+3650d")
            .aliases(&["selfsigned_notAfter"])
            .doc("Until when it holds."),
        Opt::str("selfsigned_create_subject_key_identifier")
            .or_str("create_if_not_provided")
            .choices(KEY_NAMES)
            .doc("Whether it names its key, if the request does not."),
        Opt::path("ownca_path").doc("The authority's certificate, a file."),
        Opt::str("ownca_content").doc("The authority's certificate itself."),
        Opt::path("ownca_privatekey_path").doc("The authority's private key, a file."),
        Opt::str("ownca_privatekey_content").no_log().doc("The authority's private key itself."),
        Opt::str("ownca_privatekey_passphrase").no_log().doc("What that key is locked with."),
        Opt::str("ownca_digest").or_str("sha256").doc("The digest that is signed."),
        Opt::int("ownca_version").or_int(3).doc("There is only 3."),
        Opt::str("ownca_not_before").or_str("+0s").doc("Since when it holds."),
        Opt::str("ownca_not_after").or_str("+3650d").doc("Until when it holds."),
        Opt::str("ownca_create_subject_key_identifier")
            .or_str("create_if_not_provided")
            .choices(KEY_NAMES)
            .doc("Whether it names its key, if the request does not."),
        Opt::bool("ownca_create_authority_key_identifier")
            .or(true)
            .doc("Whether it names the authority's key."),
        Opt::path("acme_accountkey_path").doc("Not there yet."),
        Opt::path("acme_challenge_path").doc("Not there yet."),
        Opt::bool("acme_chain").or(false).doc("Not there yet."),
        Opt::str("acme_directory")
            .or_str("https://acme-v02.api.letsencrypt.org/directory")
            .doc("Not there yet."),
        Opt::str("entrust_cert_type").or_str("STANDARD_SSL").doc("Not there yet."),
        Opt::str("entrust_requester_email").doc("Not there yet."),
        Opt::str("entrust_requester_name").doc("Not there yet."),
        Opt::str("entrust_requester_phone").doc("Not there yet."),
        Opt::str("entrust_api_user").doc("Not there yet."),
        Opt::str("entrust_api_key").no_log().doc("Not there yet."),
        Opt::path("entrust_api_client_cert_path").doc("Not there yet."),
        Opt::path("entrust_api_client_cert_key_path").no_log().doc("Not there yet."),
        Opt::path("entrust_api_specification_path")
            .or_str("https://cloud.entrust.net/EntrustCloud/documentation/cms-api-2.1.0.yaml")
            .doc("Not there yet."),
        Opt::str("entrust_not_after").or_str("+365d").doc("Not there yet."),
        Opt::str("select_crypto_backend")
            .or_str("auto")
            .choices(&[Lit::Str("auto"), Lit::Str("cryptography")])
            .doc("Without meaning here: the program openssl signs."),
    ],
    shared: &[FILE_OPTIONS],
    rules: &[
        Rule::MutuallyExclusive(&["csr_path", "csr_content"]),
        Rule::MutuallyExclusive(&["privatekey_path", "privatekey_content"]),
        Rule::MutuallyExclusive(&["ownca_path", "ownca_content"]),
        Rule::MutuallyExclusive(&["ownca_privatekey_path", "ownca_privatekey_content"]),
        Rule::RequiredIf {
            option: "state",
            is: Lit::Str("present"),
            needs: &["provider"],
            any: false,
        },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("filename", "str", "on success", "The file."),
        Returned::new("privatekey", "str", "on success", "The file of the private key."),
        Returned::new("csr", "str", "on success", "The file of the request."),
        Returned::new("ca_cert", "str", "for `ownca`", "The authority's certificate."),
        Returned::new("ca_privatekey", "str", "for `ownca`", "The authority's private key."),
        Returned::new("notBefore", "str", "if it is there", "Since when it holds."),
        Returned::new("notAfter", "str", "if it is there", "Until when it holds."),
        Returned::new("serial_number", "int", "if it is there", "Its number."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
        Returned::new("certificate", "str", "with `return_content`", "The certificate."),
    ],
    examples: "- name: A certificate for tests\n  community.crypto.x509_certificate:\n    path: /etc/ssl/crt/www.example.com.crt\n    privatekey_path: /etc/ssl/private/example.com.pem\n    csr_path: /etc/ssl/csr/www.example.com.csr\n    provider: selfsigned\n",
    ..Module::builtin("x509_certificate", "Makes certificates", run)
};

/// All that a certificate is made of.
struct Parts {
    /// The key that signs.
    key: PrivateKey,
    /// That of the authority, if it is not the certificate's own.
    authority: Option<Certificate>,
    /// Without one, the certificate has no name and no extensions.
    request: Option<Request>,
    digest: Option<Digest>,
    not_before: String,
    not_after: String,
    serial: Vec<u8>,
    names_key: String,
    names_authority: bool,
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("path");
    if args.req("state") == "absent" {
        return absent(cx, args, &path);
    }
    let folder = match python::dirname(args.req("path")) {
        "" => ".",
        folder => folder,
    };
    if !cx.target.is_dir(Path::new(folder)) {
        let msg = format!("The directory {folder} does not exist or the file is not a directory");
        return Err(Failure::new(msg).with("name", folder));
    }
    let parts = match args.req("provider") {
        "selfsigned" => self_signed(cx, args)?,
        "ownca" => own_authority(cx, args)?,
        other => return Err(Failure::new(format!("provider={other} is not supported yet"))),
    };
    let old = match cx.target.read(&path) {
        Ok(content) => Some(content),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => None,
        Err(error) => {
            let why = python::os_error(&error, Subject::Text(&path));
            return Err(Failure::new(format!("Error while loading {} - {why}", path.display())));
        }
    };
    let before = told(cx, old.as_deref())?;
    let mut changed = is_new_needed(cx, args, &parts, old.as_deref())?;
    let attributes = FileAttributes::of(cx, args, &path);
    let (mut after, mut content, mut backup) = (before.clone(), old, None);
    if changed && !cx.check {
        let made = made(cx, &parts)?.into_bytes();
        if args.bool("backup") && content.is_some() {
            backup = Some(cx.backup(&path)?);
        }
        let write = Write::bytes(&path, &made).unsafe_writes(args.bool("unsafe_writes"));
        cx.write(write.born_with(&attributes))?;
        after = told(cx, Some(&made))?;
        content = Some(made);
    }
    changed |= cx.set_attributes(&path, &attributes, None)?;
    let outcome = result(cx, args, &parts, changed, content).diff(Diff::of(before, after));
    Ok(match backup {
        Some(backup) => outcome.with("backup_file", backup),
        None => outcome,
    })
}

fn absent(cx: &mut Context<'_>, args: &Args, path: &Path) -> Result<Outcome, Failure> {
    let there = cx.target.exists(path);
    let given = |name: &str| args.get(name).cloned().unwrap_or_default();
    let mut outcome = Outcome::new(there)
        .with("filename", args.req("path"))
        .with("privatekey", given("privatekey_path"))
        .with("csr", given("csr_path"));
    if there && !cx.check {
        if args.bool("backup") {
            outcome = outcome.with("backup_file", cx.backup(path)?);
        }
        cx.target
            .unlink(path)
            .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))?;
    }
    Ok(match args.bool("return_content") {
        true => outcome.with("certificate", Data::Null),
        false => outcome,
    })
}

/// What a difference shows of a certificate.
fn told(cx: &mut Context<'_>, content: Option<&[u8]>) -> Result<Map, Failure> {
    let mut map = Map::new();
    let Some(content) = content else { return Ok(map) };
    let certificate = Certificate::of_pem(content);
    if let Some(certificate) = &certificate {
        map = certificate.told(cx, true)?;
    }
    map.insert("can_parse_certificate".into(), certificate.is_some().into());
    Ok(map)
}

/// Files that must be there: what they are, and the option that names them.
fn need_files(cx: &mut Context<'_>, args: &Args, files: &[(&str, &str)]) -> Result<(), Failure> {
    for (what, option) in files {
        if let Some(path) = args.str(option)
            && !cx.target.exists(Path::new(path))
        {
            return Err(Failure::new(format!("The {what} file {path} does not exist")));
        }
    }
    Ok(())
}

fn request(cx: &mut Context<'_>, args: &Args) -> Result<Option<Request>, Failure> {
    let content = match (args.str("csr_content"), args.str("csr_path")) {
        (Some(content), _) => content.as_bytes().to_vec(),
        (None, Some(path)) => read(cx, path)?,
        (None, None) => return Ok(None),
    };
    Request::of_pem(&content)
        .map(Some)
        .ok_or_else(|| no_pem(&content, "CERTIFICATE REQUEST", "CSR"))
}

fn read(cx: &mut Context<'_>, path: &str) -> Result<Vec<u8>, Failure> {
    let path = Path::new(path);
    cx.target
        .read(path)
        .map_err(|error| Failure::new(python::os_error(&error, Subject::Text(path))))
}

/// Options of both providers, by their prefix.
fn common(cx: &mut Context<'_>, args: &Args, provider: &str) -> Result<(String, String), Failure> {
    if args.int(&format!("{provider}_version")) == Some(2) {
        return Err(Failure::new("The cryptography backend does not support v2 certificates"));
    }
    let now = cx.target.now().secs;
    let [before, after] = ["not_before", "not_after"].map(|name| format!("{provider}_{name}"));
    let before = spec_time(args.req(&before), &before, now)?;
    Ok((before, spec_time(args.req(&after), &after, now)?))
}

fn digest(args: &Args, provider: &str, key: &PrivateKey) -> Result<Option<Digest>, Failure> {
    let name = args.req(&format!("{provider}_digest"));
    let digest = Digest::named(name);
    if digest.is_none() && key.needs_digest() {
        let msg = format!("The digest {name} is not supported with the cryptography backend");
        return Err(Failure::new(msg));
    }
    Ok(digest)
}

/// Twenty bytes by chance, of which a certificate's number has 159 bits.
fn serial(cx: &mut Context<'_>) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..3).flat_map(|_| cx.target.random().to_be_bytes()).collect();
    bytes.truncate(20);
    bytes[0] &= 0x7f;
    bytes
}

fn self_signed(cx: &mut Context<'_>, args: &Args) -> Result<Parts, Failure> {
    if !args.is_given("privatekey_path") && !args.is_given("privatekey_content") {
        let msg = "One of privatekey_path and privatekey_content must be specified for the selfsigned provider.";
        return Err(Failure::new(msg));
    }
    let (not_before, not_after) = common(cx, args, "selfsigned")?;
    let files = [("certificate signing request", "csr_path"), ("private key", "privatekey_path")];
    need_files(cx, args, &files)?;
    let (path, content) = (args.str("privatekey_path"), args.str("privatekey_content"));
    let key = PrivateKey::load(cx, path, content, args.str("privatekey_passphrase"))?;
    let request = request(cx, args)?;
    let digest = match (digest(args, "selfsigned", &key), &request) {
        (Err(_), None) => {
            let msg = format!("Unsupported digest \"{}\"", args.req("selfsigned_digest"));
            return Err(Failure::new(msg));
        }
        (digest, _) => digest?,
    };
    Ok(Parts {
        digest,
        key,
        authority: None,
        request,
        not_before,
        not_after,
        serial: serial(cx),
        names_key: args.string("selfsigned_create_subject_key_identifier"),
        names_authority: false,
    })
}

fn own_authority(cx: &mut Context<'_>, args: &Args) -> Result<Parts, Failure> {
    for (path, content) in
        [("ownca_path", "ownca_content"), ("ownca_privatekey_path", "ownca_privatekey_content")]
    {
        if !args.is_given(path) && !args.is_given(content) {
            let msg =
                format!("One of {path} and {content} must be specified for the ownca provider.");
            return Err(Failure::new(msg));
        }
    }
    let (not_before, not_after) = common(cx, args, "ownca")?;
    if !args.is_given("csr_path") && !args.is_given("csr_content") {
        return Err(Failure::new("csr_path or csr_content is required for ownca provider"));
    }
    let files = [
        ("certificate signing request", "csr_path"),
        ("CA certificate", "ownca_path"),
        ("CA private key", "ownca_privatekey_path"),
    ];
    need_files(cx, args, &files)?;
    let request = request(cx, args)?;
    let authority = match args.str("ownca_content") {
        Some(content) => content.as_bytes().to_vec(),
        None => read(cx, args.req("ownca_path"))?,
    };
    let authority = Certificate::of_pem(&authority)
        .ok_or_else(|| no_pem(&authority, "CERTIFICATE", "certificate"))?;
    let (path, content) = (args.str("ownca_privatekey_path"), args.str("ownca_privatekey_content"));
    let key = PrivateKey::load(cx, path, content, args.str("ownca_privatekey_passphrase"))?;
    if key.public != authority.public {
        return Err(Failure::new("The CA private key does not belong to the CA certificate"));
    }
    Ok(Parts {
        digest: digest(args, "ownca", &key)?,
        key,
        authority: Some(authority),
        request,
        not_before,
        not_after,
        serial: serial(cx),
        names_key: args.string("ownca_create_subject_key_identifier"),
        names_authority: args.bool("ownca_create_authority_key_identifier"),
    })
}

/// The extension that names the authority's key, as its own certificate names it.
fn authority_name(authority: &Certificate) -> Extension {
    match authority.key_id() {
        Some(id) => authority_key_id(Some(id), &[], None),
        None => authority_key_id(Some(&key_id(&authority.public)), &[], None),
    }
}

/// The extensions of the request, and those that the provider adds.
fn extensions(parts: &Parts) -> Vec<Extension> {
    let asked = parts.request.as_ref().map(|request| request.extensions.as_slice());
    let mut all = asked.unwrap_or_default().to_vec();
    if parts.names_key == "always_create" {
        all.retain(|it| it.oid != extension::SUBJECT_KEY_ID);
    }
    if parts.names_authority {
        all.retain(|it| it.oid != extension::AUTHORITY_KEY_ID);
    }
    let named = all.iter().any(|it| it.oid == extension::SUBJECT_KEY_ID);
    if !named && parts.names_key != "never_create" {
        let own = match (&parts.authority, &parts.request) {
            (Some(_), Some(request)) => &request.public,
            _ => &parts.key.public,
        };
        all.push(subject_key_id(&key_id(own)));
    }
    if let Some(authority) = parts.authority.as_ref().filter(|_| parts.names_authority) {
        all.push(authority_name(authority));
    }
    all
}

fn made(cx: &mut Context<'_>, parts: &Parts) -> Result<String, Failure> {
    if parts.not_after < parts.not_before {
        let why = "The not valid after date must be after the not valid before date.";
        return Err(match parts.authority {
            Some(_) => Failure::crash("ValueError", why),
            None => Failure::new(why),
        });
    }
    const NOBODY: &[u8] = &[0x30, 0];
    let subject = parts.request.as_ref().map_or(NOBODY, |request| &request.subject);
    let new = New {
        subject,
        issuer: parts.authority.as_ref().map_or(subject, |authority| &authority.subject),
        serial: &parts.serial,
        not_before: &parts.not_before,
        not_after: &parts.not_after,
        public: match (&parts.authority, &parts.request) {
            (Some(_), Some(request)) => &request.public,
            _ => &parts.key.public,
        },
        extensions: &extensions(parts),
    };
    Certificate::sign(cx, &new, &parts.key, parts.digest)
}

fn is_new_needed(
    cx: &mut Context<'_>,
    args: &Args,
    parts: &Parts,
    old: Option<&[u8]>,
) -> Result<bool, Failure> {
    let Some(old) = old.filter(|_| !args.bool("force")).and_then(Certificate::of_pem) else {
        return Ok(true);
    };
    // An authority's certificates are of other keys than its own; one may be named all the same.
    let (path, content) = (args.str("privatekey_path"), args.str("privatekey_content"));
    if path.is_some() || content.is_some() {
        let key = PrivateKey::load(cx, path, content, args.str("privatekey_passphrase"))?;
        if key.public != old.public {
            return Ok(true);
        }
    }
    if !fits_request(cx, parts, &old)? || !is_named(parts, &old) {
        return Ok(true);
    }
    let times = (&old.not_before, &old.not_after) == (&parts.not_before, &parts.not_after);
    if !args.bool("ignore_timestamps") && !times {
        return Ok(true);
    }
    if !old.is_signed_by(cx, &parts.key.public)? {
        return Ok(true);
    }
    let Some(authority) = &parts.authority else { return Ok(false) };
    let named = old.extension(extension::AUTHORITY_KEY_ID).map(|found| &found.value)
        == Some(&authority_name(authority).value);
    Ok(authority.subject_parts != old.issuer_parts || parts.names_authority && !named)
}

/// Whether the certificate is what the request asks for.
fn fits_request(cx: &mut Context<'_>, parts: &Parts, old: &Certificate) -> Result<bool, Failure> {
    let nobody = Vec::new();
    let (subject, asked) = match &parts.request {
        Some(request) => {
            if !request.is_valid(cx)? || request.public != old.public {
                return Ok(false);
            }
            (&request.subject_parts, request.extensions.as_slice())
        }
        None => (&nobody, &[][..]),
    };
    let compared = |it: &&Extension| {
        !(it.oid == extension::SUBJECT_KEY_ID && parts.names_key != "never_create"
            || it.oid == extension::AUTHORITY_KEY_ID && parts.names_authority)
    };
    let mut asked = asked.iter().filter(compared);
    let found: Vec<_> = old.extensions.iter().filter(compared).collect();
    let same = found.len() == asked.clone().count() && asked.all(|it| found.contains(&it));
    Ok(*subject == old.subject_parts && same)
}

/// Whether the certificate names its key as the provider would.
fn is_named(parts: &Parts, old: &Certificate) -> bool {
    if parts.names_key == "never_create" {
        return true;
    }
    let asked = parts.request.as_ref().filter(|_| parts.names_key == "create_if_not_provided");
    let own = key_id(&old.public);
    let wanted = asked.and_then(Request::key_id).unwrap_or(&own);
    old.key_id() == Some(wanted)
}

fn result(
    cx: &mut Context<'_>,
    args: &Args,
    parts: &Parts,
    changed: bool,
    content: Option<Vec<u8>>,
) -> Outcome {
    let given = |name: &str| args.get(name).cloned().unwrap_or_default();
    let mut outcome = Outcome::new(changed)
        .with("filename", args.req("path"))
        .with("privatekey", given("privatekey_path"))
        .with("csr", given("csr_path"));
    if parts.authority.is_some() {
        outcome = outcome
            .with("ca_cert", given("ownca_path"))
            .with("ca_privatekey", given("ownca_privatekey_path"));
    }
    let certificate = content.as_deref().and_then(Certificate::of_pem).filter(|_| !cx.check);
    let (before, after, serial) = match certificate {
        Some(it) => (it.not_before.clone(), it.not_after.clone(), it.serial()),
        None => {
            let serial = crate::data::whole_number(&parts.serial);
            (parts.not_before.clone(), parts.not_after.clone(), serial)
        }
    };
    outcome =
        outcome.with("notBefore", before).with("notAfter", after).with("serial_number", serial);
    if !args.bool("return_content") {
        return outcome;
    }
    let text = content.map(|content| String::from_utf8_lossy(&content).into_owned());
    outcome.with("certificate", text.map_or(Data::Null, Data::from))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    #[test]
    fn what_is_missing_is_told() {
        let args =
            json!({"path": "/etc/crt", "provider": "selfsigned", "privatekey_path": "/none.pem"});
        let mut fake = Fake::new();
        let result: Value = Call::new("x509_certificate", args).run_on(&mut fake).into();
        assert_eq!(result["msg"], "The private key file /none.pem does not exist");
    }
}
