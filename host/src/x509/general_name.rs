//! Names that certificates are for: hosts, addresses, mail boxes, …

use std::net::IpAddr;

use super::der::{self, OID, Reader, Tlv, UTF8, context};
use super::{colons, name};
use crate::outcome::Failure;

const DNS: u8 = context(2, false);
const EMAIL: u8 = context(1, false);
const DIRECTORY: u8 = context(4, true);
const URI: u8 = context(6, false);
const IP: u8 = context(7, false);
const REGISTERED: u8 = context(8, false);
const OTHER: u8 = context(0, true);

/// A name as a person writes it (`DNS:example.com`); `what` names it in messages.
pub fn write(text: &str, what: &str) -> Result<Vec<u8>, Failure> {
    let failed = |why: String| Failure::new(format!("Cannot parse {what} \"{text}\": {why}"));
    let Some((kind, value)) = text.split_once(':') else {
        let msg = format!("Cannot parse {what} \"{text}\" (forgot \"DNS:\" prefix?)");
        return Err(Failure::new(msg));
    };
    let ascii = |tag: u8| match value.is_ascii() {
        true => Ok(der::tlv(tag, value.as_bytes())),
        false => Err(failed("names of domains must be written in ASCII (xn--…)".into())),
    };
    match kind {
        "DNS" => ascii(DNS),
        "email" => ascii(EMAIL),
        "URI" => ascii(URI),
        "IP" => address(value).map(|bytes| der::tlv(IP, &bytes)).map_err(failed),
        "RID" => match der::oid(value).and_then(|oid| oid.get(2..).map(<[u8]>::to_vec)) {
            Some(body) => Ok(der::tlv(REGISTERED, &body)),
            None => Err(failed(format!("Cannot parse {what} \"{text}\""))),
        },
        // Without its kind, as ansible shows it.
        "otherName" => other(value, what)
            .map_err(|why| Failure::new(format!("Cannot parse {what} \"{value}\": {why}"))),
        "dirName" => {
            let mut parts = name::parse(value).map_err(|why| failed(why.msg))?;
            parts.reverse();
            Ok(der::tlv(DIRECTORY, &name::subject(&parts)))
        }
        _ => Err(Failure::new(format!(
            "Cannot parse {what} \"{text}\" (potentially unsupported by cryptography backend)"
        ))),
    }
}

/// The bytes of an address, or of a network and its mask.
fn address(text: &str) -> Result<Vec<u8>, String> {
    let bytes = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let unknown = |kind: &str| {
        let quoted = crate::python::repr_str(text);
        format!("{quoted} does not appear to be an IPv4 or IPv6 {kind}")
    };
    let Some((address, length)) = text.split_once('/') else {
        return text.parse().map(bytes).map_err(|_| unknown("address"));
    };
    let address = address.parse().map(bytes).map_err(|_| unknown("network"))?;
    let mask = match (length.parse::<usize>(), length.parse()) {
        (Ok(length), _) if length <= 8 * address.len() => (0..address.len())
            .map(|at| !(0xff_u16 >> length.saturating_sub(8 * at).min(8)) as u8)
            .collect(),
        (_, Ok(mask)) => bytes(mask),
        _ => return Err(unknown("network")),
    };
    if mask.len() != address.len() {
        return Err(unknown("network"));
    }
    if address.iter().zip(&mask).any(|(byte, mask)| byte & !mask != 0) {
        return Err(format!("{text} has host bits set"));
    }
    Ok([address, mask].concat())
}

