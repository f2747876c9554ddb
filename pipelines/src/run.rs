//! A running pipeline: Kafka in, store out, each record once.
//!
//! Four stages joined by bounded channels: one thread polls (it must, or the broker takes its partitions away), workers
//! parse, classify and encode, one thread puts what they made back in order and gathers it into batches, one commits.
//! A chunk is small enough for a worker's cache: a document is walked several times on its way.
//! Back-pressure is a full channel: the
//! poller then pauses its partitions and goes on polling. Positions are those of the store, committed with the data; the
//! group's own offsets are advice for lag monitors.

use crate::clearing::record_clearing;
use crate::config::PipelineSpec;
use crate::process::{Counters, Processed, Processor, engine_for, now_micros};
use crate::{Error, format_choice};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use lineward_classifiers::{Engine, FingerprintKey};
use lineward_connectors::kafka::{
    Gap, GapCause, KafkaSource, PartitionStart, Polled, Start, StartOffsets, StartPolicy,
};
use lineward_connectors::{Position, Record};
use lineward_events::FormatChoice;
use lineward_events::formats::lineward::ClearingRule;
use lineward_store::rows::DeadLetterRow;
use lineward_store::{Batch, EventBlock, Store, StoreWriter, Txn};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Records that a worker takes at once.
const CHUNK_RECORDS: usize = 256;
/// Bytes that a worker takes at once.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks on their way to and from each worker.
const CHUNKS_WAITING: usize = 16;
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(50);
/// How long a partial chunk waits for more records.
const LINGER: Duration = Duration::from_millis(20);
/// How long a broker may take to answer at the start.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the end may take.
const CLOSE: Duration = Duration::from_secs(10);

/// How to run a pipeline.
pub struct RunOptions {
    /// Store, made if it does not exist.
    pub store: String,
    /// Key of fingerprints.
    pub key: FingerprintKey,
    /// Stop when every partition has been read to its end.
    pub until_end: bool,
    /// Clearing policies beside those of the pipeline file.
    pub clearing: Vec<ClearingRule>,
}

/// Asks a running pipeline to stop: it drains, commits and leaves.
#[derive(Debug, Default, Clone)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends the run where the thread that holds it panics: the others would wait for it without a word.
struct FailsWithThread<'a>(&'a AtomicBool);

impl Drop for FailsWithThread<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// A partition's key in the store.
type AppId = String;

