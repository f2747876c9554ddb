//! Cursors: an answer that a client takes in pieces (`DECLARE`, `FETCH`, `CLOSE`), as psql does with `FETCH_COUNT` and
//! drivers do for large answers. They only go forward. An open cursor is a query that runs: it counts against the limits
//! of its principal, and its time ends it.

use crate::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::{
    CloseCursor, DeclareType, FetchDirection, Ident, Statement, Value, ValueWithSpan,
};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Open cursors of a connection, at the most.
const MOST: usize = 100;

/// What a statement does with a cursor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Opens one over a query; `hold` is whether it outlives its transaction.
    Declare { name: String, hold: bool, query: Box<Statement> },
    /// Takes so many rows, or all.
    Fetch { name: String, count: Option<u64> },
    /// Closes one, or all.
    Close(Option<String>),
}

/// What a statement does with a cursor; `None` for one that is about none.
///
/// # Errors
/// [`Error::Unsupported`] for what goes backward.
pub(super) fn step(statement: &Statement) -> Result<Option<Step>, Error> {
    Ok(Some(match statement {
        Statement::Declare { stmts } => {
            let [declared] = stmts.as_slice() else { return Ok(None) };
            let (Some(DeclareType::Cursor), [name], Some(query)) =
                (&declared.declare_type, declared.names.as_slice(), &declared.for_query)
            else {
                return Ok(None);
            };
            if declared.scroll == Some(true) {
                return Err(Error::Unsupported("cursors only go forward; leave out SCROLL".into()));
            }
            if declared.binary == Some(true) {
                return Err(Error::Unsupported(
                    "BINARY cursors are not supported; ask for binary results instead".into(),
                ));
            }
            let query = Box::new(Statement::Query(query.clone()));
            Step::Declare { name: folded(name), hold: declared.hold == Some(true), query }
        }
        Statement::Fetch { name, direction, .. } => {
            let count = match direction {
                FetchDirection::Next | FetchDirection::Forward { limit: None } => Some(1),
                FetchDirection::Count { limit } | FetchDirection::Forward { limit: Some(limit) } => {
                    Some(number(limit)?)
                }
                FetchDirection::All | FetchDirection::ForwardAll => None,
                _ => return Err(Error::Unsupported("cursors only go forward; use FETCH FORWARD".into())),
            };
            Step::Fetch { name: folded(name), count }
        }
        Statement::Close { cursor: CloseCursor::All } => Step::Close(None),
        Statement::Close { cursor: CloseCursor::Specific { name } } => Step::Close(Some(folded(name))),
        _ => return Ok(None),
    }))
}

/// A name as PostgreSQL compares it.
fn folded(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_ascii_lowercase(),
    }
}

fn number(value: &ValueWithSpan) -> Result<u64, Error> {
    let number = match &value.value {
        Value::Number(text, _) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| Error::Parameter("FETCH takes a whole number of rows, or ALL".into()))
}

/// An open cursor.
pub(super) struct Cursor {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, Error>>,
    /// What is left of a batch of which rows were taken.
    left: Option<RecordBatch>,
    hold: bool,
}

impl Cursor {
    /// Over an answer.
    pub fn new(schema: SchemaRef, batches: BoxStream<'static, Result<RecordBatch, Error>>, hold: bool) -> Self {
        Self { schema, batches, left: None, hold }
    }

    /// The columns of its rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch of rows, of `missing` rows at the most, which it counts down; `None` where no row is missing or left.
    async fn next(&mut self, missing: &mut usize) -> Option<Result<RecordBatch, Error>> {
        if *missing == 0 {
            return None;
        }
        let batch = match self.left.take() {
            Some(batch) => batch,
            None => match self.batches.next().await? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(error)),
            },
        };
        let rows = batch.num_rows().min(*missing);
        if rows < batch.num_rows() {
            self.left = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        *missing -= rows;
        Some(Ok(batch.slice(0, rows)))
    }
}

/// The next rows of a cursor as they come, `count` at the most, or all; fewer are the last. They are never all in memory.
/// The cursor goes back to its connection behind the last of them; one that fails is closed.
///
/// # Errors
/// [`Error::NoCursor`] for a name that is none; in the stream those of the query.
pub(super) fn fetch(
    cursors: &Arc<Mutex<Cursors>>,
    name: &str,
    count: Option<u64>,
) -> Result<(SchemaRef, impl Stream<Item = Result<RecordBatch, Error>> + Send + use<>), Error> {
    let cursor = open(cursors).get(name)?;
    let schema = cursor.schema().clone();
    let missing = count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let (cursors, name) = (cursors.clone(), name.to_owned());
    let rows = stream::unfold(Some((cursor, missing)), move |taking| {
        let (cursors, name) = (cursors.clone(), name.clone());
        async move {
            let (mut cursor, mut missing) = taking?;
            match cursor.next(&mut missing).await {
                Some(Ok(batch)) => Some((Ok(batch), Some((cursor, missing)))),
                Some(Err(error)) => Some((Err(error), None)),
                None => {
                    open(&cursors).put(name, cursor);
                    None
                }
            }
        }
    });
    Ok((schema, rows))
}

/// The cursors of a connection, for a moment.
pub(super) fn open(cursors: &Mutex<Cursors>) -> MutexGuard<'_, Cursors> {
    cursors.lock().unwrap_or_else(|e| e.into_inner())
}

/// The cursors of a connection, by name.
#[derive(Default)]
pub(super) struct Cursors(BTreeMap<String, Cursor>);