/// `OID;HEX` with colons, or `OID;UTF8:TEXT`.
fn other(text: &str, what: &str) -> Result<Vec<u8>, String> {
    let Some((oid, value)) = text.split_once(';') else {
        return Err(format!(
            "Cannot parse {what} otherName \"{text}\", must be in the format \
             \"otherName:<OID>;<ASN.1 OpenSSL Encoded String>\" or \"otherName:<OID>;<hex string>\""
        ));
    };
    let oid = der::oid(oid).ok_or_else(|| format!("{oid} is no object identifier"))?;
    let hex: Option<Vec<u8>> = value
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() <= 2))
        .collect();
    let value = match (hex, value.split_once(':')) {
        (Some(bytes), _) => bytes,
        (None, Some(("UTF8", text))) => der::tlv(UTF8, text.as_bytes()),
        (None, Some((kind, _))) if kind.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            return Err(format!(
                "The ASN.1 serialized string is not a known type \"{kind}\", only UTF8 types are supported"
            ));
        }
        _ => {
            let form = "The ASN.1 serialized string must be in the format [modifier,]type[:value]";
            return Err(form.into());
        }
    };
    Ok(der::of(OTHER, &[oid, der::tlv(context(0, true), &value)]))
}

/// A name as a person writes it; `None` for kinds that nobody knows.
pub(super) fn read(tlv: Tlv<'_>) -> Option<String> {
    let text = String::from_utf8_lossy(tlv.body);
    Some(match tlv.tag {
        DNS => format!("DNS:{text}"),
        EMAIL => format!("email:{text}"),
        URI => format!("URI:{text}"),
        IP => format!("IP:{}", shown(tlv.body)?),
        REGISTERED => format!("RID:{}", der::oid_text(tlv.body)),
        DIRECTORY => format!("dirName:{}", name::line(&name::read(tlv.body)?)),
        OTHER => {
            let mut fields = Reader(tlv.body);
            let oid = der::oid_text(fields.next_of(OID)?.body);
            format!("otherName:{oid};{}", colons(fields.next_of(context(0, true))?.body))
        }
        _ => return None,
    })
}

fn shown(bytes: &[u8]) -> Option<String> {
    let address = |bytes: &[u8]| match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    };
    if let Some(address) = address(bytes) {
        return Some(address.to_string());
    }
    let (network, mask) = bytes.split_at(bytes.len() / 2);
    let length: u32 = mask.iter().map(|byte| byte.leading_ones()).sum();
    Some(format!("{}/{length}", address(network)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(text: &str) -> Result<String, String> {
        let written = write(text, "x").map_err(|failure| failure.msg)?;
        let read = Reader(&written).next().and_then(read);
        Ok(read.unwrap_or_default())
    }

    #[test]
    fn names() {
        for text in [
            "DNS:*.example.com",
            "IP:192.0.2.1",
            "IP:2001:db8::1",
            "IP:192.0.2.0/26",
            "IP:2001:db8::/33",
            "email:a@b",
            "URI:https://a/b",
            "RID:1.2.3",
            "otherName:1.2.3;0c:01:61",
            "dirName:O=x,CN=y",
        ] {
            assert_eq!(both_ways(text).as_deref(), Ok(text));
        }
        assert_eq!(both_ways("otherName:1.2.3;UTF8:a").as_deref(), Ok("otherName:1.2.3;0c:01:61"));
        assert_eq!(both_ways("IP:10.0.0.0/255.0.0.0").as_deref(), Ok("IP:10.0.0.0/8"));
        for (text, why) in [
            ("host", "Cannot parse x \"host\" (forgot \"DNS:\" prefix?)"),
            (
                "IP:1.2",
                "Cannot parse x \"IP:1.2\": '1.2' does not appear to be an IPv4 or IPv6 address",
            ),
            ("IP:1.2.3.4/8", "Cannot parse x \"IP:1.2.3.4/8\": 1.2.3.4/8 has host bits set"),
            (
                "otherName:1.2;X:y",
                "Cannot parse x \"1.2;X:y\": The ASN.1 serialized string is not a known type \"X\", only UTF8 types are supported",
            ),
            ("X:1", "Cannot parse x \"X:1\" (potentially unsupported by cryptography backend)"),
        ] {
            assert_eq!(both_ways(text).err().as_deref(), Some(why));
        }
    }
}