/// What the threads share.
struct Shared {
    writer: Mutex<StoreWriter>,
    runtime: Handle,
    pipeline: String,
    ruleset: String,
    cluster: Mutex<Option<String>>,
    start: StartPolicy,
    counters: Mutex<Counters>,
    /// Chunks that were sent and not yet committed (or thrown away).
    in_flight: AtomicU64,
    /// The committer met another owner of a partition: everything in hand is stale.
    fenced: AtomicBool,
    /// Nothing will be committed any more: an error ended the run.
    failed: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked while it held the lock left a whole value behind: every update is one assignment.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Shared {
    /// Whether what is read now would lead nowhere.
    fn is_over(&self) -> bool {
        self.fenced.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    fn app_id(&self, topic: &str, topic_id: &str, partition: i32) -> AppId {
        let cluster = lock(&self.cluster).clone().unwrap_or_else(|| "-".to_owned());
        format!("lw1/{}/{cluster}/{topic}/{topic_id}/{partition}", self.pipeline)
    }
}

/// Start offsets from the store, when it is open.
#[derive(Default)]
struct StoredOffsets(OnceLock<Arc<Shared>>);

impl StartOffsets for StoredOffsets {
    fn start(
        &self,
        topic: &str,
        topic_id: &str,
        partition: i32,
    ) -> Result<Start, Box<dyn std::error::Error + Send + Sync>> {
        let shared = self.0.get().ok_or("a position is asked for before the store is open")?;
        let app_id = shared.app_id(topic, topic_id, partition);
        let position = shared.runtime.block_on(lock(&shared.writer).position(&app_id))?;
        Ok(match (position, shared.start) {
            (Some(offset), _) => Start::At(offset),
            (None, StartPolicy::Earliest) => Start::Earliest,
            (None, StartPolicy::Latest) => Start::Latest,
        })
    }
}

/// Records on their way to a worker.
struct Chunk {
    sequence: u64,
    records: Vec<Record>,
    /// Application id and next position of each partition in the chunk.
    next: BTreeMap<AppId, i64>,
    gaps: Vec<DeadLetterRow>,
    received_at: i64,
}

/// What a worker made of a chunk.
struct Done {
    sequence: u64,
    processed: Result<Made, Error>,
    next: BTreeMap<AppId, i64>,
    received_at: i64,
    bytes: usize,
}

/// Rows of a chunk, in the form in which they are written.
struct Made {
    block: EventBlock,
    dead_letters: Vec<DeadLetterRow>,
    counters: Counters,
}

/// Runs a pipeline until it is asked to stop.
///
/// # Errors
/// [`Error::Connector`] where Kafka cannot be reached at the start or the client breaks for good, [`Error::Store`] where
/// the store cannot be written. What was committed before stays, and a new run goes on behind it.
pub fn run(
    spec: &PipelineSpec,
    options: &RunOptions,
    stop: &Stop,
    mut report: impl FnMut(&Counters) + Send,
) -> Result<Counters, Error> {
    let choice = format_choice(&spec.source.event_format)
        .map_err(|message| Error::Config { file: spec.name.clone(), message })?;
    let engine = engine_for(&spec.classify.categories)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Error::Stopped(format!("cannot start the runtime: {e}")))?;
    // A store that cannot be is told at once; one that is to be made is made when a broker has answered.
    runtime.block_on(Store::exists(&options.store))?;
    let offsets = Arc::new(StoredOffsets::default());
    let Some(mut source) = reached(spec, &offsets, stop)? else { return Ok(Counters::default()) };
    let mut writer = runtime.block_on(StoreWriter::open(&options.store))?;
    let clearing: Vec<ClearingRule> = spec.clearing.iter().chain(&options.clearing).cloned().collect();
    runtime.block_on(record_clearing(&mut writer, &clearing, &options.key))?;
    let shared = Arc::new(Shared {
        writer: Mutex::new(writer),
        runtime: runtime.handle().clone(),
        pipeline: spec.name.clone(),
        ruleset: engine.rules().hash().to_owned(),
        cluster: Mutex::new(None),
        start: spec.source.kafka.start,
        counters: Mutex::new(Counters::default()),
        in_flight: AtomicU64::new(0),
        fenced: AtomicBool::new(false),
        failed: AtomicBool::new(false),
    });
    // Nobody is asked for a position before the first poll.
    _ = offsets.0.set(Arc::clone(&shared));
    loop {
        shared.fenced.store(false, Ordering::Relaxed);
        let ended = generation(source, spec, options, &shared, &engine, choice, stop, &mut report)?;
        let again = if ended { None } else { Some(()) };
        source = match again.map(|()| reached(spec, &offsets, stop)).transpose()?.flatten() {
            Some(source) => source,
            None => return Ok(*lock(&shared.counters)),
        };
        tracing::warn!("another owner of a partition was first; reading again from the store's positions");
    }
}

/// One life of the consumer. `true` when the pipeline is done, `false` when it was fenced and must start over.
#[expect(clippy::too_many_arguments, reason = "what one life needs of the run around it")]
fn generation(
    mut source: KafkaSource,
    spec: &PipelineSpec,
    options: &RunOptions,
    shared: &Arc<Shared>,
    engine: &Engine,
    choice: FormatChoice,
    stop: &Stop,
    report: &mut (impl FnMut(&Counters) + Send),
) -> Result<bool, Error> {
    *lock(&shared.cluster) = source.cluster_id(Duration::from_secs(5))?;
    let workers = match spec.batch.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    };
    let (to_workers, from_poller) = bounded::<Chunk>(workers * CHUNKS_WAITING);
    let (to_gatherer, from_workers) = bounded::<Done>(workers * CHUNKS_WAITING);
    let (to_committer, from_gatherer) = bounded::<Pending>(0);
    shared.in_flight.store(0, Ordering::Relaxed);
    std::thread::scope(|scope| {
        let mut working = Vec::with_capacity(workers);
        for _ in 0..workers {
            let (from_poller, to_gatherer) = (from_poller.clone(), to_gatherer.clone());
            let (key, confidence) = (options.key.clone(), spec.classify.min_confidence);
            working.push(scope.spawn(move || {
                let _fails = FailsWithThread(&shared.failed);
                work(engine, key, confidence, choice, &from_poller, &to_gatherer);
            }));
        }
        drop((from_poller, to_gatherer));
        let gatherer = scope.spawn(move || {
            let _fails = FailsWithThread(&shared.failed);
            let gathered = gather_all(spec, shared, &from_workers, &to_committer);
            shared.failed.fetch_or(gathered.is_err(), Ordering::Relaxed);
            gathered
        });
        let committer = scope.spawn(move || {
            let _fails = FailsWithThread(&shared.failed);
            let committed = commit_all(spec, shared, &from_gatherer, report);
            shared.failed.fetch_or(committed.is_err(), Ordering::Relaxed);
            committed
        });
        let polled = poll_all(&mut source, shared, to_workers, options, stop);
        // The channel is closed by now: the workers finish what they have, the committer commits it. All are joined, as a
        // scope passes on the panic of a thread that nobody joined.
        let mut panicked = false;
        working.into_iter().for_each(|worker| panicked |= worker.join().is_err());
        let (gathered, committed) = (gatherer.join(), committer.join());
        let stopped = |what: &str| Error::Stopped(format!("{what} panicked; what was committed stays, start again"));
        let gathered = gathered.map_err(|_| stopped("the thread that gathers batches"))?;
        let committed = committed.map_err(|_| stopped("the thread that commits batches"))?;
        if panicked {
            return Err(stopped("a thread that decodes records"));
        }
        let fenced = shared.fenced.load(Ordering::Relaxed);
        advise(&source);
        let closed = source.close(CLOSE);
        committed?;
        gathered?;
        polled?;
        if let Err(e) = closed {
            tracing::warn!(error = %e, "the consumer did not leave its group in good order");
        }
        Ok(!fenced)
    })
}

