//! Events that come by HTTP: searched, redacted and decoded as those of any other source, and committed many requests at
//! a time. A request is answered once its events are in the store.
//!
//! One thread gathers requests and has their documents processed on all threads, another commits what was processed: while
//! one batch is written the next is made.
//!
//! A client that did not get its answer sends again. The store keeps both events then, which changes no projection; the
//! keys of the newest events are remembered here so that it happens rarely.

use crate::Error;
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_connectors::{Position, Record};
use lineward_events::FormatChoice;
use lineward_pipelines::{ClassifySpec, Processed, Processor, engine_for};
use lineward_store::rows::DeadLetterRow;
use lineward_store::{Batch, Hash, Incoming, StoreWriter};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Requests that wait at most; more are told to come later.
const WAITING: usize = 1024;
/// Bytes of documents that wait at most, in kibibytes; a request that is as large as may be fits by itself.
const WAITING_KIB: u32 = 512 << 10;
/// Documents in a commit, about.
const TOGETHER: usize = 2000;
/// Documents that a thread takes at once, at most.
const PART: usize = 256;
/// Bytes of documents that a thread takes at once, about.
const PART_BYTES: usize = 64 << 10;
/// Batches that wait for the one that is committed.
const MADE: usize = 8;
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
    /// Given back when the request is done with.
    _room: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<Taken, String>>,
}

