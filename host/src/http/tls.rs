//! TLS by rustls, with the system's certificates, and OpenSSL's words where it fails.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    InconsistentKeys, RootCertStore, SignatureScheme, StreamOwned,
};

use crate::http::connection::{Wire, words};
use crate::http::{Error, Request};
use crate::python::{self, Subject, repr_str};
use crate::target::Target;

/// Where systems keep the certificates that they trust, all in one file.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/usr/lib/ssl/cert.pem",
];
/// Folders of which ansible reads every certificate.
const FOLDERS: [&str; 4] = [
    "/etc/pki/ca-trust/extracted/pem",
    "/etc/pki/tls/certs",
    "/usr/share/ca-certificates/cacert.org",
    "/etc/ansible",
];

/// Speak TLS on a connection.
pub(super) fn wrap(
    target: &mut dyn Target,
    request: &Request,
    mut wire: Box<dyn Wire>,
    host: &str,
) -> Result<Box<dyn Wire>, Error> {
    let config = config(target, request)?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::Value(format!("server name {} is not valid", repr_str(host))))?;
    let mut session = ClientConnection::new(Arc::new(config), name)
        .map_err(|error| Error::Url(error.to_string()))?;
    while session.is_handshaking() {
        session.complete_io(&mut wire).map_err(|error| Error::Url(handshake(&error, host)))?;
    }
    Ok(Box::new(StreamOwned::new(session, wire)))
}

fn config(target: &mut dyn Target, request: &Request) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let trusted = if request.validate_certs { trusted(target, request)? } else { Vec::new() };
    let verifier = Verifier::new(&provider, trusted, request.validate_certs);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Url(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some(path) = &request.client_cert else { return Ok(builder.with_no_client_auth()) };
    let certificates = read(target, path)?;
    let key = match &request.client_key {
        Some(path) => read(target, path)?,
        None => certificates.clone(),
    };
    let bad = |what: &str| Error::Url(format!("[SSL] PEM lib ({what})"));
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificates)
        .collect::<Result<_, _>>()
        .map_err(|_| bad("client_cert"))?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| bad("client_key"))?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| bad("client_key"))?;
    let own = CertifiedKey::new(chain, key);
    // Certificates that can't be read here, those of version 1 among them, are the server's to judge.
    if let Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) = own.keys_match() {
        let text = "[SSL: KEY_VALUES_MISMATCH] key values mismatch";
        return Err(Error::Url(text.to_owned()));
    }
    Ok(builder.with_client_cert_resolver(Arc::new(Own(Arc::new(own)))))
}

/// The certificate to show, whatever the server asks for.
#[derive(Debug)]
struct Own(Arc<CertifiedKey>);

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(target: &mut dyn Target, path: &Path) -> Result<Vec<u8>, Error> {
    let content = target.read(path);
    content.map_err(|error| Error::Socket(python::os_error(&error, Subject::Text(path))))
}

/// The certificates that are trusted.
fn trusted(
    target: &mut dyn Target,
    request: &Request,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut found = Vec::new();
    let mut add = |content: &[u8]| found.extend(CertificateDer::pem_slice_iter(content).flatten());
    let system = match target.env("SSL_CERT_FILE") {
        Some(path) => Some(PathBuf::from(path)),
        None => BUNDLES.iter().map(PathBuf::from).find(|path| target.exists(path)),
    };
    if let Some(content) = system.and_then(|path| target.read(&path).ok()) {
        add(&content);
    }
    if let Some(path) = &request.ca_path {
        let content = target
            .read(path)
            .map_err(|error| Error::Socket(python::os_error(&error, Subject::Bytes(path))))?;
        add(&content);
        return Ok(found);
    }
    let own = target.env("SSL_CERT_DIR");
    let folders = FOLDERS.iter().map(|folder| (*folder).to_owned()).chain(own.clone());
    for folder in folders {
        let folder = PathBuf::from(folder);
        for entry in target.read_dir(&folder).unwrap_or_default() {
            let path = folder.join(&entry.name);
            let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
            // OpenSSL finds those of its folder by names such as `1a2b3c4d.0`.
            let fits = matches!(end, "crt" | "pem") || (own.is_some() && end == "0");
            if fits && let Ok(content) = target.read(&path) {
                add(&content);
            }
        }
    }
    Ok(found)
}

/// Webpki's judgement, but a certificate that is itself trusted needs no issuer, as with OpenSSL.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None if nothing is trusted.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
    validate: bool,
}

