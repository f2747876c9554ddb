//! Finds where JSON values end, without parsing them.
//!
//! [`Splitter`] follows brackets and strings byte by byte and says where a value ends. It accepts anything: what is
//! between the borders may be broken, and decoding will say so.

/// Follows one JSON value.
#[derive(Clone, Debug, Default)]
pub(super) struct Splitter {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// A number, `true`, `null` or garbage at depth 0: it ends before the byte that cannot be part of it.
    in_scalar: bool,
}

impl Splitter {
    /// Follows the rest of an object whose opening bracket was read already.
    pub(super) fn inside_object() -> Self {
        Self { depth: 1, ..Self::default() }
    }

    /// Reads on. Returns how many of `bytes` belong to the value if it ends in them, `None` if all do.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at += self.skip_string(&bytes[at..]);
                if !self.in_string && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            let byte = bytes[at];
            if self.in_scalar && is_delimiter(byte) {
                return Some(at);
            }
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
                _ if self.depth == 0 => self.in_scalar = true,
                _ => {}
            }
        }
        None
    }

    /// Skips to behind the closing quote, or over all bytes when there is none.
    fn skip_string(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        if self.escaped && !bytes.is_empty() {
            self.escaped = false;
            at = 1;
        }
        while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
            at += found + 1;
            if bytes[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == bytes.len() {
                self.escaped = true;
                return at;
            }
            at += 1;
        }
        bytes.len()
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}' | b'"')
}

#[cfg(test)]
mod tests {
    use super::Splitter;

    /// The value ends at `|`; without one it does not end.
    const ROWS: &[&str] = &[
        r#"{}| {"#,
        r#"{"a": [1, {"b": "}"}]}|,"#,
        r#"{"a": "\"}"}|"#,
        r#"{"a": "\\"}|}"#,
        r#"{"a": "\\\"]"}|]"#,
        r#"[[], [1]]|]"#,
        r#""text, with"|, more"#,
        "12|, 13",
        "true|\n",
        "null|]",
        r#"{"a": 1"#,
        r#""open"#,
        "12",
        "é|,",
        "}|",
    ];

    #[test]
    fn finds_the_end_however_the_bytes_are_cut() {
        for row in ROWS {
            let expected = row.find('|');
            let bytes: Vec<u8> = row.bytes().filter(|byte| *byte != b'|').collect();
            for cut in 0..=bytes.len() {
                let mut splitter = Splitter::default();
                let end = splitter.end(&bytes[..cut]).or_else(|| splitter.end(&bytes[cut..]).map(|end| cut + end));
                assert_eq!(end, expected, "{row} cut at {cut}");
            }
        }
    }
}
