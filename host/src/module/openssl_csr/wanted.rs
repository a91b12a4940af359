//! What a request shall ask for.

use crate::data::{Data, Map};
use crate::module::{Args, Failure};
use crate::python;
use crate::x509::extension::{self, Extension, USAGES};
use crate::x509::{Attribute, PublicKey, Request, der, general_name, key_id, oid, relative};

/// The name, and everything that is asked for.
pub struct Wanted {
    pub subject: Vec<Attribute>,
    /// Kinds and texts as they were given.
    pub written_subject: Data,
    ordered: bool,
    /// `subject_alt_name`, or the common name in its place.
    pub alt_names: Data,
    pub extensions: Extensions,
}

/// All extensions; those that depend on the key are made when it is there.
pub struct Extensions {
    /// Before and after the key's name.
    before: Vec<Extension>,
    after: Vec<Extension>,
    key_id: KeyId,
}

enum KeyId {
    None,
    OfKey,
    Given(Vec<u8>),
}

impl Wanted {
    pub fn of(args: &Args) -> Result<Wanted, Failure> {
        if args.bool("create_subject_key_identifier") && args.is_given("subject_key_identifier") {
            let msg = "subject_key_identifier cannot be specified if create_subject_key_identifier is true";
            return Err(Failure::new(msg));
        }
        let ordered = args.list("subject_ordered").is_some_and(|list| !list.is_empty());
        let pairs = pairs(args)?;
        let mut names: Vec<String> = args.strings("subject_alt_name");
        let mut alt_names = args.get("subject_alt_name").cloned().unwrap_or_default();
        let common = pairs.iter().find(|(kind, _)| kind == "CN" || kind == "commonName");
        if let Some((_, name)) = common.filter(|_| names.is_empty())
            && args.bool("use_common_name_for_san")
        {
            names = vec![format!("DNS:{name}")];
            alt_names = names.clone().into();
        }
        let written: Vec<Data> =
            pairs.iter().map(|(kind, text)| vec![kind.as_str(), text.as_str()].into()).collect();
        let subject: Result<_, _> =
            pairs.iter().map(|(kind, text)| Attribute::named(kind, text)).collect();
        Ok(Wanted {
            subject: if args.req("state") == "absent" { Vec::new() } else { subject? },
            written_subject: written.into(),
            ordered,
            alt_names,
            extensions: extensions(args, &names)?,
        })
    }

    pub fn is_subject(&self, found: &[Attribute]) -> bool {
        let set = |parts: &[Attribute]| {
            let mut parts = parts.to_vec();
            parts.sort();
            parts.dedup();
            parts
        };
        if self.ordered { self.subject == found } else { set(&self.subject) == set(found) }
    }
}

impl Extensions {
    /// All of them, for this key.
    pub fn all(&self, key: &PublicKey) -> Vec<Extension> {
        let id = match &self.key_id {
            KeyId::None => None,
            KeyId::OfKey => Some(extension::subject_key_id(&key_id(key))),
            KeyId::Given(id) => Some(extension::subject_key_id(id)),
        };
        self.before.iter().cloned().chain(id).chain(self.after.iter().cloned()).collect()
    }

    /// Whether a request asks for the same; other extensions than those that can be asked for don't count.
    pub fn are_in(&self, request: &Request, key: &PublicKey) -> bool {
        let wanted = self.all(key);
        let sets = [extension::ALT_NAME, extension::EXTENDED_KEY_USAGE];
        let others = [
            extension::KEY_USAGE,
            extension::BASIC_CONSTRAINTS,
            extension::TLS_FEATURE,
            extension::NAME_CONSTRAINTS,
            extension::SUBJECT_KEY_ID,
            extension::AUTHORITY_KEY_ID,
            extension::CRL_POINTS,
        ];
        sets.into_iter().chain(others).all(|oid| {
            let wanted = wanted.iter().find(|extension| extension.oid == oid);
            match (wanted, request.extension(oid)) {
                (None, None) => true,
                (Some(wanted), Some(found)) if sets.contains(&oid) => {
                    wanted.critical == found.critical && wanted.as_set() == found.as_set()
                }
                (wanted, found) => wanted == found,
            }
        })
    }
}

