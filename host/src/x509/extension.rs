//! Extensions of requests and certificates.

use super::der::{
    self, BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, context,
};
use super::{colons, general_name, oid};
use crate::data::{Data, Map, base64_encode, whole_number};

pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const ALT_NAME: &str = "2.5.29.17";
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const CRL_POINTS: &str = "2.5.29.31";
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const AUTHORITY_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
pub const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";

/// The uses of a key, by their bits: ansible's name, openssl's.
pub const USAGES: [(&str, &str); 9] = [
    ("Digital Signature", "digitalSignature"),
    ("Non Repudiation", "nonRepudiation"),
    ("Key Encipherment", "keyEncipherment"),
    ("Data Encipherment", "dataEncipherment"),
    ("Key Agreement", "keyAgreement"),
    ("Certificate Sign", "keyCertSign"),
    ("CRL Sign", "cRLSign"),
    ("Encipher Only", "encipherOnly"),
    ("Decipher Only", "decipherOnly"),
];

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub oid: String,
    pub critical: bool,
    /// What it says, as DER.
    pub value: Vec<u8>,
}

impl Extension {
    pub fn new(oid: &str, critical: bool, value: Vec<u8>) -> Extension {
        Extension { oid: oid.to_owned(), critical, value }
    }

    fn write(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(&self.oid).unwrap_or_default()];
        parts.extend(self.critical.then(|| der::tlv(BOOLEAN, &[0xff])));
        parts.push(der::tlv(OCTET_STRING, &self.value));
        der::of(SEQUENCE, &parts)
    }

    /// The values in it, the same ones once and in one order: how ansible compares lists of names and of uses.
    pub fn as_set(&self) -> Vec<Vec<u8>> {
        let values = Reader(&self.value).enter(SEQUENCE).into_iter().flatten();
        let mut all: Vec<Vec<u8>> = values.map(|value| value.whole.to_vec()).collect();
        all.sort();
        all.dedup();
        all
    }
}

/// A list of extensions.
pub(super) fn write(all: &[Extension]) -> Vec<u8> {
    der::of(SEQUENCE, &all.iter().map(Extension::write).collect::<Vec<_>>())
}

/// The extensions of such a list.
pub(super) fn read(list: Reader<'_>) -> Option<Vec<Extension>> {
    list.map(|one| {
        let mut fields = Reader(one.body);
        let oid = der::oid_text(fields.next_of(OID)?.body);
        let critical = fields.next_of(BOOLEAN).is_some_and(|flag| flag.body != [0]);
        Some(Extension { oid, critical, value: fields.next_of(OCTET_STRING)?.body.to_vec() })
    })
    .collect()
}

/// The extension that names the certificate's own key.
pub fn subject_key_id(id: &[u8]) -> Extension {
    Extension::new(SUBJECT_KEY_ID, false, der::tlv(OCTET_STRING, id))
}

/// The extension that names the key of who signed.
pub fn authority_key_id(id: Option<&[u8]>, issuer: &[Vec<u8>], serial: Option<&[u8]>) -> Extension {
    let mut parts = Vec::new();
    parts.extend(id.map(|id| der::tlv(context(0, false), id)));
    if !issuer.is_empty() {
        parts.push(der::of(context(1, true), issuer));
    }
    if let Some(serial) = serial {
        let mut number = der::integer(serial);
        number[0] = context(2, false);
        parts.push(number);
    }
    Extension::new(AUTHORITY_KEY_ID, false, der::of(SEQUENCE, &parts))
}

pub(super) fn find<'e>(all: &'e [Extension], oid: &str) -> Option<&'e Extension> {
    all.iter().find(|extension| extension.oid == oid)
}

/// The key's name in an extension that holds nothing else.
pub(super) fn key_id_of(extension: &Extension) -> Option<&[u8]> {
    Reader(&extension.value).next_of(OCTET_STRING).map(|id| id.body)
}

