//! How long a chain of operators a statement may have. Parser, planner and optimiser go down an expression by calling
//! themselves, and one of thousands of terms would use up a thread's stack, which ends the process. Threads get a large
//! stack ([`crate::runtime`]), and statements that could use up even that are refused before they are parsed.

use crate::Error;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// Longest chain. A list after IN is no chain and may be longer.
const LONGEST: usize = 800;

/// Chains within one pair of brackets.
#[derive(Default)]
struct Level {
    /// Operators since the last separator.
    operators: usize,
    /// Tables and queries that are joined to each other.
    joined: usize,
    in_from: bool,
}

/// Refuses a statement that would be too deep to plan.
pub(crate) fn check(sql: &str) -> Result<(), Error> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        // The parser says what is wrong.
        return Ok(());
    };
    let mut levels = vec![Level::default()];
    for token in tokens {
        let is_inside = levels.len() > 1;
        let Some(level) = levels.last_mut() else { break };
        match token {
            Token::LParen | Token::LBracket => levels.push(Level::default()),
            Token::RParen | Token::RBracket if is_inside => drop(levels.pop()),
            Token::SemiColon => *level = Level::default(),
            Token::Comma if level.in_from => level.joined += 1,
            Token::Comma => level.operators = 0,
            Token::Word(word) => level.word(word.keyword),
            Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Period => {}
            _ => level.operators += 1,
        }
        if levels.last().is_some_and(|level| level.operators > LONGEST || level.joined > LONGEST) {
            return Err(Error::Complex(LONGEST));
        }
    }
    Ok(())
}

impl Level {
    fn word(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::WHEN | Keyword::THEN | Keyword::ELSE => self.operators = 0,
            Keyword::SELECT | Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER => {
                (self.operators, self.in_from) = (0, false);
            }
            Keyword::FROM => self.in_from = true,
            Keyword::JOIN | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => self.joined += 1,
            Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::LIKE | Keyword::IS => self.operators += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_end_somewhere_and_lists_do_not() {
        let many = |text: &str, between: &str| vec![text; 5000].join(between);
        for refused in [
            format!("SELECT {}", many("1", " + ")),
            format!("SELECT 1 WHERE {}", many("a = 1", " OR ")),
            format!("SELECT (1 + ({}))", many("'a'", " || ")),
            format!("SELECT 1{}", many("::int", "")),
            format!("SELECT {} true", many("NOT", " ")),
            format!("SELECT * FROM {}", many("t", ", ")),
            format!("SELECT * FROM {}", many("t", " CROSS JOIN ")),
            many("SELECT 1", " UNION ALL "),
        ] {
            assert!(matches!(check(&refused), Err(Error::Complex(_))), "{}", &refused[..60]);
        }
        for taken in [
            format!("SELECT 1 WHERE a IN ({})", many("1", ", ")),
            format!("SELECT 1 WHERE a IN ({})", many("-1", ", ")),
            format!("SELECT {}", many("a + 1", ", ")),
            format!("SELECT CASE {} END", many("WHEN a = 1 THEN 'x'", " ")),
            format!("SELECT 1 WHERE {}", vec!["a = 1"; 300].join(" OR ")),
            "SELECT 'not closed".to_owned(),
            "SELECT 1))))".to_owned(),
        ] {
            assert!(check(&taken).is_ok(), "{}", &taken[..taken.len().min(60)]);
        }
    }
}
