//! Events that come by HTTP: searched, redacted and decoded as those of any other source, and committed many requests at
//! a time. A request is answered once its events are in the store.
//!
//! A client that did not get its answer sends again. The store keeps both events then, which changes no projection; the
//! keys of the newest events are remembered here so that it happens rarely.

use crate::Error;
use lineward_classifiers::FingerprintKey;
use lineward_connectors::{Position, Record};
use lineward_events::FormatChoice;
use lineward_pipelines::{ClassifySpec, Processor, engine_for};
use lineward_store::rows::DeadLetterRow;
use lineward_store::{Batch, Hash, Incoming, StoreWriter};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, mpsc};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Requests that wait at most; more are told to come later.
const WAITING: usize = 1024;
/// Bytes of documents that wait at most, in kibibytes; a request that is as large as may be fits by itself.
const WAITING_KIB: u32 = 512 << 10;
/// Documents in a commit, about.
const TOGETHER: usize = 2000;
/// Keys of events that are remembered.
const REMEMBERED: usize = 100_000;
const SOURCE: &str = "http";

/// What became of a request's documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Events in the store, those sent again among them.
    pub events: u64,
    /// Events that were there already.
    pub repeated: u64,
    /// Documents that are no event: index in the request, reason, place.
    pub failed: Vec<(usize, String, String)>,
}

/// The way in.
#[derive(Debug, Clone)]
pub(crate) struct Ingest {
    jobs: mpsc::SyncSender<Job>,
    /// Room for bytes that wait, in kibibytes.
    room: Arc<Semaphore>,
}

struct Job {
    documents: Vec<Vec<u8>>,
    /// Given back when the documents are done with.
    _room: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<Taken, String>>,
}

impl Ingest {
    /// Starts the thread that processes and commits. It ends when all ways in are gone and their jobs done.
    pub fn start(store: String, key: FingerprintKey) -> Result<(Self, std::thread::JoinHandle<()>), Error> {
        let engine = engine_for(&[])?;
        let (jobs, waiting) = mpsc::sync_channel(WAITING);
        let handle = Handle::current();
        let (made, ready) = mpsc::channel();
        let thread = std::thread::Builder::new().name("ingest".into()).spawn(move || {
            let processor = Processor::new(&engine, key, ClassifySpec::default().min_confidence, FormatChoice::Auto);
            match processor {
                Ok(processor) => {
                    let _ = made.send(Ok(()));
                    Worker { processor, ruleset: engine.rules().hash().to_owned(), seen: Seen::default() }
                        .work(&handle, &store, &waiting);
                }
                Err(e) => drop(made.send(Err(e))),
            }
        });
        let thread = thread.map_err(|e| Error::Config(format!("cannot start a thread: {e}")))?;
        // Without what processes them no events can be taken, and nothing is served.
        ready.recv().map_err(|_| Error::Config("the thread that takes events has ended".into()))??;
        Ok((Self { jobs, room: Arc::new(Semaphore::new(WAITING_KIB as usize)) }, thread))
    }

    /// Puts the documents of a request into the store.
    pub async fn take(&self, documents: Vec<Vec<u8>>) -> Result<Taken, Error> {
        let (done, answer) = oneshot::channel();
        let full = || Error::Busy("too many events wait to be stored; send again later".into());
        let _room = self.room.clone().try_acquire_many_owned(kibibytes(&documents)).map_err(|_| full())?;
        self.jobs.try_send(Job { documents, _room, done }).map_err(|e| match e {
            mpsc::TrySendError::Full(_) => full(),
            mpsc::TrySendError::Disconnected(_) => Error::Busy("no events are taken now; send again later".into()),
        })?;
        match answer.await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(why)) => Err(Error::Busy(format!("the events could not be stored; send again: {why}"))),
            Err(_) => Err(Error::Busy("the server stops; send again".into())),
        }
    }
}

/// What documents take, with the list that holds them.
fn kibibytes(documents: &[Vec<u8>]) -> u32 {
    let bytes: usize = documents.iter().map(|document| document.len() + size_of::<Vec<u8>>()).sum();
    u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(WAITING_KIB)
}

struct Worker<'e> {
    processor: Processor<'e>,
    ruleset: String,
    seen: Seen,
}

