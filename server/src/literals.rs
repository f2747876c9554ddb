//! The text of a statement without what its author wrote as values: literals may be somebody's data, and logs must not
//! hold it.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Longest text that is kept, in characters.
const KEPT: usize = 4096;

/// The statement with `?` for every literal, without comments, with single spaces.
pub(crate) fn without_literals(sql: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else {
        return "(not SQL)".to_owned();
    };
    let mut text = String::new();
    for token in &tokens {
        match token {
            Token::Whitespace(_) => {
                if !text.is_empty() && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            Token::Word(word) if word.quote_style.is_none() || is_plain(&word.value) => {
                text.push_str(&token.to_string());
            }
            Token::Placeholder(_) => text.push_str(&token.to_string()),
            _ if is_punctuation(token) => text.push_str(&token.to_string()),
            _ => text.push('?'),
        }
    }
    text.truncate(text.char_indices().nth(KEPT).map_or(text.len(), |(at, _)| at));
    text.trim_end().to_owned()
}

/// A quoted name that could be written without quotes but for its case. Any other may be a value in the wrong quotes.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// What has no content: operators, brackets, separators. Whatever kind of literal a dialect has is not among them.
fn is_punctuation(token: &Token) -> bool {
    let text = token.to_string();
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_punctuation() && !b"'\"`".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_gone() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT ?"),
            ("SELECT *\n  FROM upstream('model:a/b', 3)", "SELECT * FROM upstream(?, ?)"),
            (
                "SELECT a::int -- 078-05-1120\nFROM t WHERE b = E'x\\n' AND c >= -1.5e3",
                "SELECT a::int FROM t WHERE b = ? AND c >= -?",
            ),
            ("SELECT \"Name\", \"078-05-1120\" FROM t", "SELECT \"Name\", ? FROM t"),
            ("SELECT $$078-05-1120$$, X'ff', N'x', $1", "SELECT ?, ?, ?, $1"),
            ("SELECT '078-05", "(not SQL)"),
            ("/* 078 */ SELECT 'it''s'", "SELECT ?"),
        ] {
            assert_eq!(without_literals(sql), expected, "{sql}");
        }
        assert_eq!(without_literals(&"x ".repeat(9000)).chars().count(), KEPT - 1);
    }
}