/// Kinds and texts of the subject.
fn pairs(args: &Args) -> Result<Vec<(String, String)>, Failure> {
    let options = [
        ("C", "country_name"),
        ("ST", "state_or_province_name"),
        ("L", "locality_name"),
        ("O", "organization_name"),
        ("OU", "organizational_unit_name"),
        ("CN", "common_name"),
        ("emailAddress", "email_address"),
    ];
    let given = options.iter().filter_map(|(kind, option)| Some((*kind, args.str(option)?)));
    let mut pairs: Vec<(String, String)> = given
        .filter(|(_, text)| !text.is_empty())
        .map(|(kind, text)| (kind.to_owned(), text.to_owned()))
        .collect();
    for (kind, value) in args.dict("subject").into_iter().flatten() {
        part(&mut pairs, kind, value, "subject")?;
    }
    let ordered = args.list("subject_ordered").unwrap_or_default();
    if !ordered.is_empty() && !pairs.is_empty() {
        return Err(Failure::new(
            "subject_ordered cannot be combined with any other subject field",
        ));
    }
    for (at, entry) in ordered.iter().enumerate() {
        let one = entry.as_object().map(Map::iter).into_iter().flatten().collect::<Vec<_>>();
        let [(kind, value)] = one[..] else {
            return Err(Failure::new(format!(
                "Entry #{} in subject_ordered must be a dictionary with exactly one key-value pair",
                at + 1
            )));
        };
        part(&mut pairs, kind, value, "subject_ordered").map_err(|failure| {
            match failure.raised() {
                Some(why) if why != "'name'" => {
                    let which =
                        format!("Error while processing entry #{} in subject_ordered", at + 1);
                    Failure::new(format!("{which}: {why}"))
                }
                _ => failure,
            }
        })?;
    }
    Ok(pairs)
}

/// One kind with its text, or its texts. What is no text is a TypeError in Python, which nobody catches.
fn part(
    pairs: &mut Vec<(String, String)>,
    kind: &str,
    value: &Data,
    option: &str,
) -> Result<(), Failure> {
    let shown = format!("{kind} in {option}");
    let crash = |msg: String| Err(Failure::crash("TypeError", msg));
    // What ansible wants to say of it has a mistake.
    let empty = || Err(Failure::crash("KeyError", "'name'"));
    match value {
        Data::String(text) if text.is_empty() => empty(),
        Data::String(text) => {
            pairs.push((kind.to_owned(), text.clone()));
            Ok(())
        }
        Data::Array(texts) => texts.iter().try_for_each(|text| match text.as_str() {
            None => crash(format!("Values {shown} must be strings")),
            Some("") => empty(),
            Some(text) => {
                pairs.push((kind.to_owned(), text.to_owned()));
                Ok(())
            }
        }),
        _ => crash(format!("Value for {shown} must be either a string or a list of strings")),
    }
}

fn extensions(args: &Args, alt_names: &[String]) -> Result<Extensions, Failure> {
    let hex = |option: &str| match args.str(option) {
        None => Ok(None),
        Some(text) => bytes(&text.replace(':', ""))
            .map(Some)
            .map_err(|why| Failure::new(format!("Cannot parse {option}: {why}"))),
    };
    let key_id = match hex("subject_key_identifier")? {
        Some(id) => KeyId::Given(id),
        None if args.bool("create_subject_key_identifier") => KeyId::OfKey,
        None => KeyId::None,
    };
    let authority = hex("authority_key_identifier")?;
    if args.req("state") == "absent" {
        return Ok(Extensions { before: Vec::new(), after: Vec::new(), key_id });
    }
    let mut before = Vec::new();
    let mut add = |oid: &str, critical: &str, value: Option<Vec<u8>>| {
        before.extend(value.map(|value| Extension::new(oid, args.bool(critical), value)));
    };
    let names = names(alt_names, "Subject Alternative Name")?;
    let names = (!names.is_empty()).then(|| der::of(der::SEQUENCE, &names));
    add(extension::ALT_NAME, "subject_alt_name_critical", names);
    add(extension::KEY_USAGE, "key_usage_critical", usages(&args.strings("key_usage"))?);
    let purposes = purposes(&args.strings("extended_key_usage"))?;
    add(extension::EXTENDED_KEY_USAGE, "extended_key_usage_critical", purposes);
    let limits = constraints(&args.strings("basic_constraints"))?;
    add(extension::BASIC_CONSTRAINTS, "basic_constraints_critical", limits);
    let staple = args.bool("ocsp_must_staple");
    let staple = staple.then(|| der::of(der::SEQUENCE, &[der::integer(&[5])]));
    add(extension::TLS_FEATURE, "ocsp_must_staple_critical", staple);
    add(extension::NAME_CONSTRAINTS, "name_constraints_critical", name_limits(args)?);
    Ok(Extensions { before, after: authority_and_points(args, authority)?, key_id })
}

