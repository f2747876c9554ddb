//! Scans on a cluster: the inputs are cut into shares, executors scan them, and what they tell is put together here to
//! the findings and reports of a scan on one machine, in the same order.
//!
//! What travels to an executor: paths, options, the user's own rules, the id of the key. What comes back: findings as they
//! are reported, with keyed fingerprints and redacted previews, and counts. No value, no key. What an executor told of a
//! group of shares counts when all of it is here; if it is lost before, the group is scanned again elsewhere.

use crate::client::{Cluster, Job};
use crate::codec::Codec;
use crate::identity::Identity;
use crate::parts::{PartsExec, Work};
use crate::site::Site;
use crate::tables::written;
use crate::{Error, error};
use ballista_core::extension::SessionConfigExt as _;
use datafusion::arrow::array::{AsArray, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt as _;
use lineward_classifiers::readers::{BinaryPolicy, Format, Limits};
use lineward_classifiers::scan::share::{self, Gather, Piece, Share};
use lineward_classifiers::scan::{Ner, Progress, Sample, ScanInput, ScanOptions, Settling, Sink};
use lineward_classifiers::{Category, Confidence, Engine, RuleSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes of a group of shares, at least; about as much as is scanned again when an executor is lost.
const GROUP_BYTES_MIN: u64 = 16 << 20;
/// Groups of a scan, at the most, so that plans stay small.
const GROUPS_MAX: u64 = 512;
/// How often what was lost is scanned again.
const ATTEMPTS: usize = 3;
/// What is told in one batch.
const BATCH_ROWS: usize = 256;
/// Time between looks whether the scan is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Which rules a scan has, in a form that travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChoice {
    /// Globs over the ids of detectors; none is all.
    pub detectors: Vec<String>,
    /// Categories; none is all.
    pub categories: Vec<Category>,
    /// The user's own rule files: name and text.
    pub files: Vec<(String, String)>,
}

impl RuleChoice {
    /// The rules that are meant.
    pub(crate) fn rules(&self) -> Result<RuleSet, Error> {
        let rules = RuleSet::built_in()?;
        let rules = match self.files.is_empty() {
            true => rules,
            false => rules.with_files(self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())))?,
        };
        Ok(rules.select(&self.detectors, &self.categories)?)
    }
}

/// A scan to be done.
pub struct ScanOrder<'a> {
    /// The engine of this process, with the same rules; it puts together what the executors tell.
    pub engine: &'a Engine,
    /// Its rules.
    pub rules: RuleChoice,
    /// What is scanned.
    pub inputs: &'a [ScanInput],
    /// How. Values are not shown and nothing is kept for later scans.
    pub options: &'a ScanOptions,
    /// Bytes of a group of shares, where it is not to be chosen.
    pub group_bytes: Option<u64>,
}

/// What an executor does with the shares of a scan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScanWork {
    planned_by: Identity,
    rules: RuleChoice,
    /// Hash of these rules.
    rules_hash: String,
    key: String,
    settings: Settings,
}

/// The options of a scan as they travel: all but the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Settings {
    format: Option<String>,
    fields: Vec<String>,
    confidence_min: Confidence,
    binary: BinaryPolicy,
    hash_content: bool,
    sketch_content: bool,
    limits: Limits,
    decode: bool,
    ner: Ner,
    sample: Option<Sample>,
}

/// A share with its input.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    share: Share,
    /// Where the input is, for every process.
    place: PathBuf,
    in_bucket: bool,
    size_bytes: u64,
}

/// Scans on a cluster. Findings and reports reach the sink in input order. Where the progress says stop, what was told
/// until then has reached it.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::Refused`], [`Error::Failed`] where an executor cannot do it, and where one after the
/// other is lost.
pub fn scan(cluster: &Cluster, order: &ScanOrder<'_>, progress: &Progress, sink: &mut dyn Sink) -> Result<(), Error> {
    let system = |source| Error::System { what: "cannot start threads", source };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(system)?;
    let options = share::settled(order.options);
    let total = order.inputs.iter().map(|input| input.size_bytes).fold(0, u64::saturating_add);
    let group_bytes = order.group_bytes.unwrap_or_else(|| GROUP_BYTES_MIN.max(total / GROUPS_MAX));
    let groups = share::shares(order.engine, order.inputs, &options, group_bytes)?;
    let work = ScanWork {
        planned_by: cluster.identity.clone(),
        rules: order.rules.clone(),
        rules_hash: order.engine.rules().hash().to_owned(),
        key: options.key.id().to_owned(),
        settings: Settings::of(&options),
    };
    let driver = Driver { cluster, order, work, groups: &groups, progress };
    let mut gather = Gather::new(order.engine, order.inputs, &options, progress)?;
    let mut settling = Settling::new(options.confidence_min, sink);
    let whole = runtime.block_on(driver.run(&mut gather, &mut settling));
    // Cancelling a job takes a moment after its client let go of it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if whole? {
        gather.finish(&mut settling);
    }
    settling.end();
    Ok(())
}

