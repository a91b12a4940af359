//! Certificates.

use super::der::{self, BIT_STRING, INTEGER, OID, Reader, SEQUENCE, context};
use super::extension::{self, Extension};
use super::key::{self, Digest, PrivateKey, PublicKey};
use super::name::{self, Attribute};
use super::pem::{self, Pem};
use super::{oid, request, time};
use crate::context::Context;
use crate::data::{Data, Map, whole_number};
use crate::outcome::Failure;

/// A certificate that could be read.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    algorithm: String,
    signature: Vec<u8>,
    version: u8,
    serial: Vec<u8>,
    pub issuer_parts: Vec<Attribute>,
    /// As it stands there.
    pub subject: Vec<u8>,
    pub subject_parts: Vec<Attribute>,
    /// `20240131235959Z`.
    pub not_before: String,
    pub not_after: String,
    pub public: PublicKey,
    pub extensions: Vec<Extension>,
}

/// What a new certificate says.
pub struct New<'a> {
    pub subject: &'a [u8],
    pub issuer: &'a [u8],
    /// Twenty bytes at most.
    pub serial: &'a [u8],
    pub not_before: &'a str,
    pub not_after: &'a str,
    pub public: &'a PublicKey,
    pub extensions: &'a [Extension],
}

impl Certificate {
    /// Of a PEM file.
    pub fn of_pem(content: &[u8]) -> Option<Certificate> {
        let labels = ["CERTIFICATE", "X509 CERTIFICATE"];
        Certificate::of_der(&Pem::of(content, &labels)?)
    }

    /// Of its bytes.
    pub fn of_der(der: &[u8]) -> Option<Certificate> {
        let whole = Reader(der).next_of(SEQUENCE)?;
        let mut outer = Reader(whole.body);
        let signed = outer.next_of(SEQUENCE)?;
        let algorithm = der::oid_text(outer.enter(SEQUENCE)?.next_of(OID)?.body);
        let signature = outer.next_of(BIT_STRING)?.body.get(1..)?.to_vec();
        let mut fields = Reader(signed.body);
        let version = fields.enter(context(0, true)).and_then(|mut it| it.next_of(INTEGER));
        let serial = fields.next_of(INTEGER)?.body.to_vec();
        fields.next_of(SEQUENCE)?;
        let issuer = fields.next_of(SEQUENCE)?.whole;
        let mut times = fields.enter(SEQUENCE)?;
        let subject = fields.next_of(SEQUENCE)?.whole;
        let public = PublicKey { der: fields.next_of(SEQUENCE)?.whole.to_vec() };
        let extensions = fields.find(|field| field.tag == context(3, true));
        let extensions = extensions.map(|all| extension::read(Reader(all.body).enter(SEQUENCE)?));
        Some(Certificate {
            der: whole.whole.to_vec(),
            signed: signed.whole.to_vec(),
            algorithm,
            signature,
            version: version.and_then(|version| version.body.last().copied()).unwrap_or(0) + 1,
            serial,
            issuer_parts: name::read(issuer)?,
            subject: subject.to_vec(),
            subject_parts: name::read(subject)?,
            not_before: time::read(times.next()?)?,
            not_after: time::read(times.next()?)?,
            public,
            extensions: extensions.unwrap_or(Some(Vec::new()))?,
        })
    }

    /// A new one, as PEM.
    pub fn sign(
        cx: &mut Context<'_>,
        new: &New<'_>,
        key: &PrivateKey,
        digest: Option<Digest>,
    ) -> Result<String, Failure> {
        let fields = |algorithm: &[u8]| {
            let times = [time::write(new.not_before), time::write(new.not_after)];
            let mut all = vec![
                der::of(context(0, true), &[der::integer(&[2])]),
                der::integer(new.serial),
                algorithm.to_vec(),
                new.issuer.to_vec(),
                der::of(SEQUENCE, &times),
                new.subject.to_vec(),
                new.public.der.clone(),
            ];
            if !new.extensions.is_empty() {
                all.push(der::tlv(context(3, true), &extension::write(new.extensions)));
            }
            der::of(SEQUENCE, &all)
        };
        let signed = key.sign(cx, digest, fields)?;
        Ok(pem::pem("CERTIFICATE", &signed))
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, cx: &mut Context<'_>, key: &PublicKey) -> Result<bool, Failure> {
        key.verifies(cx, &self.algorithm, &self.signed, &self.signature)
    }

    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        extension::find(&self.extensions, oid)
    }

    /// The name of its key that it gives.
    pub fn key_id(&self) -> Option<&[u8]> {
        self.extension(extension::SUBJECT_KEY_ID).and_then(extension::key_id_of)
    }

    pub fn serial(&self) -> Data {
        whole_number(&self.serial)
    }

    pub fn pem(&self) -> String {
        pem::pem("CERTIFICATE", &self.der)
    }

    /// What results tell of it.
    pub fn told(&self, cx: &mut Context<'_>, one_fingerprint: bool) -> Result<Map, Failure> {
        let mut map = Map::new();
        map.insert("signature_algorithm".into(), oid::name_of(&self.algorithm).into());
        for (which, parts) in [("subject", &self.subject_parts), ("issuer", &self.issuer_parts)] {
            let (dict, ordered) = name::told(parts);
            map.insert(which.into(), dict);
            map.insert(format!("{which}_ordered"), ordered);
        }
        map.insert("version".into(), self.version.into());
        map.extend(extension::told(&self.extensions, true));
        map.insert("not_before".into(), self.not_before.as_str().into());
        map.insert("not_after".into(), self.not_after.as_str().into());
        let end = time::seconds_of(&self.not_after).unwrap_or(i64::MAX);
        map.insert("expired".into(), (end < cx.target.now().secs).into());
        map.extend(request::public_key(cx, &self.public, one_fingerprint)?);
        let fingerprints = key::fingerprints(cx, &self.der, one_fingerprint)?;
        map.insert("fingerprints".into(), fingerprints.into());
        map.insert("serial_number".into(), self.serial());
        Ok(map)
    }
}