/// Waits for the cluster and its topics; `None` where somebody asked to stop before it answered.
fn reached(spec: &PipelineSpec, offsets: &Arc<StoredOffsets>, stop: &Stop) -> Result<Option<KafkaSource>, Error> {
    let offsets: Arc<dyn StartOffsets> = Arc::clone(offsets) as _;
    let mut source = KafkaSource::new("kafka", &spec.source.kafka, offsets)?;
    let (tell, told) = bounded(1);
    // The client cannot be interrupted. Where nobody waits for it any more, its thread ends by itself.
    std::thread::spawn(move || {
        let checked = source.check(PATIENCE);
        drop(tell.send((source, checked)));
    });
    loop {
        match told.recv_timeout(POLL) {
            Ok((source, checked)) => return Ok(checked.map(|()| Some(source))?),
            Err(RecvTimeoutError::Timeout) if stop.asked() => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Stopped("the thread that waits for a broker panicked; start again".to_owned()));
            }
        }
    }
}

fn advise(source: &KafkaSource) {
    let next = source.next_offsets();
    if let Err(e) = source.commit_advisory(&next) {
        tracing::debug!(error = %e, "group offsets were not committed; positions are in the store");
    }
}

fn work(
    engine: &Engine,
    key: FingerprintKey,
    confidence: lineward_classifiers::Confidence,
    choice: FormatChoice,
    chunks: &Receiver<Chunk>,
    done: &Sender<Done>,
) {
    let mut processor = Processor::new(engine, key, confidence, choice);
    for chunk in chunks {
        let Chunk { sequence, records, next, gaps, received_at } = chunk;
        let processed = match &mut processor {
            Ok(processor) => processor.process(&records, received_at),
            Err(e) => Err(Error::Stopped(e.to_string())),
        };
        let processed = processed.and_then(|p| made(p, gaps));
        let bytes = processed.as_ref().map_or(0, |made| made.block.memory_bytes());
        if done.send(Done { sequence, processed, next, received_at, bytes }).is_err() {
            return;
        }
    }
}