struct Driver<'a> {
    cluster: &'a Cluster,
    order: &'a ScanOrder<'a>,
    work: ScanWork,
    groups: &'a [Vec<Share>],
    progress: &'a Progress,
}

/// What was told of each group that has not been its turn yet.
type Waiting = BTreeMap<usize, Vec<Piece>>;

impl Driver<'_> {
    /// Scans all groups; false where it was stopped.
    async fn run(&self, gather: &mut Gather<'_>, sink: &mut dyn Sink) -> Result<bool, Error> {
        let (mut waiting, mut next) = (Waiting::new(), 0);
        let mut attempts = 0;
        while next < self.groups.len() {
            let missing: Vec<usize> = (next..self.groups.len()).filter(|group| !waiting.contains_key(group)).collect();
            attempts += 1;
            let tried = tokio::select! {
                tried = self.attempt(&missing, &mut waiting, &mut next, gather, sink) => tried,
                () = self.stopped() => return Ok(false),
            };
            match tried {
                // What executors took with them is scanned again by others.
                Err(Error::Lost { .. }) if attempts < ATTEMPTS => {}
                other => other?,
            }
        }
        Ok(true)
    }

    /// Scans these groups, and gives what is due to the gatherer.
    async fn attempt(
        &self,
        missing: &[usize],
        waiting: &mut Waiting,
        next: &mut usize,
        gather: &mut Gather<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let config = SessionConfig::new_with_ballista();
        let mut job = self.cluster.submit(self.plan(missing)?, &config).await?;
        let locations = job.done().await?;
        let mut lost = None;
        for (at, group) in missing.iter().enumerate() {
            let parts =
                locations.iter().filter(|l| l.partition_id.as_ref().is_some_and(|id| id.partition_id as usize == at));
            match told(&job, parts).await {
                Ok(told) if self.is_whole(*group, &told) => drop(waiting.insert(*group, told)),
                Ok(_) => return Err(Error::Failed("an executor told less of its part than all".to_owned())),
                Err(e @ Error::Lost { .. }) => lost = Some(e),
                Err(e) => return Err(e),
            }
            while let Some(told) = waiting.remove(next) {
                self.give(*next, told, gather, sink);
                *next += 1;
            }
        }
        lost.map_or(Ok(()), Err)
    }

    fn is_whole(&self, group: usize, told: &[Piece]) -> bool {
        let done = told.iter().filter(|told| matches!(told, Piece::Done(_))).count();
        self.groups.get(group).is_some_and(|shares| shares.len() == done)
    }

    fn give(&self, group: usize, told: Vec<Piece>, gather: &mut Gather<'_>, sink: &mut dyn Sink) {
        let mut told = told.into_iter();
        for share in self.groups.get(group).into_iter().flatten() {
            let mut ended = false;
            let pieces = std::iter::from_fn(|| {
                let piece = if ended { None } else { told.next() };
                ended |= matches!(piece, Some(Piece::Done(_)));
                piece
            });
            gather.share(share, pieces.map(|piece| self.named(share, piece)), sink);
        }
    }

    /// A finding names the input as it was given here; an executor has opened it by its absolute path.
    fn named(&self, share: &Share, piece: Piece) -> Piece {
        let Piece::Finding(part, mut finding) = piece else { return piece };
        if let Some(input) = self.order.inputs.get(share.input) {
            let place = place(input).to_string_lossy().into_owned();
            let given = input.path.to_string_lossy();
            if let Some(inside) = finding.path.strip_prefix(&place) {
                finding.path = format!("{given}{inside}");
            }
        }
        Piece::Finding(part, finding)
    }

    fn plan(&self, groups: &[usize]) -> Result<Vec<u8>, Error> {
        let texts = groups.iter().map(|group| {
            let shares = self.groups.get(*group).into_iter().flatten();
            let orders: Vec<Order> = shares.filter_map(|share| self.one(share)).collect();
            written(&orders).map(|text| vec![text])
        });
        let texts = texts.collect::<PlanResult<Vec<_>>>()?;
        // The plan is made here and computed elsewhere, so this process needs no key for it.
        let site = Arc::new(Site::new(self.cluster.identity.clone(), || Err("not here".to_owned())));
        let plan = PartsExec::of(texts, Work::Scan(self.work.clone()), site.clone(), schema())?;
        Cluster::write(Arc::new(plan), &Codec::asking(site, Arc::new(|| None)))
    }

    fn one(&self, share: &Share) -> Option<Order> {
        let input = self.order.inputs.get(share.input)?;
        Some(Order {
            share: share.clone(),
            place: place(input),
            in_bucket: input.source.is_some(),
            size_bytes: input.size_bytes,
        })
    }

    async fn stopped(&self) {
        while !self.progress.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Where an input is: an absolute path, or its URL.
fn place(input: &ScanInput) -> PathBuf {
    match input.source {
        Some(_) => input.path.clone(),
        None => std::path::absolute(&input.path).unwrap_or_else(|_| input.path.clone()),
    }
}

/// All that was told of a group.
async fn told<'a>(
    job: &Job,
    locations: impl Iterator<Item = &'a ballista_core::serde::protobuf::PartitionLocation>,
) -> Result<Vec<Piece>, Error> {
    let mut told = Vec::new();
    for location in locations {
        let mut batches = job.fetch(location).await?;
        loop {
            let batch = batches.try_next().await.map_err(|_| Error::Lost {
                executor: location
                    .executor_meta
                    .as_ref()
                    .map_or_else(String::new, |e| format!("{}:{}", e.host, e.port)),
                problem: "it stopped in the middle".to_owned(),
            })?;
            let Some(batch) = batch else { break };
            for text in batch.column(1).as_string::<i32>().iter().flatten() {
                let piece = Piece::read(text);
                told.push(piece.map_err(|e| Error::Failed(format!("what an executor told cannot be read: {e}")))?);
            }
        }
    }
    Ok(told)
}