/// What results tell of extensions; of requests that they limit names, of certificates where to ask about them.
pub(super) fn told(all: &[Extension], of_certificate: bool) -> Map {
    let mut map = Map::new();
    let mut tell = |name: &str, oid: &str, read: fn(&Extension) -> Option<Data>| {
        let found = find(all, oid);
        map.insert(name.into(), found.and_then(read).unwrap_or_default());
        map.insert(format!("{name}_critical"), found.is_some_and(|found| found.critical).into());
    };
    tell("key_usage", KEY_USAGE, usages);
    tell("extended_key_usage", EXTENDED_KEY_USAGE, purposes);
    tell("basic_constraints", BASIC_CONSTRAINTS, constraints);
    tell("ocsp_must_staple", TLS_FEATURE, staple);
    tell("subject_alt_name", ALT_NAME, |it| names(Reader(&it.value).enter(SEQUENCE)?));
    if of_certificate {
        map.insert("ocsp_uri".into(), access(all, "1.3.6.1.5.5.7.48.1"));
        map.insert("issuer_uri".into(), access(all, "1.3.6.1.5.5.7.48.2"));
    } else {
        let limits = find(all, NAME_CONSTRAINTS);
        let critical = limits.is_some_and(|found| found.critical);
        map.insert("name_constraints_critical".into(), critical.into());
        for (at, name) in
            ["name_constraints_permitted", "name_constraints_excluded"].iter().enumerate()
        {
            let told = limits.map(|limits| subtrees(limits, at as u8).unwrap_or_default());
            map.insert((*name).into(), told.map_or(Data::Null, Data::from));
        }
    }
    let own = find(all, SUBJECT_KEY_ID).and_then(key_id_of).map(colons);
    map.insert("subject_key_identifier".into(), own.map_or(Data::Null, Data::from));
    authority(all, &mut map);
    let by_oid = all.iter().map(|it| {
        let told =
            [("critical", Data::from(it.critical)), ("value", base64_encode(&it.value).into())];
        (it.oid.clone(), told.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map>().into())
    });
    map.insert("extensions_by_oid".into(), by_oid.collect::<Map>().into());
    map
}

fn sorted(mut texts: Vec<String>) -> Data {
    texts.sort();
    texts.into()
}

fn usages(extension: &Extension) -> Option<Data> {
    let body = Reader(&extension.value).next_of(BIT_STRING)?.body.get(1..)?;
    let set = |at: usize| body.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    // The last two say something only of agreements.
    let told = (0..USAGES.len()).filter(|at| set(*at) && (*at < 7 || set(4)));
    Some(sorted(told.map(|at| USAGES[at].0.to_owned()).collect()))
}

fn purposes(extension: &Extension) -> Option<Data> {
    let all = Reader(&extension.value).enter(SEQUENCE)?;
    Some(sorted(all.map(|one| oid::name_of(&der::oid_text(one.body))).collect()))
}

fn constraints(extension: &Extension) -> Option<Data> {
    let mut fields = Reader(&extension.value).enter(SEQUENCE)?;
    let authority = fields.next_of(BOOLEAN).is_some_and(|flag| flag.body != [0]);
    let mut told = vec![format!("CA:{}", if authority { "TRUE" } else { "FALSE" })];
    let length = fields.next_of(INTEGER).map(|number| whole_number(number.body));
    told.extend(length.map(|length| format!("pathlen:{length}")));
    Some(sorted(told))
}

/// Whether answers of the authority must come with the certificate.
fn staple(extension: &Extension) -> Option<Data> {
    let mut features = Reader(&extension.value).enter(SEQUENCE)?;
    Some(features.any(|feature| feature.tag == INTEGER && feature.body == [5]).into())
}

fn names(list: Reader<'_>) -> Option<Data> {
    list.map(|name| general_name::read(name).map(Data::from))
        .collect::<Option<Vec<_>>>()
        .map(Data::from)
}

fn subtrees(extension: &Extension, which: u8) -> Option<Vec<Data>> {
    let mut fields = Reader(&extension.value).enter(SEQUENCE)?;
    let list = fields.find(|field| field.tag == context(which, true))?;
    let bases = Reader(list.body).map(|tree| Reader(tree.body).next().and_then(general_name::read));
    Some(bases.flatten().map(Data::from).collect())
}

fn authority(all: &[Extension], map: &mut Map) {
    let fields = find(all, AUTHORITY_KEY_ID).and_then(|it| Reader(&it.value).enter(SEQUENCE));
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    let field = |tag: u8| fields.iter().find(|field| field.tag == tag);
    let id = field(context(0, false)).map(|id| colons(id.body));
    map.insert("authority_key_identifier".into(), id.map_or(Data::Null, Data::from));
    let issuer = field(context(1, true)).and_then(|issuer| names(Reader(issuer.body)));
    map.insert("authority_cert_issuer".into(), issuer.unwrap_or_default());
    let serial = field(context(2, false)).map(|serial| whole_number(serial.body));
    map.insert("authority_cert_serial_number".into(), serial.unwrap_or_default());
}

/// The address of a service of the authority.
fn access(all: &[Extension], method: &str) -> Data {
    let services = find(all, AUTHORITY_ACCESS).and_then(|it| Reader(&it.value).enter(SEQUENCE));
    let found = services.into_iter().flatten().find_map(|service| {
        let mut fields = Reader(service.body);
        let its = der::oid_text(fields.next_of(OID)?.body) == method;
        fields.next_of(context(6, false)).filter(|_| its)
    });
    found.map_or(Data::Null, |found| String::from_utf8_lossy(found.body).into())
}
