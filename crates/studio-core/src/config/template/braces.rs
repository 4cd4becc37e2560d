//! Double braces in text: the pairs of them, and the text outside.

/// A pair of balanced double braces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    /// The byte at which it begins.
    pub(super) start: usize,
    /// The byte behind it.
    pub(super) end: usize,
    /// Its depth of nesting, itself included.
    pub(super) depth: usize,
}

/// The outermost pairs of balanced double braces, in one pass; braces that are never closed are text.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    let bytes = text.as_bytes();
    let (mut open, mut found, mut at) = (Vec::new(), Vec::<Pair>::new(), 0);
    while let Some(two) = bytes.get(at..at + 2) {
        match two {
            b"{{" => open.push(at),
            b"}}" => {
                if let Some(start) = open.pop() {
                    let mut depth = 1;
                    // Those found since this one was opened stand in it.
                    while let Some(inner) = found.pop_if(|pair| pair.start > start) {
                        depth = depth.max(inner.depth + 1);
                    }
                    found.push(Pair { start, end: at + 2, depth });
                }
            }
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    found
}

/// The text outside of balanced double braces.
pub(super) fn outside(text: &str) -> String {
    let (mut rest, mut from) = (String::new(), 0);
    for Pair { start, end, .. } in pairs(text) {
        rest.push_str(&text[from..start]);
        from = end;
    }
    rest + &text[from..]
}