impl Cursors {
    /// Whether another may be opened under this name.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that is taken, [`Error::Busy`] where there are too many.
    pub fn check(&self, name: &str) -> Result<(), Error> {
        if self.0.contains_key(name) {
            return Err(Error::Parameter("there is an open cursor of this name; close it first".into()));
        }
        if self.0.len() >= MOST {
            return Err(Error::Busy(format!("the connection has {MOST} open cursors; close some")));
        }
        Ok(())
    }

    /// Keeps a cursor.
    pub fn put(&mut self, name: String, cursor: Cursor) {
        self.0.insert(name, cursor);
    }

    /// Takes a cursor out, to work with it.
    ///
    /// # Errors
    /// [`Error::NoCursor`] for a name that is none.
    pub fn get(&mut self, name: &str) -> Result<Cursor, Error> {
        self.0.remove(name).ok_or(Error::NoCursor)
    }

    /// The columns of a cursor's rows; `None` where there is none of the name.
    pub fn schema(&self, name: &str) -> Option<SchemaRef> {
        self.0.get(name).map(|cursor| cursor.schema().clone())
    }

    /// Closes one, or all.
    ///
    /// # Errors
    /// [`Error::NoCursor`] for a name that is none.
    pub fn close(&mut self, name: Option<&str>) -> Result<(), Error> {
        match name {
            Some(name) => self.get(name).map(drop),
            None => {
                self.0.clear();
                Ok(())
            }
        }
    }

    /// A transaction ended: those that do not outlive it are closed.
    pub fn end(&mut self, commits: bool) {
        self.0.retain(|_, cursor| cursor.hold && commits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, AsArray as _, Int64Array};
    use arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn step_of(sql: &str) -> Result<Option<Step>, Error> {
        step(&Parser::parse_sql(&PostgreSqlDialect {}, sql).expect(sql).remove(0))
    }

    #[test]
    fn what_clients_send() {
        let declared = step_of("DECLARE _psql_cursor NO SCROLL CURSOR FOR SELECT 1");
        assert!(matches!(declared, Ok(Some(Step::Declare { name, hold: false, .. })) if name == "_psql_cursor"));
        let held = step_of("DECLARE \"My C\" CURSOR WITH HOLD FOR SELECT 1");
        assert!(matches!(held, Ok(Some(Step::Declare { name, hold: true, .. })) if name == "My C"));
        for (sql, name, count) in [
            ("FETCH FORWARD 100 FROM _psql_cursor", "_psql_cursor", Some(100)),
            ("FETCH 5 FROM C", "c", Some(5)),
            ("FETCH NEXT FROM c", "c", Some(1)),
            ("FETCH ALL FROM \"C\"", "C", None),
        ] {
            assert_eq!(step_of(sql).expect(sql), Some(Step::Fetch { name: name.into(), count }), "{sql}");
        }
        assert_eq!(step_of("CLOSE c").expect("one"), Some(Step::Close(Some("c".into()))));
        assert_eq!(step_of("CLOSE ALL").expect("all"), Some(Step::Close(None)));
        assert_eq!(step_of("SELECT 1").expect("none"), None);
        for backward in ["FETCH BACKWARD 1 FROM c", "FETCH PRIOR FROM c", "DECLARE c SCROLL CURSOR FOR SELECT 1"] {
            assert!(step_of(backward).is_err(), "{backward}");
        }
    }

    #[tokio::test]
    async fn pieces_add_up() {
        let batch = |from: i64, to: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..to));
            RecordBatch::try_from_iter([("n", column)]).expect("a batch")
        };
        let batches = vec![Ok(batch(0, 5)), Ok(batch(5, 5)), Ok(batch(5, 12))];
        let cursor = Cursor::new(batch(0, 0).schema(), stream::iter(batches).boxed(), false);
        let cursors = Arc::<Mutex<Cursors>>::default();
        open(&cursors).put("c".to_owned(), cursor);
        let (mut seen, mut sizes) = (Vec::new(), Vec::new());
        for count in [Some(0), Some(3), Some(4), None, Some(1)] {
            let (_, rows) = fetch(&cursors, "c", count).expect("a cursor");
            let taken: Vec<RecordBatch> = rows.map(|batch| batch.expect("rows")).collect().await;
            sizes.push(taken.iter().map(RecordBatch::num_rows).sum::<usize>());
            seen.extend(taken.iter().flat_map(|b| b.column(0).as_primitive::<Int64Type>().values().to_vec()));
        }
        assert_eq!((sizes, seen), (vec![0, 3, 4, 5, 0], (0..12).collect::<Vec<_>>()));
    }

    #[tokio::test]
    async fn all_rows_are_sent_as_they_come() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let batches = stream::iter(0..1000).map(move |n| {
            count.fetch_add(1, Ordering::Relaxed);
            let column: ArrayRef = Arc::new(Int64Array::from(vec![n]));
            if n == 900 {
                return Err(Error::Cancelled);
            }
            Ok(RecordBatch::try_from_iter([("n", column)]).expect("a batch"))
        });
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let cursors = Arc::<Mutex<Cursors>>::default();
        open(&cursors).put("c".to_owned(), Cursor::new(schema, batches.boxed(), false));
        let (_, rows) = fetch(&cursors, "c", None).expect("a cursor");
        let mut rows = std::pin::pin!(rows);
        assert_eq!(made.load(Ordering::Relaxed), 0, "nothing is made before it is asked for");
        rows.next().await.expect("a batch").expect("rows");
        assert_eq!(made.load(Ordering::Relaxed), 1, "the first is sent before the second is made");
        let failed = rows.filter(|batch| std::future::ready(batch.is_err())).count().await;
        assert_eq!((failed, made.load(Ordering::Relaxed)), (1, 901), "an error is the last");
        assert!(fetch(&cursors, "c", None).is_err(), "and closes the cursor");
    }
}
