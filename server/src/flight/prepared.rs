//! Prepared statements: kept by a random handle for the principal that made them, until closed or pushed out.

use crate::Error;
use crate::parameters::{Parameters, fill_functions, parse, stand_in};
use crate::service::{Client, Session};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::server::PeekableFlightDataStream;
use datafusion::common::ScalarValue;
use datafusion::sql::parser::Statement as EngineStatement;
use futures::TryStreamExt as _;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Statements that are kept at once; the oldest makes room.
const KEPT: usize = 10_000;

/// Messages with no row that may come before and after the one that has the values.
const BATCHES: usize = 100;

/// A statement and the values bound to it.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub sql: String,
    pub values: Vec<ScalarValue>,
}

/// The statements that are kept.
#[derive(Debug, Default)]
pub(super) struct Statements(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_handle: HashMap<Vec<u8>, (String, Prepared)>,
    order: VecDeque<Vec<u8>>,
}

impl Statements {
    /// Keeps a statement and returns its handle.
    pub fn keep(&self, client: &Client, sql: String) -> Result<Vec<u8>, Error> {
        let mut handle = vec![0; 16];
        getrandom::fill(&mut handle).map_err(|_| Error::Busy("the system gives no random bytes".into()))?;
        let mut kept = self.0.lock().unwrap_or_else(|e| e.into_inner());
        while kept.order.len() >= KEPT {
            if let Some(oldest) = kept.order.pop_front() {
                kept.by_handle.remove(&oldest);
            }
        }
        kept.by_handle.insert(handle.clone(), (client.principal.name.clone(), Prepared { sql, values: Vec::new() }));
        kept.order.push_back(handle.clone());
        Ok(handle)
    }

    /// The statement of a handle.
    pub fn find(&self, client: &Client, handle: &[u8]) -> Result<Prepared, Error> {
        let kept = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let found = kept.by_handle.get(handle).filter(|(owner, _)| *owner == client.principal.name);
        found.map(|(_, prepared)| prepared.clone()).ok_or_else(gone)
    }

    /// Binds values to a statement.
    pub fn bind(&self, client: &Client, handle: &[u8], values: Vec<ScalarValue>) -> Result<(), Error> {
        let mut kept = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let found = kept.by_handle.get_mut(handle).filter(|(owner, _)| *owner == client.principal.name);
        found.map(|(_, prepared)| prepared.values = values).ok_or_else(gone)
    }

    /// Forgets a statement.
    pub fn forget(&self, client: &Client, handle: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if kept.by_handle.get(handle).is_some_and(|(owner, _)| *owner == client.principal.name) {
            kept.by_handle.remove(handle);
            kept.order.retain(|other| other != handle);
        }
    }
}

fn gone() -> Error {
    Error::Unknown("the prepared statement is not known any more; prepare it again".into())
}

/// Columns and parameters of a statement.
pub(super) async fn describe(session: &Session, sql: &str) -> Result<(SchemaRef, SchemaRef), Error> {
    let mut statement = parse(sql)?;
    let in_functions = match &mut statement {
        EngineStatement::Statement(inner) => fill_functions(inner, stand_in),
        _ => Default::default(),
    };
    let plan = lineward_sql::plan(&session.context.state(), statement).await?;
    let parameters = Parameters::of(&plan, &in_functions)?;
    let fields = parameters
        .engine
        .into_iter()
        .enumerate()
        .map(|(i, kind)| Field::new(format!("${}", i + 1), kind.unwrap_or(DataType::Utf8), true));
    let parameters = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    Ok((Arc::new(plan.schema().as_arrow().clone()), parameters))
}

/// The values of the first row that a client sends.
pub(super) async fn bound(data: PeekableFlightDataStream) -> Result<Vec<ScalarValue>, Error> {
    let unfit = || Error::Parameter("the values of parameters cannot be read; send one row of them".into());
    let data = data.map_err(|status| FlightError::Tonic(Box::new(status)));
    let mut batches = FlightRecordBatchStream::new_from_flight_data(data);
    let (mut row, mut count) = (None, 0);
    // No more is read than can be right: a client may send for ever.
    while let Some(batch) = batches.try_next().await.map_err(|_| unfit())? {
        count += 1;
        match batch.num_rows() {
            0 if count <= BATCHES => {}
            1 if row.is_none() => row = Some(batch),
            _ => return Err(Error::Unsupported("a statement takes one row of values".into())),
        }
    }
    let Some(row) = row else { return Ok(Vec::new()) };
    row.columns().iter().map(|column| ScalarValue::try_from_array(column, 0).map_err(|_| unfit())).collect()
}
