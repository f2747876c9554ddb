//! How long a chain of operators a statement may have. Parser, planner and optimiser go down an expression by calling
//! themselves, and one of thousands of terms would use up a thread's stack, which ends the process. Threads get a large
//! stack ([`runtime`]), and statements that could use up even that are refused before they are parsed.
//! [`crate::LinewardSession`] does so by itself; who parses with a parser of its own asks here.

use crate::Error;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Query, Visit, Visitor, visit_relations};
use datafusion::sql::sqlparser::dialect::Dialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::{io, thread};

/// Longest chain. A list after IN is no chain and may be longer.
const LONGEST: usize = 800;

/// Most nodes of a plan.
const MOST_NODES: usize = 10_000;

/// Stack of a thread that plans or computes, in bytes: what the longest chain needs, and more. Only what is used takes
/// memory.
pub const STACK_BYTES: usize = 256 << 20;

/// A runtime whose threads have the stack that the longest statement needs.
///
/// # Errors
///
/// Where the system gives no threads.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build()
}

/// Does work on a thread with that stack and waits for it. The first thread of a process has a smaller one.
///
/// # Errors
///
/// Where the system gives no thread. A panic of the work goes on in the caller.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)?;
        worker.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Chains within one pair of brackets.
#[derive(Default)]
struct Level {
    /// Operators since the last separator.
    operators: usize,
    /// Tables and queries that are joined to each other.
    joined: usize,
    in_from: bool,
    /// What comes next belongs to an operator or a name, so that a keyword there is a name: it begins nothing.
    within: bool,
}

/// Refuses a statement that would be too deep to plan, read in the dialect that it will be parsed in.
///
/// # Errors
///
/// [`Error::Complex`]; [`Error::Query`] where the text is not even words.
pub fn check(sql: &str, dialect: &dyn Dialect) -> Result<(), Error> {
    let tokens = Tokenizer::new(dialect, sql).tokenize().map_err(|e| {
        let error = ParserError::TokenizerError(e.to_string());
        Error::Query(DataFusionError::SQL(Box::new(error), None))
    })?;
    let mut levels = vec![Level::default()];
    for token in tokens {
        let (depth, is_inside) = (levels.len() - 1, levels.len() > 1);
        let Some(level) = levels.last_mut() else { break };
        let within = match &token {
            Token::Whitespace(_) => level.within,
            Token::Word(word) => is_operator(word.keyword),
            // What is in brackets is a value when they are closed.
            Token::LParen | Token::LBracket | Token::Comma | Token::SemiColon => false,
            other => !is_value(other),
        };
        match token {
            Token::LParen | Token::LBracket => levels.push(Level::default()),
            Token::RParen | Token::RBracket if is_inside => drop(levels.pop()),
            Token::SemiColon => *level = Level::default(),
            Token::Comma if level.in_from => level.joined += 1,
            Token::Comma => level.operators = 0,
            Token::Word(word) if level.within && begins(word.keyword) => {}
            Token::Word(word) => level.word(word.keyword),
            Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) | Token::Period => {}
            _ => level.operators += 1,
        }
        if let Some(level) = levels.get_mut(depth) {
            level.within = within;
        }
        if levels.last().is_some_and(|level| level.operators > LONGEST || level.joined > LONGEST) {
            return Err(Error::Complex(LONGEST));
        }
    }
    Ok(())
}

/// Whether a keyword ends the chain before it.
fn begins(keyword: Keyword) -> bool {
    begins_case(keyword)
        || matches!(keyword, Keyword::SELECT | Keyword::WHERE | Keyword::GROUP | Keyword::HAVING | Keyword::ORDER)
}

fn begins_case(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::WHEN | Keyword::THEN | Keyword::ELSE)
}

fn is_operator(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::LIKE | Keyword::IS)
}

/// Refuses a statement whose WITH queries name one another so often that its plan would be huge: the planner itself walks
/// what it has made so far at each of its steps.
///
/// # Errors
///
/// [`Error::Grown`].
pub fn check_growth(statement: &impl Visit) -> Result<(), Error> {
    let mut growth = Growth::default();
    let _: ControlFlow<()> = statement.visit(&mut growth);
    if growth.most > MOST_NODES { Err(Error::Grown(MOST_NODES)) } else { Ok(()) }
}

/// How many tables a query stands for, by the name of WITH; of one name in several places the most.
#[derive(Default)]
struct Growth {
    by_name: HashMap<String, usize>,
    most: usize,
}

impl Growth {
    fn of(&self, query: &Query) -> usize {
        let mut sum = 1usize;
        let _: ControlFlow<()> = visit_relations(query, |name| {
            // Quotes are no part of a name: `w0` and `"w0"` are one.
            let name = name.0.last().and_then(|part| part.as_ident());
            let known = name.and_then(|name| self.by_name.get(&name.value.to_lowercase()));
            sum = sum.saturating_add(known.copied().unwrap_or(1));
            ControlFlow::Continue(())
        });
        sum
    }
}

impl Visitor for Growth {
    type Break = ();

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let tables = self.of(&table.query);
            let held = self.by_name.entry(table.alias.name.value.to_lowercase()).or_default();
            *held = tables.max(*held);
        }
        self.most = self.most.max(self.of(query));
        ControlFlow::Continue(())
    }
}

/// Refuses a plan that has grown beyond its text, as one does whose every WITH names the one before twice. Whatever looks
/// at it next looks at each node as often as it is named.
///
/// # Errors
///
/// [`Error::Grown`].
pub fn check_plan(plan: &LogicalPlan) -> Result<(), Error> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > MOST_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if nodes > MOST_NODES { Err(Error::Grown(MOST_NODES)) } else { Ok(()) }
}

/// What may stand before a keyword that begins something.
fn is_value(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
            | Token::RParen
            | Token::RBracket
            | Token::RBrace
    )
}

impl Level {
    fn word(&mut self, keyword: Keyword) {
        match keyword {
            keyword if begins_case(keyword) => self.operators = 0,
            keyword if begins(keyword) => (self.operators, self.in_from) = (0, false),
            Keyword::FROM => self.in_from = true,
            Keyword::JOIN | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => self.joined += 1,
            keyword if is_operator(keyword) => self.operators += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::{GenericDialect, PostgreSqlDialect};

    fn check(sql: &str) -> Result<(), Error> {
        super::check(sql, &GenericDialect {})
    }

    #[test]
    fn a_keyword_that_is_a_name_ends_no_chain() {
        for name in ["x.order", "order", "x . when", "x.\"a\".select"] {
            let sql = format!("SELECT {} FROM x", vec![name; 5000].join("+"));
            assert!(matches!(check(&sql), Err(Error::Complex(_))), "{name}");
        }
        let many = vec!["SELECT 1 WHERE a = (1) AND b = $1 ORDER BY c + 1"; 500].join("; ");
        assert!(check(&many).is_ok());
        let cases = vec!["WHEN a = $1 THEN (2)"; 2000].join(" ");
        assert!(check(&format!("SELECT CASE {cases} ELSE 'x' END")).is_ok());
    }

    #[test]
    fn a_text_is_read_as_its_parser_reads_it() {
        let sql = format!("SELECT $a$'$a$ || {}", vec!["1"; 5000].join("+"));
        assert!(matches!(super::check(&sql, &PostgreSqlDialect {}), Err(Error::Complex(_))));
        assert!(matches!(check("SELECT 'not closed"), Err(Error::Query(DataFusionError::SQL(..)))));
    }

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
            "SELECT 1))))".to_owned(),
        ] {
            assert!(check(&taken).is_ok(), "{}", &taken[..taken.len().min(60)]);
        }
    }
}