impl Verifier {
    fn new(
        provider: &Arc<CryptoProvider>,
        trusted: Vec<CertificateDer<'static>>,
        validate: bool,
    ) -> Verifier {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted.iter().cloned());
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
                .build()
                .ok();
        Verifier { provider: Arc::clone(provider), webpki, trusted, validate }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if !self.validate {
            return Ok(ServerCertVerified::assertion());
        }
        let judged = match &self.webpki {
            Some(webpki) => webpki.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        let facts = Facts::of(end_entity);
        let error = match judged {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        if self.trusted.iter().any(|known| known.as_ref() == end_entity.as_ref()) {
            if facts.as_ref().is_some_and(|facts| facts.until < now.as_secs() as i64) {
                return Err(CertificateError::Expired.into());
            }
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        if is_about_name(&error)
            && let Some(facts) = &facts
            && !facts.has_names
            && let ServerName::DnsName(name) = server_name
            && facts.common_name.as_deref().is_some_and(|known| same_name(known, name.as_ref()))
        {
            // Webpki has checked the chain before the name; OpenSSL takes the common name where there is no other.
            return Ok(ServerCertVerified::assertion());
        }
        if facts.is_some_and(|facts| facts.self_signed) && !is_about_name_or_time(&error) {
            return Err(rustls::Error::General(SELF_SIGNED.into()));
        }
        Err(error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

const SELF_SIGNED: &str = "self-signed certificate";

fn is_about_name(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Whether a name of a certificate, perhaps with a star for its first part, is that of a host.
fn same_name(known: &str, host: &str) -> bool {
    let (known, host) = (known.to_ascii_lowercase(), host.to_ascii_lowercase());
    match (known.strip_prefix("*."), host.split_once('.')) {
        (Some(rest), Some((_, domain))) => rest == domain,
        _ => known == host,
    }
}

fn is_about_name_or_time(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
                | CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// What OpenSSL would say of a failed handshake, in Python 3.11.
fn handshake(error: &io::Error, host: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(inner) = inner else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:992)".into()
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                "_ssl.c:975: The handshake operation timed out".into()
            }
            _ => words(error),
        };
    };
    let address = host.parse::<std::net::IpAddr>().is_ok();
    let why = match inner {
        rustls::Error::General(text) => text.clone(),
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "certificate has expired".into()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate is not yet valid".into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let what = if address { "IP address" } else { "Hostname" };
                format!("{what} mismatch, certificate is not valid for '{host}'.")
            }
            CertificateError::BadSignature => "certificate signature failure".into(),
            _ => "unable to get local issuer certificate".into(),
        },
        rustls::Error::InvalidMessage(_) => {
            return "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)".into();
        }
        rustls::Error::AlertReceived(alert) => return alert_text(*alert, "992"),
        other => return format!("[SSL] {other} (_ssl.c:992)"),
    };
    format!("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {why} (_ssl.c:992)")
}

/// What OpenSSL would say of an alert that the server sent instead of an answer.
pub(super) fn alert(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(alert_text(*alert, "2546")),
        _ => None,
    }
}

/// `[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2546)`
fn alert_text(alert: AlertDescription, line: &str) -> String {
    let mut words = String::new();
    for char in format!("{alert:?}").chars() {
        if char.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(char.to_ascii_lowercase());
    }
    let family = match alert {
        AlertDescription::CertificateRequired | AlertDescription::MissingExtension => "tlsv13",
        AlertDescription::HandshakeFailure
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnexpectedMessage => "sslv3",
        _ => "tlsv1",
    };
    let reason = format!("{family} alert {words}");
    let code = reason.to_ascii_uppercase().replace(' ', "_");
    format!("[SSL: {code}] {reason} (_ssl.c:{line})")
}

/// What is read of a certificate besides webpki's judgement.
struct Facts {
    self_signed: bool,
    /// Whether it has the list of names that browsers look at.
    has_names: bool,
    common_name: Option<String>,
    /// Seconds since 1970.
    until: i64,
}

impl Facts {
    fn of(certificate: &[u8]) -> Option<Facts> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        let (tag, _, after) = element(rest)?;
        // The version may be left out.
        if tag == 0xa0 {
            rest = after;
        }
        let (.., rest) = element(rest)?;
        let (.., rest) = element(rest)?;
        let (_, issuer, rest) = element(rest)?;
        let (_, validity, rest) = element(rest)?;
        let (_, subject, _) = element(rest)?;
        let (.., until) = element(validity)?;
        let (tag, until, _) = element(until)?;
        Some(Facts {
            self_signed: issuer == subject,
            has_names: certificate.windows(NAMES.len()).any(|window| window == NAMES),
            common_name: common_name(subject),
            until: time(tag, until)?,
        })
    }
}

/// The identifiers of the list of names, and of the common name.
const NAMES: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x11];
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];

fn common_name(subject: &[u8]) -> Option<String> {
    let at = subject.windows(COMMON_NAME.len()).rposition(|window| window == COMMON_NAME)?;
    let (_, text, _) = element(&subject[at + COMMON_NAME.len()..])?;
    String::from_utf8(text.to_vec()).ok()
}

/// The first element of DER: tag, content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0usize, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// `YYMMDDhhmmssZ`, or with a year of four digits.
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = text.split_at_checked(if tag == 0x17 { 2 } else { 4 })?;
    let mut year: i64 = year.parse().ok()?;
    if tag == 0x17 {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let number = |at: usize| rest.get(at..at + 2)?.parse::<u32>().ok();
    let days = crate::clock::days_to(year, number(0)?, number(2)?);
    Some(days * 86_400 + i64::from(number(4)? * 3600 + number(6)? * 60 + number(8)?))
}
