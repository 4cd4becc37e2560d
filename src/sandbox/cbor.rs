//! Smithy's RPC v2 protocol, which newer boto3 speaks to the tagging API (botocore 1.44 does): the JSON protocol's inputs
//! and answers as CBOR (RFC 8949), the operation in the path. Only `serve` meets it; the requests are made into those of
//! the JSON protocol, and the answers back.

use serde_json::{Map, Number, Value as Json};

use super::wire::{Refusal, Request, Response};

/// How deep an input may nest; AWS's nest about ten deep.
const DEEPEST: usize = 64;

/// The header that says which protocol is spoken, and what it says here.
const PROTOCOL: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// Whether a request is one of this protocol.
pub fn speaks(request: &Request) -> bool {
    request.header(PROTOCOL.0) == Some(PROTOCOL.1)
}

/// The same request in the JSON protocol.
///
/// # Errors
/// A path or a body that the protocol does not know.
pub fn understood(mut request: Request) -> Result<Request, Refusal> {
    let malformed = || Refusal::new("SerializationException", "the request is not one of Smithy's RPC v2 protocol");
    // `/service/SERVICE/operation/OPERATION`
    let steps: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let [.., "service", service, "operation", operation] = steps.as_slice() else { return Err(malformed()) };
    let target = format!("{service}.{operation}");
    let input = match request.body.as_slice() {
        [] => Json::Object(Map::new()),
        body => Reader(body).value(0).ok_or_else(malformed)?,
    };
    request.path = "/".into();
    request.body = input.to_string().into_bytes();
    request.headers.insert("x-amz-target".into(), target);
    Ok(request)
}

/// The same answer in this protocol.
pub fn answered(mut response: Response) -> Response {
    let json: Json = serde_json::from_slice(&response.body).unwrap_or_else(|_| Json::Object(Map::new()));
    response.body.clear();
    write(&json, &mut response.body);
    response.headers.retain(|(name, _)| name != "content-type");
    response.with_header("content-type", "application/cbor").with_header(PROTOCOL.0, PROTOCOL.1)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The number behind the low five bits of an initial byte; none for an indefinite length.
    fn argument(&mut self, low: u8) -> Option<Option<u64>> {
        let width = match low {
            0..24 => return Some(Some(u64::from(low))),
            24..28 => 1_usize << (low - 24),
            31 => return Some(None),
            _ => return None,
        };
        Some(Some(self.bytes(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }

    /// Whether an indefinite length ends here.
    fn ends(&mut self) -> bool {
        let ends = self.0.first() == Some(&0xff);
        if ends {
            self.0 = &self.0[1..];
        }
        ends
    }

    /// Items until `count` are read, or until the end of an indefinite length.
    fn items<T>(&mut self, count: Option<u64>, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        loop {
            match count {
                Some(count) if items.len() as u64 == count => return Some(items),
                None if self.ends() => return Some(items),
                _ => items.push(read(self)?),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        let [initial] = self.bytes(1)? else { return None };
        let (major, low) = (initial >> 5, initial & 31);
        if depth > DEEPEST {
            return None;
        }
        if major == 7 {
            return self.simple(low);
        }
        let argument = self.argument(low)?;
        match major {
            0 => Some(argument?.into()),
            1 => Some(i64::try_from(argument?).ok().map(|number| -1 - number)?.into()),
            2 | 3 => {
                let bytes = match argument {
                    Some(length) => self.bytes(usize::try_from(length).ok()?)?.to_vec(),
                    None => {
                        self.items(None, |reader| Some(reader.value(depth + 1)?.as_str()?.to_owned()))?.concat().into()
                    }
                };
                String::from_utf8(bytes).ok().map(Json::String)
            }
            4 => self.items(argument, |reader| reader.value(depth + 1)).map(Json::Array),
            5 => {
                let members = self.items(argument, |reader| {
                    let key = reader.value(depth + 1)?.as_str()?.to_owned();
                    Some((key, reader.value(depth + 1)?))
                });
                members.map(|members| Json::Object(members.into_iter().collect()))
            }
            // A tag says what its value means, such as a time; the JSON protocol knows that from its place.
            _ => self.value(depth + 1),
        }
    }

    fn simple(&mut self, low: u8) -> Option<Json> {
        match low {
            20 | 21 => Some(Json::Bool(low == 21)),
            22 | 23 => Some(Json::Null),
            26 => Number::from_f64(f64::from(f32::from_be_bytes(self.bytes(4)?.try_into().ok()?))).map(Json::Number),
            27 => Number::from_f64(f64::from_be_bytes(self.bytes(8)?.try_into().ok()?)).map(Json::Number),
            _ => None,
        }
    }
}

fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match (u8::try_from(argument), u32::try_from(argument)) {
        (Ok(small @ 0..24), _) => out.push(major | small),
        (_, Ok(number)) => {
            out.push(major | 26);
            out.extend(number.to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(argument.to_be_bytes());
        }
    }
}

fn write(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.push(0xf6),
        Json::Bool(flag) => out.push(0xf4 + u8::from(*flag)),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => head(0, number, out),
            (_, Some(number)) => head(1, number.unsigned_abs() - 1, out),
            _ => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Json::String(text) => {
            head(3, text.len() as u64, out);
            out.extend(text.as_bytes());
        }
        Json::Array(items) => {
            head(4, items.len() as u64, out);
            items.iter().for_each(|item| write(item, out));
        }
        Json::Object(members) => {
            head(5, members.len() as u64, out);
            for (name, member) in members {
                head(3, name.len() as u64, out);
                out.extend(name.as_bytes());
                write(member, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_of_the_rfc_are_read_as_it_says() {
        // RFC 8949, appendix A.
        for (bytes, expected) in [
            (&[0x17][..], Some(json!(23))),
            (&[0x18, 0x18], Some(json!(24))),
            (&[0x19, 0x03, 0xe8], Some(json!(1000))),
            (&[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0], Some(json!(1_000_000_000_000_u64))),
            (&[0x38, 0x63], Some(json!(-100))),
            (&[0xfa, 0x47, 0xc3, 0x50, 0x00], Some(json!(100_000.0))),
            (&[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], Some(json!(1.1))),
            (&[0xf5], Some(json!(true))),
            (&[0xf6], Some(json!(null))),
            (&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0], Some(json!(1_363_896_240))),
            (&[0x62, 0xc3, 0xbc], Some(json!("ü"))),
            (&[0x83, 0x01, 0x82, 0x02, 0x03, 0x80], Some(json!([1, [2, 3], []]))),
            (&[0xa2, 0x61, 0x61, 0x01, 0x61, 0x62, 0x81, 0x02], Some(json!({"a": 1, "b": [2]}))),
            (&[0x7f, 0x65, b's', b't', b'r', b'e', b'a', 0x64, b'm', b'i', b'n', b'g', 0xff], Some(json!("streaming"))),
            (&[0xbf, 0x61, 0x61, 0x9f, 0x01, 0xff, 0xff], Some(json!({"a": [1]}))),
            (&[0x83, 0x01], None),
            (&[0x1c], None),
            (&[0x81; 100], None),
        ] {
            assert_eq!(Reader(bytes).value(0), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let everything =
            json!({"a": [1, -1, 23, 24, 1000, 1.5, u64::MAX, i64::MIN, null, true], "ü": {"": "x".repeat(300)}});
        let mut bytes = Vec::new();
        write(&everything, &mut bytes);
        assert_eq!(Reader(&bytes).value(0), Some(everything));
    }
}