fn made(processed: Processed, gaps: Vec<DeadLetterRow>) -> Result<Made, Error> {
    let Processed { events, mut dead_letters, counters } = processed;
    dead_letters.extend(gaps);
    Ok(Made { block: EventBlock::new(events)?, dead_letters, counters })
}

/// Puts chunks back in order and gathers them into batches. While one batch is committed the next one grows.
fn gather_all(
    spec: &PipelineSpec,
    shared: &Shared,
    done: &Receiver<Done>,
    to_committer: &Sender<Pending>,
) -> Result<(), Error> {
    let interval = Duration::from_millis(spec.batch.interval_ms);
    let mut waiting: BTreeMap<u64, Done> = BTreeMap::new();
    let mut next_sequence = 0;
    let mut batch = Pending::default();
    loop {
        let timeout = batch.since.map_or(interval, |since| interval.saturating_sub(since.elapsed())).max(BUSY);
        let open = match done.recv_timeout(timeout) {
            Ok(chunk) => {
                waiting.insert(chunk.sequence, chunk);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        };
        while let Some(chunk) = waiting.remove(&next_sequence) {
            next_sequence += 1;
            batch.add(chunk)?;
        }
        let is_full = batch.counters.records as usize >= spec.batch.records_max || batch.bytes >= spec.batch.bytes_max;
        let due = is_full
            || batch.since.is_some_and(|since| since.elapsed() >= interval)
            // Somebody waits for everything to be committed.
            || (waiting.is_empty() && shared.in_flight.load(Ordering::Acquire) & FLUSH != 0);
        if batch.chunks > 0 && (due || !open) {
            let gathered = std::mem::take(&mut batch);
            // A batch that is full waits for the committer, and all behind it with it; any other goes on growing.
            match if is_full || !open {
                to_committer.send(gathered).map_err(Into::into)
            } else {
                to_committer.try_send(gathered)
            } {
                Ok(()) => {}
                Err(TrySendError::Full(back)) => batch = back,
                // The committer has failed or was fenced, and says so itself.
                Err(TrySendError::Disconnected(_)) => return Ok(()),
            }
        }
        if !open {
            return Ok(());
        }
    }
}

/// Commits batches, one after the other.
fn commit_all(
    spec: &PipelineSpec,
    shared: &Shared,
    batches: &Receiver<Pending>,
    report: &mut impl FnMut(&Counters),
) -> Result<(), Error> {
    for mut batch in batches {
        let chunks = batch.chunks;
        let committed = batch.commit(spec, shared);
        shared.in_flight.fetch_sub(chunks, Ordering::AcqRel);
        match committed {
            Ok(counters) => {
                let mut all = lock(&shared.counters);
                all.add(&counters);
                let now = *all;
                drop(all);
                report(&now);
            }
            Err(Error::Store(lineward_store::Error::Fenced { .. })) => {
                shared.fenced.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Pause of a batch that is due while another is committed.
const BUSY: Duration = Duration::from_millis(2);

/// Bit of `in_flight` that asks the committer to commit at once.
const FLUSH: u64 = 1 << 63;

#[derive(Default)]
struct Pending {
    chunks: u64,
    blocks: Vec<EventBlock>,
    dead_letters: Vec<DeadLetterRow>,
    counters: Counters,
    next: BTreeMap<AppId, i64>,
    received_at: i64,
    bytes: usize,
    since: Option<Instant>,
}

impl Pending {
    fn add(&mut self, chunk: Done) -> Result<(), Error> {
        let processed = chunk.processed?;
        self.since.get_or_insert_with(Instant::now);
        self.chunks += 1;
        self.bytes += chunk.bytes;
        self.received_at = self.received_at.max(chunk.received_at);
        self.counters.add(&processed.counters);
        self.blocks.push(processed.block);
        self.dead_letters.extend(processed.dead_letters);
        for (app_id, next) in chunk.next {
            let at = self.next.entry(app_id).or_default();
            *at = next.max(*at);
        }
        Ok(())
    }

    fn commit(&mut self, spec: &PipelineSpec, shared: &Shared) -> Result<Counters, Error> {
        let batch = std::mem::take(self);
        let app_of =
            |row: &DeadLetterRow| Some(shared.app_id(row.topic.as_deref()?, row.topic_id.as_deref()?, row.partition?));
        let rows = batch.dead_letters.into_iter().map(|row| {
            let app = app_of(&row);
            (row, app)
        });
        let commit = Batch {
            dead_letters: rows.collect(),
            blocks: batch.blocks,
            events: Vec::new(),
            txns: batch.next.into_iter().map(|(app_id, version)| Txn { app_id, version }).collect(),
            writer: format!("run {}", spec.name),
            ruleset: Some(shared.ruleset.clone()),
            received_at: batch.received_at,
        };
        shared.runtime.block_on(lock(&shared.writer).commit(commit))?;
        Ok(batch.counters)
    }
}

/// Polls until the end, in chunks.
fn poll_all(
    source: &mut KafkaSource,
    shared: &Arc<Shared>,
    to_workers: Sender<Chunk>,
    options: &RunOptions,
    stop: &Stop,
) -> Result<(), Error> {
    let mut poller = Poller {
        shared: Arc::clone(shared),
        to_workers,
        records: Vec::new(),
        bytes: 0,
        next: BTreeMap::new(),
        gaps: Vec::new(),
        since: None,
        run: None,
        sequence: 0,
        open: HashMap::new(),
        app_ids: HashMap::new(),
        assigned: false,
    };
    while !stop.asked() && !shared.is_over() {
        match source.poll(POLL)? {
            Polled::Record(record) => poller.record(record),
            Polled::Assigned(starts) => poller.assigned(&starts)?,
            Polled::Revoked(partitions) => poller.revoked(source, partitions),
            Polled::EndOfPartition { topic, partition, offset } => poller.end(&topic, partition, offset),
            Polled::Problem(message) => tracing::warn!("{message}"),
            Polled::Idle => {}
        }
        if poller.is_due() {
            poller.send(source)?;
        }
        if options.until_end && poller.assigned && poller.open.values().all(|open| !open) {
            break;
        }
    }
    poller.send(source)
}

struct Poller {
    shared: Arc<Shared>,
    to_workers: Sender<Chunk>,
    records: Vec<Record>,
    bytes: usize,
    next: BTreeMap<AppId, i64>,
    gaps: Vec<DeadLetterRow>,
    since: Option<Instant>,
    /// Records at hand of one partition, whose end is not in `next` yet.
    run: Option<Run>,
    sequence: u64,
    /// Assigned partitions: whether there is more to read as far as is known.
    open: HashMap<(Arc<str>, i32), bool>,
    app_ids: HashMap<(Arc<str>, i32), AppId>,
    assigned: bool,
}

/// Consecutive records of one partition.
struct Run {
    topic: Arc<str>,
    topic_id: Arc<str>,
    partition: i32,
    /// Behind the last of them.
    next: i64,
}

impl Poller {
    fn record(&mut self, record: Record) {
        let Position::Kafka { topic, topic_id, partition, offset } = &record.position else { return };
        let offset = offset + 1;
        // Records come in runs of one partition: only the first of a run is looked up.
        match &mut self.run {
            Some(run) if run.partition == *partition && Arc::ptr_eq(&run.topic, topic) => run.next = offset,
            _ => {
                let run = Run {
                    topic: Arc::clone(topic),
                    topic_id: Arc::clone(topic_id),
                    partition: *partition,
                    next: offset,
                };
                self.end_run();
                self.run = Some(run);
            }
        }
        self.bytes += record.bytes();
        self.since.get_or_insert_with(Instant::now);
        self.records.push(record);
    }

    /// Notes how far the run of records at hand has come.
    fn end_run(&mut self) {
        let Some(Run { topic, topic_id, partition, next }) = self.run.take() else { return };
        let place = (topic, partition);
        let shared = &self.shared;
        let app_id = self.app_ids.entry(place.clone()).or_insert_with(|| shared.app_id(&place.0, &topic_id, partition));
        self.next.insert(app_id.clone(), next);
        self.open.insert(place, true);
    }

    fn assigned(&mut self, starts: &[PartitionStart]) -> Result<(), Error> {
        if let Some(message) = starts.iter().find_map(truncated) {
            return Err(Error::Stopped(message));
        }
        self.end_run();
        self.assigned = true;
        for start in starts {
            let place = (Arc::clone(&start.topic), start.partition);
            let app_id = self.shared.app_id(&start.topic, &start.topic_id, start.partition);
            // Written with the next commit even if no record comes: a later start must not depend on the policy.
            self.next.insert(app_id.clone(), start.offset);
            self.app_ids.insert(place.clone(), app_id);
            self.open.insert(place, start.offset < start.high_watermark);
            self.since.get_or_insert_with(Instant::now);
            if let Some(gap) = start.gap {
                self.gaps.push(gap_row(start, gap));
            }
        }
        Ok(())
    }

    fn end(&mut self, topic: &Arc<str>, partition: i32, offset: i64) {
        self.end_run();
        let place = (Arc::clone(topic), partition);
        // Control records at the end are handled by being passed.
        if let Some(app_id) = self.app_ids.get(&place)
            && self.next.get(app_id).is_none_or(|at| *at < offset)
        {
            self.next.insert(app_id.clone(), offset);
            self.since.get_or_insert_with(Instant::now);
        }
        self.open.insert(place, false);
    }

    fn is_due(&self) -> bool {
        self.records.len() >= CHUNK_RECORDS
            || self.bytes >= CHUNK_BYTES
            || self.since.is_some_and(|since| since.elapsed() >= LINGER)
    }

    /// Hands the chunk over. While the workers are busy the partitions are paused and polling goes on, until some of them
    /// are revoked: the poll after that gives them back, and before that what was read of them has to be committed.
    fn send(&mut self, source: &mut KafkaSource) -> Result<(), Error> {
        let Some(mut chunk) = self.take_chunk() else { return Ok(()) };
        let (mut paused, mut revoked) = (false, None);
        while let Some(back) = self.hand_over(chunk) {
            chunk = back;
            if revoked.is_some() {
                continue;
            }
            if !paused {
                source.pause()?;
                paused = true;
            }
            match source.poll(Duration::ZERO)? {
                Polled::Record(record) => self.record(record),
                Polled::Assigned(starts) => self.assigned(&starts)?,
                Polled::EndOfPartition { topic, partition, offset } => self.end(&topic, partition, offset),
                Polled::Problem(message) => tracing::warn!("{message}"),
                Polled::Revoked(partitions) => revoked = Some(partitions),
                Polled::Idle => {}
            }
        }
        if paused {
            source.resume()?;
        }
        if let Some(partitions) = revoked {
            self.revoked(source, partitions);
        }
        Ok(())
    }

    /// Commits what was read of partitions that go back with the next poll. Where that takes too long they may come back
    /// before it is committed, and would be read again: then all that is in hand is stale.
    fn revoked(&mut self, source: &KafkaSource, partitions: Vec<(Arc<str>, i32)>) {
        if let Some(mut chunk) = self.take_chunk() {
            while let Some(back) = self.hand_over(chunk) {
                chunk = back;
            }
        }
        if !flush(&self.shared.in_flight, || self.shared.is_over(), FLUSH_MAX) {
            self.shared.fenced.store(true, Ordering::Relaxed);
        }
        for place in partitions {
            self.open.remove(&place);
        }
        advise(source);
    }

    /// What is at hand, as a chunk; counted as on its way.
    fn take_chunk(&mut self) -> Option<Chunk> {
        self.since.take()?;
        self.end_run();
        let chunk = Chunk {
            sequence: self.sequence,
            records: std::mem::take(&mut self.records),
            next: std::mem::take(&mut self.next),
            gaps: std::mem::take(&mut self.gaps),
            received_at: now_micros(),
        };
        self.sequence += 1;
        self.bytes = 0;
        self.shared.in_flight.fetch_add(1, Ordering::AcqRel);
        Some(chunk)
    }

    /// Tries to hand a chunk to the workers, for a moment; gives it back where they are still busy.
    fn hand_over(&self, chunk: Chunk) -> Option<Chunk> {
        match self.to_workers.send_timeout(chunk, Duration::from_millis(200)) {
            Err(crossbeam_channel::SendTimeoutError::Timeout(back)) if !self.shared.is_over() => Some(back),
            // It is on its way; or the workers are gone, as the committer failed or was fenced and says so itself.
            _ => None,
        }
    }
}

/// How long a revocation waits for what was read to be committed.
const FLUSH_MAX: Duration = Duration::from_secs(60);

/// Waits until everything that was handed over is committed; `false` where it was not in time.
fn flush(in_flight: &AtomicU64, is_over: impl Fn() -> bool, patience: Duration) -> bool {
    in_flight.fetch_or(FLUSH, Ordering::AcqRel);
    let deadline = Instant::now() + patience;
    let is_open = || in_flight.load(Ordering::Acquire) & !FLUSH != 0;
    while is_open() && !is_over() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    in_flight.fetch_and(!FLUSH, Ordering::AcqRel);
    !is_open()
}

/// What to do about a partition that ends before its position. A position in the store never goes back, so nothing of it
/// could be stored until it has grown past the position, and what it holds up to there would be skipped.
fn truncated(start: &PartitionStart) -> Option<String> {
    let gap = start.gap.filter(|gap| gap.cause == GapCause::Truncated)?;
    let PartitionStart { topic, partition, .. } = start;
    Some(format!(
        "`{topic}` partition {partition} ends at offset {}, before offset {} where the store goes on: the broker has lost \
         records, and offsets are given anew. Take the topic out of this pipeline and give it one of its own, which then \
         reads it from its start; under another `name` this pipeline would store every record of all its topics again",
        gap.to, gap.from
    ))
}

/// A range that was lost before it was read, as a dead letter: nothing is skipped in silence.
fn gap_row(start: &PartitionStart, gap: Gap) -> DeadLetterRow {
    let reason = match gap.cause {
        GapCause::Retention => "gap_retention",
        GapCause::Truncated => "gap_truncated",
    };
    DeadLetterRow {
        source: "kafka".into(),
        topic: Some(start.topic.to_string()),
        topic_id: Some(start.topic_id.to_string()),
        partition: Some(start.partition),
        offset: Some(gap.from),
        ordinal: 0,
        reason: reason.to_owned(),
        place: format!("offsets {} to {} are not on the broker any more", gap.from, gap.to),
        size_bytes: 0,
        payload_hmac: None,
        received_at: now_micros(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_fails_the_run() {
        let failed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let good = scope.spawn(|| drop(FailsWithThread(&failed)));
            assert!(good.join().is_ok() && !failed.load(Ordering::Relaxed));
            let bad = scope.spawn(|| {
                let _fails = FailsWithThread(&failed);
                std::panic::resume_unwind(Box::new("on purpose"));
            });
            assert!(bad.join().is_err() && failed.load(Ordering::Relaxed));
        });
    }

    #[test]
    fn a_log_that_ends_before_its_position_stops_the_pipeline() {
        let start = |gap| PartitionStart {
            topic: "t".into(),
            topic_id: "-".into(),
            partition: 3,
            offset: 9,
            high_watermark: 9,
            gap,
        };
        let gap = |cause| Some(Gap { from: 10, to: 9, cause });
        assert_eq!(truncated(&start(None)), None);
        assert_eq!(truncated(&start(gap(GapCause::Retention))), None);
        let said = truncated(&start(gap(GapCause::Truncated))).expect("a message");
        assert!(said.contains("offset 9") && said.contains("offset 10"), "{said}");
        // Positions are kept under the name of a pipeline: another name doubles all other topics.
        assert!(said.contains("Take the topic out of this pipeline") && said.contains("store every record"), "{said}");
    }

    #[test]
    fn a_flush_says_whether_all_was_committed_in_time() {
        let in_flight = AtomicU64::new(2);
        assert!(!flush(&in_flight, || false, Duration::from_millis(20)), "nobody commits");
        assert!(!flush(&in_flight, || true, Duration::from_secs(60)), "nobody will");
        assert_eq!(in_flight.load(Ordering::Relaxed), 2, "nothing is asked for any more");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while in_flight.load(Ordering::Acquire) & FLUSH == 0 {
                    std::thread::yield_now();
                }
                in_flight.fetch_sub(2, Ordering::AcqRel);
            });
            assert!(flush(&in_flight, || false, Duration::from_secs(60)));
        });
    }
}
