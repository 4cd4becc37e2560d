//! Lists, sorted and cut into pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};

use super::{invalid, text};
use crate::core::wire::Answer;

/// The size of a page when nobody says another: the API model's documentation of `MaxResults`.
const USUAL: usize = 10;

/// One row: what it is sorted by, which must be different for every row, and what is shown.
type Row = (String, Json);

/// Sorts by a moment first and a key second.
pub fn by_time(milliseconds: i64, key: &str) -> String {
    format!("{milliseconds:015} {key}")
}

/// The page of `rows` that the request asks for, as an answer whose list is called `member`.
///
/// A token is the last row's place in the order, so that rows that come or go between two pages move no other.
pub fn page(input: &Json, mut rows: Vec<Row>, member: &str, usually_descending: bool) -> Answer {
    let descending = text(input, "SortOrder").map_or(usually_descending, |order| order == "Descending");
    rows.sort_by(|(left, _), (right, _)| if descending { right.cmp(left) } else { left.cmp(right) });
    if let Some(token) = text(input, "NextToken") {
        let after = decode(token).ok_or_else(|| invalid("Invalid NextToken"))?;
        rows.retain(|(place, _)| if descending { *place < after } else { *place > after });
    }
    let size =
        input.get("MaxResults").and_then(Json::as_u64).map_or(USUAL, |size| usize::try_from(size).unwrap_or(USUAL));
    let rest = rows.split_off(size.min(rows.len()));
    let token = rows.last().filter(|_| !rest.is_empty()).map(|(place, _)| URL_SAFE_NO_PAD.encode(place));
    let items: Vec<Json> = rows.into_iter().map(|(_, item)| item).collect();
    let mut answer = json!({ member: items });
    if let Some(token) = token {
        answer["NextToken"] = token.into();
    }
    Ok(answer)
}

fn decode(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        (1..=23).map(|n| (by_time(n / 5, &format!("{n:02}")), json!(n))).collect()
    }

    #[test]
    fn pages_join_up_in_either_order() {
        for (request, pages) in [
            (json!({}), 3),
            (json!({"MaxResults": 4}), 6),
            (json!({"MaxResults": 23}), 1),
            (json!({"SortOrder": "Descending"}), 3),
        ] {
            let mut request = request;
            let mut seen = Vec::new();
            let mut count = 0;
            loop {
                let answer = page(&request, rows(), "Things", false).unwrap();
                seen.extend(answer["Things"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()));
                count += 1;
                let Some(token) = text(&answer, "NextToken") else { break };
                request["NextToken"] = json!(token);
            }
            let mut expected: Vec<i64> = (1..=23).collect();
            if request.get("SortOrder").is_some() {
                expected.reverse();
            }
            assert_eq!((seen, count), (expected, pages));
        }
    }

    #[test]
    fn a_made_up_token_is_refused() {
        let refusal = page(&json!({"NextToken": "?"}), rows(), "Things", false).unwrap_err();
        assert_eq!(refusal.code, "ValidationException");
    }
}