fn bytes(hex: &str) -> Result<Vec<u8>, &'static str> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return Err("Odd-length string");
    }
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16);
    (0..hex.len())
        .step_by(2)
        .map(byte)
        .collect::<Result<_, _>>()
        .map_err(|_| "Non-hexadecimal digit found")
}

fn names(texts: &[String], what: &str) -> Result<Vec<Vec<u8>>, Failure> {
    texts.iter().map(|text| general_name::write(text, what)).collect()
}

fn usages(wanted: &[String]) -> Result<Option<Vec<u8>>, Failure> {
    let mut bits = 0u16;
    for usage in wanted {
        let at = USAGES.iter().position(|(name, short)| usage == name || usage == short);
        let at = at.ok_or_else(|| Failure::new(format!("Unknown key usage \"{usage}\"")))?;
        bits |= 0x8000 >> at;
    }
    if bits & 0x0180 != 0 && bits & 0x0800 == 0 {
        let why = "encipher_only and decipher_only can only be true when key_agreement is true";
        return Err(Failure::crash("ValueError", why));
    }
    Ok((!wanted.is_empty()).then(|| bit_string(bits)))
}

/// Bits from the highest on, without zeros at the end.
fn bit_string(bits: u16) -> Vec<u8> {
    let length = 16 - bits.trailing_zeros().min(16) as usize;
    let bytes = &bits.to_be_bytes()[..length.div_ceil(8)];
    let unused = (8 * bytes.len() - length) as u8;
    der::tlv(der::BIT_STRING, &[&[unused], bytes].concat())
}

fn purposes(wanted: &[String]) -> Result<Option<Vec<u8>>, Failure> {
    let oids = wanted.iter().map(|name| {
        let oid = oid::of_name(name).and_then(|oid| der::oid(&oid));
        oid.ok_or_else(|| Failure::new(format!("Cannot find OID for \"{name}\"")))
    });
    let oids: Vec<_> = oids.collect::<Result<_, _>>()?;
    Ok((!oids.is_empty()).then(|| der::of(der::SEQUENCE, &oids)))
}

fn constraints(wanted: &[String]) -> Result<Option<Vec<u8>>, Failure> {
    let (mut authority, mut length) = (false, None);
    for limit in wanted {
        match (limit.strip_prefix("CA:"), limit.strip_prefix("pathlen:")) {
            (Some("TRUE"), _) => authority = true,
            (Some("FALSE"), _) => authority = false,
            (Some(other), _) => {
                let msg = format!("Unknown basic constraint value \"{other}\" for CA");
                return Err(Failure::new(msg));
            }
            (_, Some(number)) => {
                let parsed = python::parse_int(number.trim(), 10).ok_or_else(|| {
                    let quoted = python::repr_str(number);
                    let why = format!("invalid literal for int() with base 10: {quoted}");
                    Failure::new(format!(
                        "Cannot parse path length constraint \"{number}\" ({why})"
                    ))
                })?;
                length = Some(parsed);
            }
            _ => return Err(Failure::new(format!("Unknown basic constraint \"{limit}\""))),
        }
    }
    let crash = |why: &str| Err(Failure::crash("TypeError", why));
    let mut parts = Vec::new();
    parts.extend(authority.then(|| der::tlv(der::BOOLEAN, &[0xff])));
    match length {
        Some(_) if !authority => {
            return Err(Failure::crash("ValueError", "path_length must be None when ca is False"));
        }
        Some(negative) if negative < 0 => {
            return crash("path_length must be a non-negative integer or None");
        }
        Some(length) => parts.push(der::integer(&length.to_be_bytes())),
        None => {}
    }
    Ok((!wanted.is_empty()).then(|| der::of(der::SEQUENCE, &parts)))
}

