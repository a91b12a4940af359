//! Requests for certificates (PKCS#10).

use super::der::{self, BIT_STRING, INTEGER, OID, Reader, SEQUENCE, SET, context};
use super::extension::{self, Extension};
use super::key::{self, Digest, PrivateKey, PublicKey};
use super::name::{self, Attribute};
use super::pem::{self, Pem};
use crate::context::Context;
use crate::data::Map;
use crate::outcome::Failure;

/// The attribute that has the extensions.
const EXTENSIONS: &str = "1.2.840.113549.1.9.14";

/// A request that could be read.
#[derive(Debug, Clone)]
pub struct Request {
    signed: Vec<u8>,
    algorithm: String,
    signature: Vec<u8>,
    /// As it stands there.
    pub subject: Vec<u8>,
    pub subject_parts: Vec<Attribute>,
    pub public: PublicKey,
    pub extensions: Vec<Extension>,
}

impl Request {
    /// Of a PEM file.
    pub fn of_pem(content: &[u8]) -> Option<Request> {
        let der = Pem::of(content, &["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"])?;
        let mut outer = Reader(&der).enter(SEQUENCE)?;
        let signed = outer.next_of(SEQUENCE)?;
        let algorithm = der::oid_text(outer.enter(SEQUENCE)?.next_of(OID)?.body);
        let signature = outer.next_of(BIT_STRING)?.body.get(1..)?.to_vec();
        let mut fields = Reader(signed.body);
        fields.next_of(INTEGER)?;
        let subject = fields.next_of(SEQUENCE)?.whole;
        let public = PublicKey { der: fields.next_of(SEQUENCE)?.whole.to_vec() };
        let mut extensions = Vec::new();
        for attribute in fields.enter(context(0, true)).into_iter().flatten() {
            let mut parts = Reader(attribute.body);
            if der::oid_text(parts.next_of(OID)?.body) == EXTENSIONS {
                extensions = extension::read(parts.enter(SET)?.enter(SEQUENCE)?)?;
            }
        }
        Some(Request {
            signed: signed.whole.to_vec(),
            algorithm,
            signature,
            subject: subject.to_vec(),
            subject_parts: name::read(subject)?,
            public,
            extensions,
        })
    }

    /// A new one, as PEM.
    pub fn sign(
        cx: &mut Context<'_>,
        subject: &[Attribute],
        extensions: &[Extension],
        key: &PrivateKey,
        digest: Option<Digest>,
    ) -> Result<String, Failure> {
        let mut attributes = Vec::new();
        if !extensions.is_empty() {
            let list = der::tlv(SET, &extension::write(extensions));
            attributes = der::of(SEQUENCE, &[der::oid(EXTENSIONS).unwrap_or_default(), list]);
        }
        let fields = [
            der::integer(&[0]),
            name::subject(subject),
            key.public.der.clone(),
            der::tlv(context(0, true), &attributes),
        ];
        let signed = key.sign(cx, digest, |_| der::of(SEQUENCE, &fields))?;
        Ok(pem::pem("CERTIFICATE REQUEST", &signed))
    }

    /// Whether its own key signed it.
    pub fn is_valid(&self, cx: &mut Context<'_>) -> Result<bool, Failure> {
        self.public.verifies(cx, &self.algorithm, &self.signed, &self.signature)
    }

    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        extension::find(&self.extensions, oid)
    }

    /// The name of its key that it gives.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.extension(extension::SUBJECT_KEY_ID).and_then(extension::key_id_of)
    }

    /// What results tell of it.
    pub fn told(&self, cx: &mut Context<'_>, one_fingerprint: bool) -> Result<Map, Failure> {
        let mut map = Map::new();
        let (dict, ordered) = name::told(&self.subject_parts);
        map.insert("subject".into(), dict);
        map.insert("subject_ordered".into(), ordered);
        map.extend(extension::told(&self.extensions, false));
        map.extend(public_key(cx, &self.public, one_fingerprint)?);
        map.insert("signature_valid".into(), self.is_valid(cx)?.into());
        Ok(map)
    }
}

/// What results tell of the key in a request or a certificate.
pub(super) fn public_key(
    cx: &mut Context<'_>,
    key: &PublicKey,
    one_fingerprint: bool,
) -> Result<Map, Failure> {
    let fingerprints = key::fingerprints(cx, &key.der, one_fingerprint)?;
    Ok(Map::from_iter([
        ("public_key".to_owned(), key.pem().into()),
        ("public_key_type".to_owned(), key.kind().into()),
        ("public_key_data".to_owned(), key.data().into()),
        ("public_key_fingerprints".to_owned(), fingerprints.into()),
    ]))
}