impl Settings {
    fn of(options: &ScanOptions) -> Self {
        Self {
            format: options.format.map(|format| format.as_str().to_owned()),
            fields: options.fields.clone(),
            confidence_min: options.confidence_min,
            binary: options.binary,
            hash_content: options.hash_content,
            sketch_content: options.sketch_content,
            limits: options.limits,
            decode: options.decode,
            ner: options.ner,
            sample: options.sample,
        }
    }

    fn options(&self, key: lineward_classifiers::FingerprintKey) -> ScanOptions {
        ScanOptions {
            format: self.format.as_deref().and_then(Format::parse),
            fields: self.fields.clone(),
            confidence_min: self.confidence_min,
            binary: self.binary,
            hash_content: self.hash_content,
            sketch_content: self.sketch_content,
            limits: self.limits,
            decode: self.decode,
            ner: self.ner,
            sample: self.sample,
            ..ScanOptions::new(key)
        }
    }
}

/// Rows of what is told: the number of the share in its group, and the piece as JSON.
fn schema() -> SchemaRef {
    let fields = [("share", DataType::UInt32), ("told", DataType::Utf8)];
    Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec()))
}

impl ScanWork {
    /// Scans a group of shares, on a thread of its own.
    pub fn open(&self, group: &str, site: Arc<Site>, schema: SchemaRef) -> PlanResult<SendableRecordBatchStream> {
        site.check(&self.planned_by)?;
        let key = site.key_of(&self.key)?.clone();
        let engine = site.engine(&self.rules).map_err(error::of_task)?;
        if engine.rules().hash() != self.rules_hash {
            let (own, wanted) = (engine.rules().hash(), &self.rules_hash);
            return Err(error::of_task(format!(
                "an executor has the rule set {own} and not {wanted}; run one build of Lineward everywhere"
            )));
        }
        let orders: Vec<Order> = serde_json::from_str(group).map_err(|e| error::of_task(format!("a share: {e}")))?;
        let options = self.settings.options(key);
        let mut builder = RecordBatchReceiverStream::builder(schema.clone(), 4);
        let rows = builder.tx();
        builder.spawn_blocking(move || {
            let mut teller = Teller { schema, rows, shares: Vec::new(), texts: Vec::new(), gone: false };
            for (number, order) in (0u32..).zip(&orders) {
                teller.share(number, order, &engine, &options)?;
            }
            teller.send();
            Ok(())
        });
        Ok(builder.build())
    }
}