fn name_limits(args: &Args) -> Result<Option<Vec<u8>>, Failure> {
    let mut parts = Vec::new();
    for (at, which) in ["permitted", "excluded"].into_iter().enumerate() {
        let texts = args.strings(&format!("name_constraints_{which}"));
        let names = names(&texts, &format!("name constraints {which}"))?;
        let trees: Vec<_> = names.into_iter().map(|name| der::of(der::SEQUENCE, &[name])).collect();
        if !trees.is_empty() {
            parts.push(der::of(der::context(at as u8, true), &trees));
        }
    }
    Ok((!parts.is_empty()).then(|| der::of(der::SEQUENCE, &parts)))
}

fn authority_and_points(args: &Args, id: Option<Vec<u8>>) -> Result<Vec<Extension>, Failure> {
    let mut all = Vec::new();
    let issuer = names(&args.strings("authority_cert_issuer"), "authority cert issuer")?;
    let serial = args.int("authority_cert_serial_number").map(i64::to_be_bytes);
    if id.is_some() || !issuer.is_empty() || serial.is_some() {
        let serial = serial.as_ref().map(<[u8; 8]>::as_slice);
        all.push(extension::authority_key_id(id.as_deref(), &issuer, serial));
    }
    let mut points = Vec::new();
    for (at, point) in args.list("crl_distribution_points").unwrap_or_default().iter().enumerate() {
        points.push(crl_point(point).map_err(|why| {
            let which = format!("Error while parsing CRL distribution point #{at}");
            Failure::new(format!("{which}: {}", why.msg))
        })?);
    }
    if !points.is_empty() {
        let value = der::of(der::SEQUENCE, &points);
        all.push(Extension::new(extension::CRL_POINTS, false, value));
    }
    Ok(all)
}

fn crl_point(point: &Data) -> Result<Vec<u8>, Failure> {
    let texts = |name: &str| match point[name].as_array() {
        Some(list) if list.is_empty() && name != "reasons" => {
            Err(Failure::new(format!("{name} must not be empty")))
        }
        Some(list) => Ok(Some(list.iter().map(python::text).collect::<Vec<_>>())),
        None => Ok(None),
    };
    let mut parts = Vec::new();
    if let Some(full) = texts("full_name")? {
        let full = der::of(der::context(0, true), &names(&full, "full name")?);
        parts.push(der::of(der::context(0, true), &[full]));
    }
    if let Some(below) = texts("relative_name")? {
        let attributes = below.iter().map(|part| {
            relative(part).map(|attribute| attribute.write()).map_err(|why| {
                let msg = format!(
                    "Error while parsing relative distinguished name \"{part}\": {}",
                    why.msg
                );
                Failure::new(msg)
            })
        });
        let mut attributes: Vec<_> = attributes.collect::<Result<_, _>>()?;
        attributes.sort();
        let below = der::of(der::context(1, true), &attributes);
        parts.push(der::of(der::context(0, true), &[below]));
    }
    if let Some(reasons) = texts("reasons")? {
        let known = [
            "key_compromise",
            "ca_compromise",
            "affiliation_changed",
            "superseded",
            "cessation_of_operation",
            "certificate_hold",
            "privilege_withdrawn",
            "aa_compromise",
        ];
        let set = |bits, at: usize| bits | 0x4000u16 >> at;
        let bits = reasons.iter().filter_map(|reason| known.iter().position(|name| name == reason));
        let mut bits = bit_string(bits.fold(0, set));
        bits[0] = der::context(1, false);
        parts.push(bits);
    }
    if let Some(issuer) = texts("crl_issuer")? {
        parts.push(der::of(der::context(2, true), &names(&issuer, "CRL issuer")?));
    }
    Ok(der::of(der::SEQUENCE, &parts))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn bits_and_constraints() {
        assert_eq!(bit_string(0x8000), [3, 2, 7, 0x80]);
        assert_eq!(bit_string(0x0880), [3, 3, 7, 0x08, 0x80]);
        assert_eq!(bit_string(0), [3, 1, 0]);
        let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let authority = constraints(&all(&["CA:TRUE", "pathlen:1"])).unwrap().unwrap();
        assert_eq!(authority, [0x30, 6, 1, 1, 0xff, 2, 1, 1]);
        assert_eq!(constraints(&all(&["CA:FALSE"])).unwrap().unwrap(), [0x30, 0]);
        let failure = constraints(&all(&["CA:MAYBE"])).unwrap_err();
        assert_eq!(failure.msg, "Unknown basic constraint value \"MAYBE\" for CA");
        assert!(usages(&all(&["Encipher Only"])).is_err());
    }
}