impl Ingest {
    /// Starts the threads that process and commit. They end when all ways in are gone and their jobs done.
    pub fn start(store: String, key: FingerprintKey) -> Result<(Self, std::thread::JoinHandle<()>), Error> {
        let engine = engine_for(&[])?;
        let (jobs, waiting) = mpsc::sync_channel(WAITING);
        let handle = Handle::current();
        let (tell, ready) = mpsc::channel();
        let thread = std::thread::Builder::new().name("ingest".into()).spawn(move || {
            let ruleset = engine.rules().hash().to_owned();
            let mut committer = Committer { handle, store, writer: None, ruleset, seen: Seen::default() };
            match Makers::new(&engine, &key) {
                Ok(mut makers) => {
                    let _ = tell.send(Ok(()));
                    let (made, all_made) = mpsc::sync_channel(MADE);
                    std::thread::scope(|scope| {
                        scope.spawn(move || committer.work(&all_made));
                        makers.work(&waiting, &made);
                        drop(made);
                    });
                }
                Err(e) => drop(tell.send(Err(e))),
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

/// Waits for one and takes all that wait with it, of about as many documents as a commit has; `None` at the end.
fn together<T>(waiting: &mpsc::Receiver<T>, documents_of: impl Fn(&T) -> usize) -> Option<Vec<T>> {
    let first = waiting.recv().ok()?;
    let mut documents = documents_of(&first);
    let mut all = vec![first];
    while documents < TOGETHER
        && let Ok(more) = waiting.try_recv()
    {
        documents += documents_of(&more);
        all.push(more);
    }
    Some(all)
}

/// Turns documents into rows, on all threads.
struct Makers<'e>(Vec<Processor<'e>>);

impl<'e> Makers<'e> {
    fn new(engine: &'e Engine, key: &FingerprintKey) -> Result<Self, lineward_pipelines::Error> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let confidence = ClassifySpec::default().min_confidence;
        let maker = |_| Processor::new(engine, key.clone(), confidence, FormatChoice::Auto);
        Ok(Self((0..threads).map(maker).collect::<Result<_, _>>()?))
    }

    /// Takes requests as they come until nobody can send any, and hands on what was made of them.
    fn work(&mut self, waiting: &mpsc::Receiver<Job>, made: &mpsc::SyncSender<Made>) {
        while let Some(jobs) = together(waiting, |job| job.documents.len()) {
            // Where nobody commits any more, those who asked are told by the end of their channels.
            if self.make(jobs).is_some_and(|all| made.send(all).is_err()) {
                return;
            }
        }
    }

    /// What is made of requests; nothing where that failed, which they were told.
    fn make(&mut self, mut jobs: Vec<Job>) -> Option<Made> {
        let received_at = chrono::Utc::now().timestamp_micros();
        let starts =
            jobs.iter().scan(0, |next, job| Some(std::mem::replace(next, *next + job.documents.len()))).collect();
        let documents = jobs.iter_mut().flat_map(|job| std::mem::take(&mut job.documents));
        let records: Vec<Record> =
            documents.enumerate().map(|(ordinal, value)| record(ordinal as u64, value)).collect();
        match self.process(&records, received_at) {
            Ok(parts) => Some(Made { jobs, starts, documents: records.len(), parts, received_at }),
            Err(e) => {
                jobs.into_iter().for_each(|job| drop(job.done.send(Err(e.to_string()))));
                None
            }
        }
    }

    /// Each thread takes the next part as long as there is one.
    fn process(&mut self, records: &[Record], received_at: i64) -> Result<Vec<Processed>, lineward_pipelines::Error> {
        let parts = parts(records);
        let next = AtomicUsize::new(0);
        let work = |processor: &mut Processor<'e>| {
            let mut made = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(place) else { return made };
                made.push((place, processor.process(part, received_at)));
            }
        };
        let panicked = || lineward_pipelines::Error::Stopped("a thread that decodes events panicked".to_owned());
        let (own, others) = self.0.split_first_mut().ok_or_else(panicked)?;
        let mut made = std::thread::scope(|scope| {
            let helped = others.iter_mut().take(parts.len().saturating_sub(1));
            let helpers: Vec<_> = helped.map(|processor| scope.spawn(|| work(processor))).collect();
            let mut made = work(own);
            for helper in helpers {
                made.extend(helper.join().map_err(|_| panicked())?);
            }
            Ok::<_, lineward_pipelines::Error>(made)
        })?;
        made.sort_by_key(|(place, _)| *place);
        made.into_iter().map(|(_, processed)| processed).collect()
    }
}

/// Records in parts that are small enough for a processor's cache: a document is walked several times on its way.
fn parts(records: &[Record]) -> Vec<&[Record]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        bytes += record.value.as_ref().map_or(0, Vec::len);
        if bytes >= PART_BYTES || at + 1 - start >= PART {
            parts.push(&records[start..=at]);
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < records.len() {
        parts.push(&records[start..]);
    }
    parts
}

/// What was made of requests: rows whose offset is the place of their document among all of them.
struct Made {
    jobs: Vec<Job>,
    /// The place of each request's first document.
    starts: Vec<usize>,
    documents: usize,
    parts: Vec<Processed>,
    received_at: i64,
}

impl Made {
    /// The request of a document, and its place in that.
    fn place(&self, offset: Option<i64>) -> (usize, usize) {
        let at = offset.and_then(|at| usize::try_from(at).ok()).unwrap_or_default();
        let job = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        (job, at - self.starts.get(job).copied().unwrap_or_default())
    }
}

/// Writes to the store.
struct Committer {
    handle: Handle,
    store: String,
    writer: Option<StoreWriter>,
    ruleset: String,
    seen: Seen,
}

impl Committer {
    /// Commits what was made while the last commit was written, all at once.
    fn work(&mut self, made: &mpsc::Receiver<Made>) {
        while let Some(all) = together(made, |made| made.documents) {
            self.commit(all);
        }
    }

    fn commit(&mut self, all: Vec<Made>) {
        let mut batch = Batch { writer: SOURCE.to_owned(), ruleset: Some(self.ruleset.clone()), ..Batch::default() };
        let mut fresh = HashSet::new();
        let mut answers = Vec::new();
        for made in all {
            batch.received_at = made.received_at;
            self.gather(made, &mut batch, &mut fresh, &mut answers);
        }
        let stored = self.handle.block_on(store_batch(&self.store, &mut self.writer, batch));
        if stored.is_ok() {
            self.seen.add(fresh);
        }
        let stored = stored.map_err(|e| {
            self.writer = None;
            tracing::error!(error = %e, "events could not be stored");
            e.to_string()
        });
        for (job, taken) in answers {
            // Whoever asked may have gone; the events are stored all the same.
            let _ = job.done.send(stored.clone().map(|()| taken));
        }
    }

    /// Adds to a batch what is not in the store, and to the answers what became of each request.
    fn gather(&self, mut made: Made, batch: &mut Batch, fresh: &mut HashSet<Hash>, answers: &mut Vec<(Job, Taken)>) {
        let mut taken = vec![Taken::default(); made.jobs.len()];
        for part in std::mem::take(&mut made.parts) {
            for event in part.events {
                let answer = &mut taken[made.place(event.row.offset).0];
                answer.events += 1;
                let key = event.row.event_key;
                if self.seen.has(&key) || !fresh.insert(key) {
                    answer.repeated += 1;
                } else {
                    batch.events.push(by_http(event));
                }
            }
            for letter in part.dead_letters {
                let (job, index) = made.place(letter.offset);
                taken[job].failed.push((index, letter.reason.clone(), letter.place.clone()));
                batch.dead_letters.push((dead_by_http(letter), None));
            }
        }
        answers.extend(made.jobs.into_iter().zip(taken));
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

fn record(ordinal: u64, value: Vec<u8>) -> Record {
    Record {
        source: SOURCE.into(),
        position: Position::File { path: Arc::from(SOURCE), ordinal, line: None, byte_offset: 0 },
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

    /// A store that lasts as long as its folder, its way in, and the thread of that.
    fn started() -> (tempfile::TempDir, String, Ingest, std::thread::JoinHandle<()>) {
        let folder = tempfile::tempdir().expect("a folder");
        let uri = folder.path().join("store").to_string_lossy().into_owned();
        let key = FingerprintKey::new(b"a key for this test").expect("a key");
        let (ingest, thread) = Ingest::start(uri.clone(), key).expect("started");
        (folder, uri, ingest, thread)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn events_are_in_the_store_when_the_answer_comes() {
        let (_folder, uri, ingest, thread) = started();
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

    /// Requests are processed together and in parts: each is told of its own documents.
    #[tokio::test(flavor = "multi_thread")]
    async fn each_request_is_told_what_became_of_its_own_documents() {
        let (_folder, uri, ingest, thread) = started();
        let run = |request: usize, index: usize| format!("d46e465b-d358-4d32-83d4-{:012x}", request * 1000 + index);
        let asked = (0..12).map(|request| {
            let ingest = ingest.clone();
            // The first is empty, and each other has one document that is no event, at a place of its own.
            let count = request * 11;
            let mut documents: Vec<Vec<u8>> = (0..count).map(|index| event(&run(request, index))).collect();
            if let Some(one) = documents.get_mut(request * 3) {
                *one = b"[".to_vec();
            }
            tokio::spawn(async move { ingest.take(documents).await.expect("taken") })
        });
        for (request, asked) in asked.collect::<Vec<_>>().into_iter().enumerate() {
            let taken = asked.await.expect("it ends");
            let failed: Vec<usize> = taken.failed.iter().map(|(index, ..)| *index).collect();
            let expected = if request == 0 { vec![] } else { vec![request * 3] };
            assert_eq!((taken.events, failed), ((request * 11).saturating_sub(1) as u64, expected), "{request}");
        }
        drop(ingest);
        thread.join().expect("it ends");
        let snapshot = Store::open(&uri).await.expect("a store").snapshot().await.expect("a cut");
        let session = lineward_sql::LinewardSession::new(snapshot).await.expect("a session");
        let count = |table: &'static str| {
            let context = session.context();
            async move { context.table(table).await.expect("a table").count().await.expect("a count") }
        };
        assert_eq!(
            (count("raw.events").await, count("raw.dead_letters").await),
            ((1..12).map(|n| n * 11 - 1).sum(), 11)
        );
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
