//! Scans on a cluster: the inputs are cut into shares, executors scan them, and what they tell is put together here to
//! the findings and reports of a scan on one machine, in the same order.
//!
//! What travels to an executor: paths, options, the user's own rules, the id of the key. What comes back: findings as they
//! are reported, with keyed fingerprints and redacted previews, and counts. No value, no key. What an executor told of a
//! group of shares counts when all of it is here; if it is lost before, the group is scanned again elsewhere.

mod order;

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
use lineward_classifiers::readers::{BinaryPolicy, Format, Header, Limits};
use lineward_classifiers::scan::share::{self, Gather, Piece, Share};
use lineward_classifiers::scan::{Ner, Progress, Sample, ScanInput, ScanOptions, Settling, Sink};
use lineward_classifiers::{Category, Confidence, Engine, RuleSet};
use order::{Group, place};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes of a group of shares, at least; about as much as is scanned again when an executor is lost.
const GROUP_BYTES_MIN: u64 = 16 << 20;
/// And at the most: what was told of a group is held in memory as a whole.
const GROUP_BYTES_MAX: u64 = 256 << 20;
/// Groups of a job, and bytes of their descriptions, at the most, so that plans stay small; a scan has as many jobs as it
/// takes.
const JOB_GROUPS_MAX: usize = 512;
const JOB_BYTES_MAX: usize = 32 << 20;
/// How often what was lost is scanned, at the most.
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
    header: Header,
    hash_content: bool,
    sketch_content: bool,
    limits: Limits,
    decode: bool,
    ner: Ner,
    sample: Option<Sample>,
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
    let usual = || (total / JOB_GROUPS_MAX as u64).clamp(GROUP_BYTES_MIN, GROUP_BYTES_MAX);
    let group_bytes = order.group_bytes.unwrap_or_else(usual);
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
            let before = next;
            attempts += 1;
            let tried = tokio::select! {
                tried = self.attempt(&missing, &mut waiting, &mut next, gather, sink) => tried,
                () = self.stopped() => return Ok(false),
            };
            if next > before {
                attempts = 1;
            }
            match tried {
                // What executors took with them is scanned again by others.
                Err(Error::Lost { .. }) if attempts < ATTEMPTS => {}
                other => other?,
            }
        }
        Ok(true)
    }

    /// Scans these groups, a job of them after the other, and gives what is due to the gatherer. Ends with the first job of
    /// which something is lost, since what comes behind it would have to wait in memory.
    async fn attempt(
        &self,
        missing: &[usize],
        waiting: &mut Waiting,
        next: &mut usize,
        gather: &mut Gather<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let mut rest = missing;
        while !rest.is_empty() {
            let (plan, count) = self.plan(rest)?;
            let (groups, later) = rest.split_at(count);
            self.job(plan, groups, waiting, next, gather, sink).await?;
            rest = later;
        }
        Ok(())
    }

    async fn job(
        &self,
        plan: Vec<u8>,
        groups: &[usize],
        waiting: &mut Waiting,
        next: &mut usize,
        gather: &mut Gather<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Error> {
        let mut job = self.cluster.submit(plan, &SessionConfig::new_with_ballista()).await?;
        let locations = job.done().await?;
        let mut lost = None;
        for (at, group) in groups.iter().enumerate() {
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
        job.clean().await;
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

    /// A plan of the first of these groups, and how many are in it.
    fn plan(&self, groups: &[usize]) -> Result<(Vec<u8>, usize), Error> {
        let (mut texts, mut bytes) = (Vec::new(), 0);
        for group in groups.iter().take(JOB_GROUPS_MAX) {
            let shares = self.groups.get(*group).into_iter().flatten();
            let of_input = shares.filter_map(|share| Some((share, self.order.inputs.get(share.input)?)));
            let text = written(&Group::of(of_input))?;
            bytes += text.len();
            if bytes > JOB_BYTES_MAX && !texts.is_empty() {
                break;
            }
            texts.push(vec![text]);
        }
        let count = texts.len();
        // The plan is made here and computed elsewhere, so this process needs no key for it.
        let site = Arc::new(Site::new(self.cluster.identity.clone(), || Err("not here".to_owned())));
        let plan = PartsExec::of(texts, Work::Scan(self.work.clone()), site.clone(), schema())?;
        Ok((Cluster::write(Arc::new(plan), &Codec::asking(site, Arc::new(|| None)))?, count))
    }

    async fn stopped(&self) {
        while !self.progress.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
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
            header: options.header,
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
            header: self.header,
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
        let group: Group = serde_json::from_str(group).map_err(|e| error::of_task(format!("a share: {e}")))?;
        let options = self.settings.options(key);
        let mut builder = RecordBatchReceiverStream::builder(schema.clone(), 4);
        let rows = builder.tx();
        builder.spawn_blocking(move || {
            let mut teller = Teller { schema, rows, shares: Vec::new(), texts: Vec::new(), gone: false };
            for ((number, order), called) in (0u32..).zip(&group.orders).zip(group.called()) {
                let input = ScanInput { called, ..order.input() };
                teller.share(number, (&order.share, &input), &engine, &options)?;
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
    fn share(
        &mut self,
        number: u32,
        (share, input): (&Share, &ScanInput),
        engine: &Engine,
        options: &ScanOptions,
    ) -> PlanResult<()> {
        let progress = Progress::default();
        let scanned = share::scan_share(engine, input, share, options, &progress, &mut |piece| {
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
    fn options_travel() {
        let key = lineward_classifiers::FingerprintKey::new(&[7; 32]).expect("a key");
        let options = ScanOptions { header: Header::Present, ner: Ner::Off, ..ScanOptions::new(key.clone()) };
        let text = serde_json::to_string(&Settings::of(&options)).expect("it is written");
        let read: Settings = serde_json::from_str(&text).expect("it is read");
        let read = read.options(key);
        assert_eq!((read.header, read.ner), (Header::Present, Ner::Off));
    }
}