/// Gathers what is told into batches, and sends them.
struct Teller {
    schema: SchemaRef,
    rows: tokio::sync::mpsc::Sender<PlanResult<RecordBatch>>,
    shares: Vec<u32>,
    texts: Vec<String>,
    /// Nobody wants to know any more.
    gone: bool,
}

impl Teller {
    fn share(&mut self, number: u32, order: &Order, engine: &Engine, options: &ScanOptions) -> PlanResult<()> {
        let input = order.input()?;
        let progress = Progress::default();
        let scanned = share::scan_share(engine, &input, &order.share, options, &progress, &mut |piece| {
            self.tell(number, &piece);
            if self.gone {
                progress.stop.store(true, Ordering::Relaxed);
            }
        });
        scanned.map_err(error::of_task)?;
        match self.gone {
            true => Err(DataFusionError::Execution("nobody waits for it any more".to_owned())),
            false => Ok(()),
        }
    }

    fn tell(&mut self, share: u32, piece: &Piece) {
        self.shares.push(share);
        self.texts.push(piece.write());
        if self.texts.len() >= BATCH_ROWS {
            self.send();
        }
    }

    fn send(&mut self) {
        let shares = UInt32Array::from(std::mem::take(&mut self.shares));
        let texts = StringArray::from(std::mem::take(&mut self.texts));
        let batch = RecordBatch::try_new(self.schema.clone(), vec![Arc::new(shares), Arc::new(texts)]);
        self.gone |= self.rows.blocking_send(batch.map_err(DataFusionError::from)).is_err();
    }
}

impl Order {
    /// The input, if it is what it was where the scan was asked for.
    fn input(&self) -> PlanResult<ScanInput> {
        const DO: &str = "every executor has to read the inputs under the same path: put them on a file system that all \
                          share, or in a bucket";
        let name = self.place.display();
        if self.in_bucket {
            let listed = lineward_pipelines::scan_inputs(std::slice::from_ref(&self.place));
            let found = listed.into_iter().find(|input| input.path == self.place);
            let missing = || error::of_task(format!("an executor cannot reach `{name}`; {DO}"));
            return found.filter(|input| input.problem.is_none()).ok_or_else(missing);
        }
        match std::fs::metadata(&self.place) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(error::of_task(format!("`{name}` is not there for an executor; {DO}")))
            }
            Ok(found) if found.is_file() && found.len() != self.size_bytes => Err(error::of_task(format!(
                "`{name}` has another size for an executor than where the scan was asked for: it was changed meanwhile, \
                 or it is another file; {DO}"
            ))),
            // What else keeps it from being read is told of the input, as everywhere.
            _ => Ok(ScanInput::file(self.place.clone(), self.size_bytes)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Work that looks for everything.
    pub(crate) fn work(planned_by: &Identity) -> ScanWork {
        let key = lineward_classifiers::FingerprintKey::new(&[7; 32]).expect("a key");
        ScanWork {
            planned_by: planned_by.clone(),
            rules: RuleChoice { detectors: Vec::new(), categories: Vec::new(), files: Vec::new() },
            rules_hash: planned_by.rules.clone(),
            key: key.id().to_owned(),
            settings: Settings::of(&ScanOptions::new(key)),
        }
    }

    #[test]
    fn an_input_that_is_not_there_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let order = |name: &str, size_bytes| Order {
            share: Share { input: 0, parts: 0..u64::MAX },
            place: folder.path().join(name),
            in_bucket: false,
            size_bytes,
        };
        std::fs::write(folder.path().join("a.txt"), "four").expect("written");
        assert!(order("a.txt", 4).input().is_ok());
        for (name, size_bytes, told) in [("b.txt", 4, "is not there for an executor"), ("a.txt", 5, "another size")] {
            let error = order(name, size_bytes).input().expect_err(name).to_string();
            assert!(error.contains(told) && error.contains("in a bucket"), "{error}");
        }
    }

    #[test]
    fn a_place_is_absolute() {
        assert!(place(&ScanInput::file("a/b.txt".into(), 1)).is_absolute());
    }
}