impl Worker<'_> {
    fn work(&mut self, handle: &Handle, store: &str, waiting: &mpsc::Receiver<Job>) {
        let mut writer = None;
        while let Ok(first) = waiting.recv() {
            let mut jobs = vec![first];
            let mut documents = jobs[0].documents.len();
            while documents < TOGETHER
                && let Ok(job) = waiting.try_recv()
            {
                documents += job.documents.len();
                jobs.push(job);
            }
            self.commit(handle, store, &mut writer, jobs);
        }
    }

    fn commit(&mut self, handle: &Handle, store: &str, writer: &mut Option<StoreWriter>, jobs: Vec<Job>) {
        let received_at = chrono::Utc::now().timestamp_micros();
        let mut batch =
            Batch { writer: SOURCE.to_owned(), ruleset: Some(self.ruleset.clone()), received_at, ..Batch::default() };
        let mut fresh = HashSet::new();
        let mut answers = Vec::new();
        for job in jobs {
            match self.process(&job.documents, received_at, &mut batch, &mut fresh) {
                Ok(taken) => answers.push((job.done, taken)),
                Err(e) => drop(job.done.send(Err(e.to_string()))),
            }
        }
        let stored = handle.block_on(store_batch(store, writer, batch));
        if stored.is_ok() {
            self.seen.add(fresh);
        }
        let stored = stored.map_err(|e| {
            *writer = None;
            tracing::error!(error = %e, "events could not be stored");
            e.to_string()
        });
        for (done, taken) in answers {
            // Whoever asked may have gone; the events are stored all the same.
            let _ = done.send(stored.clone().map(|()| taken));
        }
    }

    fn process(
        &mut self,
        documents: &[Vec<u8>],
        received_at: i64,
        batch: &mut Batch,
        fresh: &mut HashSet<Hash>,
    ) -> Result<Taken, lineward_pipelines::Error> {
        let mut taken = Taken::default();
        for (index, document) in documents.iter().enumerate() {
            let processed = self.processor.process(&[record(document.clone())], received_at)?;
            for event in processed.events {
                taken.events += 1;
                let key = event.row.event_key;
                if self.seen.has(&key) || !fresh.insert(key) {
                    taken.repeated += 1;
                } else {
                    batch.events.push(by_http(event));
                }
            }
            for letter in processed.dead_letters {
                taken.failed.push((index, letter.reason.clone(), letter.place.clone()));
                batch.dead_letters.push((dead_by_http(letter), None));
            }
        }
        Ok(taken)
    }
}

async fn store_batch(store: &str, writer: &mut Option<StoreWriter>, batch: Batch) -> Result<(), lineward_store::Error> {
    if batch.events.is_empty() && batch.dead_letters.is_empty() {
        return Ok(());
    }
    let writer = match writer {
        Some(writer) => writer,
        None => writer.insert(StoreWriter::open(store).await?),
    };
    writer.commit(batch).await.map(drop)
}

/// The keys of the newest events.
#[derive(Debug, Default)]
struct Seen {
    keys: HashSet<Hash>,
    order: VecDeque<Hash>,
}

impl Seen {
    fn has(&self, key: &Hash) -> bool {
        self.keys.contains(key)
    }

    fn add(&mut self, keys: HashSet<Hash>) {
        for key in keys {
            if self.keys.insert(key) {
                self.order.push_back(key);
            }
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.keys.remove(&oldest);
            }
        }
    }
}

fn record(value: Vec<u8>) -> Record {
    Record {
        source: SOURCE.into(),
        position: Position::File { path: Arc::from(SOURCE), ordinal: 0, line: None, byte_offset: 0 },
        key: None,
        value: Some(value),
        timestamp_us: None,
        headers: Vec::new(),
    }
}

/// A request has no position: nobody can read it again.
fn by_http(mut event: Incoming) -> Incoming {
    event.row.source = SOURCE.to_owned();
    event.row.topic = None;
    event.row.offset = None;
    event
}

fn dead_by_http(letter: DeadLetterRow) -> DeadLetterRow {
    DeadLetterRow { source: SOURCE.to_owned(), topic: None, offset: None, ..letter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineward_store::Store;

    fn event(run: &str) -> Vec<u8> {
        serde_json::json!({
            "eventType": "COMPLETE", "eventTime": "2026-03-01T10:00:00Z", "producer": "https://test.example/p",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run}, "job": {"namespace": "etl", "name": "copy"},
            "inputs": [{"namespace": "db", "name": "a"}], "outputs": [{"namespace": "db", "name": "b"}]
        })
        .to_string()
        .into_bytes()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn events_are_in_the_store_when_the_answer_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let uri = folder.path().join("store").to_string_lossy().into_owned();
        let key = FingerprintKey::new(b"a key for this test").expect("a key");
        let (ingest, thread) = Ingest::start(uri.clone(), key).expect("started");
        let one = event("d46e465b-d358-4d32-83d4-df660ff614dd");
        let two = event("d46e465b-d358-4d32-83d4-df660ff614de");
        let taken = ingest.take(vec![one.clone(), b"{\"a\":".to_vec(), two]).await.expect("taken");
        assert_eq!((taken.events, taken.repeated, taken.failed.len()), (2, 0, 1));
        assert_eq!(taken.failed[0].0, 1);
        let again = ingest.take(vec![one]).await.expect("taken");
        assert_eq!((again.events, again.repeated), (1, 1));
        let session = lineward_sql::LinewardSession::new(
            Store::open(&uri).await.expect("a store").snapshot().await.expect("a cut"),
        );
        let session = session.await.expect("a session");
        let frame = session.context().sql("SELECT source, count(*) FROM raw.events GROUP BY 1").await.expect("planned");
        let shown = arrow::util::pretty::pretty_format_batches(&frame.collect().await.expect("rows")).expect("text");
        assert!(shown.to_string().contains("| http   | 2 "), "{shown}");
        let letters =
            session.context().table("raw.dead_letters").await.expect("a table").count().await.expect("a count");
        assert_eq!(letters, 1);
        drop(ingest);
        thread.join().expect("it ends");
    }

    #[test]
    fn the_oldest_keys_are_forgotten() {
        let mut seen = Seen::default();
        let key = |i: usize| {
            let mut hash = Hash::default();
            hash.0[..8].copy_from_slice(&i.to_le_bytes());
            hash
        };
        seen.add(HashSet::from([key(0)]));
        seen.add((1..=REMEMBERED).map(key).collect());
        assert!(!seen.has(&key(0)) && seen.has(&key(REMEMBERED)));
        assert_eq!(seen.keys.len(), REMEMBERED);
    }
}
