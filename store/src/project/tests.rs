//! The projector on events written as lines of text.
//!
//! A line is `TIME VERB ...`: `10 run r1 COMPLETE etl: d:raw f:x+validation -> m:notes@1 cols d:raw>d:out*` (`*` is
//! masked; `from d:out<d:raw` before it says where an output comes from), `10 job etl: d:a -> d:b`, `10 declare d:a<d:b`, `10 see f:data/x#7` (`#` a content), `10 sign f:data/x#7 0-200 KEY` (what its
//! content has, as numbers), `10 drop d:a`, `10 alias d:a d:b`, `10 link DERIVED d:a d:b`, `10 read d:a`, `10 write d:a`, `10 find f:x US_SSN pii`. The letter is the type: `d`ata
//! set, `f`ile, `t`able, `m`odel, `e`ndpoint. Edges print as `TYPE source -> destination by RUN EVIDENCE`.
//!
//! [`SCENARIOS`] are swept: each must survive a replay, any cut into batches and a restart after any event; those that
//! are marked so, any order.

mod growth;

use super::*;
use lineward_events::{
    Access, AccessAction, AssetRef, AssetType, ColumnMapping, DataFinding, DeclaredSources, EventKey, Evidence,
    FindingOrigin, Inputs, Io, JobInfo, JobRef, Link, MappingType, RunInfo, RunState as State, Signature, Signed,
    Sources, VersionScheme,
};
use std::collections::BTreeSet;

const NAMESPACE: &str = "s3://lake";

/// A projector that is told lines.
#[derive(Default)]
struct World {
    projector: Projector,
    told: i64,
    stored: Rows,
}

impl World {
    fn after(events: &str) -> Self {
        let mut world = Self::default();
        lines(events).for_each(|line| world.tell(line));
        world
    }

    fn tell(&mut self, line: &str) {
        self.told += 1;
        let (context, statement) = parse(line, self.told);
        self.projector.apply(&context, &[statement]);
    }

    /// Its rows, current and retracted, as a store holds them.
    fn projector_rows(&mut self) -> Rows {
        let mut rows = Rows::default();
        extend(&mut rows, self.projector.take_rows());
        extend(&mut self.stored, rows);
        self.stored.clone_rows()
    }

    fn name(&self, version_id: i64) -> String {
        let version = self.projector.versions.get(&version_id).expect("a version");
        let asset = self.projector.assets.get(&version.asset_id).expect("an asset");
        match version.version.starts_with("event:") {
            // A hash says nothing to a reader; the time of the event does.
            true => format!("{}@event:{}", asset.name, version.valid_from),
            false => format!("{}@{}", asset.name, version.version),
        }
    }

    fn run(&self, sid: i64) -> &RunRow {
        self.projector.runs.get(&sid).expect("a run")
    }

    fn edges(&self) -> Vec<String> {
        let mut out: Vec<String> = self.projector.edges.iter().map(|e| self.edge(e)).collect();
        out.sort();
        out
    }

    fn edge(&self, e: &EdgeRow) -> String {
        let by = e.run_sid.map(|sid| format!(" by {}", self.run(sid).run_id)).unwrap_or_default();
        let masked = if e.masking { " masked" } else { "" };
        let (src, dst) = (self.name(e.src_version_id), self.name(e.dst_version_id));
        let until = e.valid_to.map(|at| format!(" until {at}")).unwrap_or_default();
        format!("{} {src} -> {dst}{by} {}{masked}{until}", e.edge_type, e.evidence)
    }

    fn io(&self) -> Vec<String> {
        let row = |r: &RunIoRow| {
            let (run, version) = (&self.run(r.run_sid).run_id, self.name(r.version_id));
            format!("{run} {} {version} {} {} at {}", r.io, r.context, r.evidence, r.event_time)
        };
        let mut out: Vec<String> = self.projector.run_io.iter().map(row).collect();
        out.sort();
        out
    }

    fn runs(&self) -> Vec<String> {
        let row = |r: &RunRow| {
            let job = &self.projector.jobs.get(&r.job_id).expect("a job").name;
            let (from, to) = (r.started_at, r.ended_at);
            format!("{} {} of {job} {from:?}..{to:?} inputs known: {}", r.run_id, r.state, r.inputs_known)
        };
        let mut out: Vec<String> = self.projector.runs.iter().map(row).collect();
        out.sort();
        out
    }

    /// What must not depend on the order of events: runs, their inputs and outputs, edges; by names, not by ids. Edges
    /// by declaration say since when they are known, which does depend on it; those of runs and of contents do not.
    fn graph(&self) -> String {
        let of_content = [EdgeType::Contains, EdgeType::CopyOf, EdgeType::NearDuplicate].map(EdgeType::as_str);
        let is_dated = |e: &&EdgeRow| e.run_sid.is_some() || of_content.contains(&&*e.edge_type);
        let of_run = self.projector.edges.iter().filter(is_dated);
        let mut since: Vec<String> = of_run.map(|e| format!("{} since {}", self.edge(e), e.valid_from)).collect();
        since.sort();
        [self.runs(), self.io(), self.edges(), since].concat().join("\n")
    }
}

fn lines(events: &str) -> impl Iterator<Item = &str> {
    events.lines().map(str::trim).filter(|l| !l.is_empty())
}

fn parse(line: &str, received_at: Micros) -> (Context, Statement) {
    let (at, said) = line.split_once(' ').expect("a time");
    let (verb, rest) = said.split_once(' ').expect("a verb");
    let words: Vec<&str> = rest.split_whitespace().collect();
    let event_key = Hash(EventKey::of_canonical(line).0);
    let context = Context { event_key, received_at: 1_000 + received_at, at: at.parse().expect("a number") };
    let statement = match verb {
        "run" => Statement::Run(Box::new(run(&words))),
        "job" => Statement::Job(Box::new(job(&words))),
        "declare" => Statement::Sources(Box::new(declared_sources(&words))),
        "see" => Statement::Asset(asset(words[0])),
        "sign" => Statement::Signed(Box::new(signed(&words))),
        "members" => Statement::Members(asset(words[0]), words[1].parse().expect("a count")),
        "drop" => Statement::Dropped(asset(words[0])),
        "alias" => Statement::Alias(asset(words[0]), asset(words[1])),
        "link" => Statement::Link(link(&words)),
        "read" => Statement::Access(access(AccessAction::Read, words[0])),
        "write" => Statement::Access(access(AccessAction::Write, words[0])),
        "find" => Statement::Finding(finding(&words)),
        other => panic!("no verb `{other}`"),
    };
    (context, statement)
}

/// `letter:name[@version][#content]`.
fn asset(word: &str) -> AssetRef {
    let (letter, name) = word.split_once(':').expect("a type");
    let asset_type = match letter {
        "f" => AssetType::File,
        "t" => AssetType::Table,
        "m" => AssetType::Model,
        "e" => AssetType::Deployment,
        _ => AssetType::Dataset,
    };
    let (name, content) = name.split_once('#').map_or((name, None), |(n, c)| (n, Some(c)));
    let (name, version) = name.split_once('@').map_or((name, None), |(n, v)| (n, Some(v)));
    let mut asset = AssetRef::new(asset_type, NAMESPACE, name);
    if let Some(version) = version {
        asset = asset.at(VersionScheme::Declared, version);
    }
    asset.content_sha256 = content.map(|c| [c.parse().expect("a byte"); 32]);
    asset
}

fn io(word: &str) -> Io {
    let (name, context) = word.split_once('+').map_or((word, None), |(n, c)| (n, Some(c)));
    Io { context: context.map(str::to_owned), ..Io::new(asset(name)) }
}

/// Inputs and outputs of `a b -> c d`.
fn ios(words: &[&str]) -> (Vec<Io>, Vec<Io>) {
    let arrow = words.iter().position(|w| *w == "->").unwrap_or(words.len());
    let of = |words: &[&str]| words.iter().map(|w| io(w)).collect();
    (of(&words[..arrow]), of(words.get(arrow + 1..).unwrap_or_default()))
}

fn job_ref(name: &str) -> JobRef {
    JobRef { namespace: "jobs".into(), name: name.trim_end_matches(':').into() }
}

fn run(words: &[&str]) -> RunInfo {
    const STATES: [State; 6] = [State::Other, State::Start, State::Running, State::Abort, State::Fail, State::Complete];
    let state = STATES.into_iter().find(|s| s.as_str() == words[1]).expect("a state");
    let mut run = RunInfo::new(words[0], job_ref(words[2]), state);
    if !words[2].ends_with(':') {
        return run;
    }
    run.inputs_known = Inputs::Declared;
    ((run.inputs, run.outputs), run.sources, run.columns) = lineage(&words[3..]);
    run
}

/// Inputs and outputs.
type Ends = (Vec<Io>, Vec<Io>);

/// `a b -> c d from c<a d< cols a>c`: inputs, outputs, where single outputs come from, and columns.
fn lineage(words: &[&str]) -> (Ends, Vec<Sources>, Vec<ColumnMapping>) {
    let at = |word: &str| words.iter().position(|w| *w == word).unwrap_or(words.len());
    let of = |from: usize, to: usize| words.get(from + 1..to.max(from + 1)).unwrap_or_default();
    let (from, cols) = (at("from"), at("cols"));
    let sources = of(from, cols).iter().map(|w| sources(w)).collect();
    (ios(&words[..from.min(cols)]), sources, of(cols, words.len()).iter().map(|w| column(w)).collect())
}

fn sources(word: &str) -> Sources {
    let (output, inputs) = word.split_once('<').expect("an output and its sources");
    Sources { output: asset(output), inputs: inputs.split(',').filter(|w| !w.is_empty()).map(asset).collect() }
}

fn declared_sources(words: &[&str]) -> DeclaredSources {
    let columns: Vec<ColumnMapping> = words[1..].iter().map(|w| column(w)).collect();
    let evidence = if columns.is_empty() { Evidence::Explicit } else { Evidence::Column };
    DeclaredSources { sources: sources(words[0]), evidence, columns }
}

fn column(word: &str) -> ColumnMapping {
    let (src, dst) = word.trim_end_matches('*').split_once('>').expect("two columns");
    ColumnMapping {
        src: asset(src),
        src_field: "a".into(),
        dst: asset(dst),
        dst_field: Some("b".into()),
        mapping: MappingType::Direct,
        subtype: None,
        masking: word.ends_with('*'),
        description: None,
    }
}

fn job(words: &[&str]) -> JobInfo {
    let ((inputs, outputs), sources, columns) = lineage(&words[1..]);
    JobInfo {
        job: job_ref(words[0]),
        integration: None,
        job_type: None,
        processing_type: None,
        source_code_url: None,
        inputs_known: Inputs::Declared,
        inputs,
        outputs,
        sources,
        columns,
    }
}

fn link(words: &[&str]) -> Link {
    const TYPES: [EdgeType; 5] =
        [EdgeType::Derived, EdgeType::Contains, EdgeType::FineTunedFrom, EdgeType::DeployedAs, EdgeType::NearDuplicate];
    let edge_type = TYPES.into_iter().find(|t| t.as_str() == words[0]).expect("an edge type");
    Link { src: asset(words[1]), dst: asset(words[2]), edge_type, evidence: Evidence::Explicit }
}

fn access(action: AccessAction, word: &str) -> Access {
    Access { principal: Some("ann".into()), role: None, action, asset: asset(word), bytes: None, error_code: None }
}

fn signed(words: &[&str]) -> Signed {
    let ends = |range: &str| {
        let (from, to) = range.split_once('-').expect("a range");
        from.parse().expect("a number")..to.parse().expect("a number")
    };
    let numbers: Vec<u64> = words[1].split(',').flat_map(ends).collect();
    let key = words.get(2).copied().unwrap_or("00000001");
    let least = |seed: u64| numbers.iter().map(|n| mixed(*n, seed)).min().unwrap_or_default() as u16;
    let minhash = (0..lineward_events::MINHASHES as u64).map(|place| least(place + 1)).collect();
    let mut sample: Vec<u64> = numbers.iter().map(|n| mixed(*n, 0)).collect();
    sample.sort_unstable();
    let signature = Signature::new(key, 1, numbers.len() as i64, true, minhash, sample).expect("a signature");
    Signed { asset: asset(words[0]), signature }
}

/// SplitMix64 of a number and a seed.
fn mixed(number: u64, seed: u64) -> u64 {
    let mut hash = number.wrapping_add(seed << 40).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn finding(words: &[&str]) -> DataFinding {
    DataFinding {
        asset: asset(words[0]),
        field: None,
        entity: words[1].into(),
        categories: words[2].split(',').map(str::to_owned).collect(),
        detector: words[1].to_ascii_lowercase(),
        detector_version: None,
        match_count: words.get(3).map_or(1, |n| n.parse().expect("a count")),
        distinct_count: None,
        confidence: 0.9,
        coverage: 1.0,
        origin: FindingOrigin::Scan,
        policy: None,
        severity: None,
        profile: None,
    }
}

/// Events and the edges they leave. Names say what is shown.
struct Scenario {
    name: &'static str,
    events: &'static str,
    edges: &'static [&'static str],
    /// The graph is the same in whatever order the events come.
    any_order: bool,
}

/// Whichever of two is known first, and however late it is known when each of them was written.
#[test]
fn a_copy_holds_since_both_were_there() {
    let mut world = World::default();
    for line in
        ["40 see f:a@1#2", "41 see f:b@1#2", "30 run r1 COMPLETE etl: -> f:a@1", "31 run r2 COMPLETE etl: -> f:b@1"]
    {
        world.tell(line);
    }
    let copies = world.projector.edges.iter().filter(|e| e.edge_type == EdgeType::CopyOf.as_str());
    assert_eq!(copies.map(|e| e.valid_from).collect::<Vec<_>>(), [31]);
}

const fn ordered(name: &'static str, events: &'static str, edges: &'static [&'static str]) -> Scenario {
    Scenario { name, events, edges, any_order: false }
}

const fn unordered(name: &'static str, events: &'static str, edges: &'static [&'static str]) -> Scenario {
    Scenario { name, events, edges, any_order: true }
}

const SCENARIOS: &[Scenario] = &[
    unordered(
        "a read binds to the last version written before it",
        "10 run r1 COMPLETE etl: -> d:clean
         20 run r2 COMPLETE etl: -> d:clean
         25 run r3 COMPLETE train: d:clean -> m:notes@1
         30 run r4 COMPLETE etl: -> d:clean
         40 run r5 COMPLETE train: d:clean -> m:notes@2",
        &[
            "TRAINED_ON clean@run:r2 -> notes@1 by r3 VERSION_INFERRED",
            "TRAINED_ON clean@run:r4 -> notes@2 by r5 VERSION_INFERRED",
        ],
    ),
    unordered(
        "what was read before anything was written is a version of its own",
        "10 run r1 COMPLETE train: d:raw -> m:notes@1
         20 run r2 COMPLETE etl: -> d:raw
         30 run r3 COMPLETE train: d:raw -> m:notes@2",
        &[
            "TRAINED_ON raw@initial -> notes@1 by r1 VERSION_INFERRED",
            "TRAINED_ON raw@run:r2 -> notes@2 by r3 VERSION_INFERRED",
        ],
    ),
    unordered(
        "a run reads what was there when it began, whichever of its events comes first",
        "10 run r1 COMPLETE etl: -> d:clean
         15 run r2 START train
         20 run r3 COMPLETE etl: -> d:clean
         22 run r2 RUNNING train: d:clean ->
         25 run r2 COMPLETE train: d:clean -> m:notes@1",
        &["TRAINED_ON clean@run:r1 -> notes@1 by r2 VERSION_INFERRED"],
    ),
    unordered(
        "an output that is declared at the start is valid from then on",
        "10 run r1 START etl: -> d:clean
         15 run r2 COMPLETE train: d:clean -> m:notes@1
         20 run r1 COMPLETE etl: -> d:clean",
        &["TRAINED_ON clean@run:r1 -> notes@1 by r2 VERSION_INFERRED"],
    ),
    unordered(
        "what a version holds it holds since it began, however late it is known who wrote it",
        "40 see d:data@1#1
         41 link CONTAINS f:data/a@1#2 d:data@1#1
         30 run r1 COMPLETE etl: -> d:data@1
         31 run r2 COMPLETE etl: -> f:data/a@1",
        &["CONTAINS data/a@1 -> data@1 EXPLICIT"],
    ),
    unordered(
        "a named version never moves",
        "10 run r1 COMPLETE etl: -> d:clean@1
         20 run r2 COMPLETE etl: -> d:clean@2
         30 run r3 COMPLETE train: d:clean@1 -> m:notes@1",
        &["TRAINED_ON clean@1 -> notes@1 by r3 IO_MEMBERSHIP"],
    ),
    unordered(
        "a version named by any event of a run counts, and stays",
        "10 run r1 COMPLETE etl: -> d:clean@1
         20 run r2 START train: d:clean ->
         25 run r2 COMPLETE train: d:clean@1 -> m:notes@1
         15 run r3 COMPLETE etl: -> d:clean@2",
        &["TRAINED_ON clean@1 -> notes@1 by r2 IO_MEMBERSHIP"],
    ),
    unordered(
        "the edge of a training run says what the input was for",
        "10 run r1 COMPLETE train: d:a+training d:b+validation d:c+test f:d m:base@1 -> m:notes@1",
        &[
            "EVALUATED_ON b@initial -> notes@1 by r1 VERSION_INFERRED",
            "EVALUATED_ON c@initial -> notes@1 by r1 VERSION_INFERRED",
            "FINE_TUNED_FROM base@1 -> notes@1 by r1 IO_MEMBERSHIP",
            "TRAINED_ON a@initial -> notes@1 by r1 VERSION_INFERRED",
            "TRAINED_ON d@initial -> notes@1 by r1 VERSION_INFERRED",
        ],
    ),
    unordered(
        "inputs and outputs of a run accumulate over its events",
        "10 run r1 START train
         11 run r1 RUNNING train: d:a ->
         12 run r1 RUNNING train: d:b ->
         13 run r1 COMPLETE train: -> m:notes@1",
        &[
            "TRAINED_ON a@initial -> notes@1 by r1 VERSION_INFERRED",
            "TRAINED_ON b@initial -> notes@1 by r1 VERSION_INFERRED",
        ],
    ),
    unordered(
        "column lineage is an edge, masked if every column is",
        "10 run r1 COMPLETE etl: d:a d:b -> d:out cols d:a>d:out* d:a>d:out* d:b>d:out* d:b>d:out",
        &["DERIVED a@initial -> out@run:r1 by r1 COLUMN masked", "DERIVED b@initial -> out@run:r1 by r1 COLUMN"],
    ),
    unordered(
        "a column without mask in another event of the run unmasks the edge",
        "10 run r1 RUNNING etl: d:a -> d:out cols d:a>d:out*
         12 run r1 COMPLETE etl: d:a -> d:out cols d:a>d:out",
        &["DERIVED a@initial -> out@run:r1 by r1 COLUMN"],
    ),
    unordered(
        "column lineage moves with the version that was read",
        "10 run r1 COMPLETE etl: -> d:a
         20 run r2 COMPLETE etl: d:a -> d:out cols d:a>d:out*",
        &["DERIVED a@run:r1 -> out@run:r2 by r2 COLUMN masked"],
    ),
    unordered(
        "a run that overwrites what it reads has read what was there before",
        "10 run r1 COMPLETE etl: -> d:a
         20 run r2 COMPLETE etl: d:a -> d:a cols d:a>d:a
         30 run r3 COMPLETE tune: m:notes -> m:notes",
        &[
            "DERIVED a@run:r1 -> a@run:r2 by r2 COLUMN",
            "FINE_TUNED_FROM notes@initial -> notes@run:r3 by r3 VERSION_INFERRED",
        ],
    ),
    unordered(
        "an output comes from what the run says of it alone",
        "10 run r1 COMPLETE etl: d:a d:b d:c -> d:x d:y d:z m:notes@1 from d:x<d:a d:y< m:notes@1<d:b cols d:b>d:x*",
        &["DERIVED a@initial -> x@run:r1 by r1 EXPLICIT", "TRAINED_ON b@initial -> notes@1 by r1 EXPLICIT"],
    ),
    unordered(
        "what a run says of its outputs adds up, and goes with the versions that were read",
        "5 run r0 COMPLETE etl: -> d:a
         10 run r1 START etl: d:a d:b -> d:x
         20 run r1 COMPLETE etl: d:a d:b -> d:x from d:x<d:a cols d:a>d:x*
         15 run r1 RUNNING etl: d:a d:c -> d:x from d:x<d:c
         12 run r2 COMPLETE etl: -> d:a",
        &["DERIVED a@run:r0 -> x@run:r1 by r1 EXPLICIT masked", "DERIVED c@initial -> x@run:r1 by r1 EXPLICIT"],
    ),
    unordered(
        "what a job says of its outputs is replaced with the rest",
        "10 job etl: d:a d:b -> d:x d:y from d:x<d:a cols d:b>d:y
         20 job etl: d:a d:b -> d:x d:y from d:x<d:b",
        &[
            "DERIVED a@initial -> x@run:declared:jobs/etl DECLARED until 20",
            "DERIVED b@initial -> x@run:declared:jobs/etl by declared:jobs/etl EXPLICIT",
            "DERIVED b@initial -> y@run:declared:jobs/etl DECLARED until 20",
        ],
    ),
    unordered(
        "what is declared of a data set replaces what was declared before",
        "10 declare d:x@1<d:a,d:b d:a>d:x@1 d:b>d:x@1
         20 declare d:x@1<d:a,d:c
         30 declare d:y@1<d:a
         40 declare d:y@1<",
        &[
            "DERIVED a@initial -> x@1 EXPLICIT",
            "DERIVED a@initial -> y@1 EXPLICIT until 40",
            "DERIVED b@initial -> x@1 COLUMN until 20",
            "DERIVED c@initial -> x@1 EXPLICIT",
        ],
    ),
    unordered(
        "what is declared of a data set without versions is of the one it has",
        "10 declare d:x<d:a
         20 declare d:x<d:b",
        &["DERIVED a@initial -> x@initial EXPLICIT until 20", "DERIVED b@initial -> x@initial EXPLICIT"],
    ),
    unordered(
        "what is declared in between does not hold now",
        "10 declare d:x@1<d:a
         20 declare d:x@1<d:b
         30 declare d:x@1<d:a",
        &["DERIVED a@initial -> x@1 EXPLICIT", "DERIVED b@initial -> x@1 EXPLICIT until 30"],
    ),
    unordered(
        "a declaration replaces what the job declared before",
        "10 job etl: d:a d:b -> m:notes@1
         20 job etl: d:b d:c -> m:notes@1",
        &[
            "TRAINED_ON a@initial -> notes@1 DECLARED until 20",
            "TRAINED_ON b@initial -> notes@1 DECLARED until 20",
            "TRAINED_ON b@initial -> notes@1 by declared:jobs/etl DECLARED",
            "TRAINED_ON c@initial -> notes@1 by declared:jobs/etl DECLARED",
        ],
    ),
    unordered(
        "what a job declared of data before holds until it declared something else",
        "10 job etl: d:a -> d:out
         20 job etl: d:c -> d:out",
        &["DERIVED a@initial -> out@run:declared:jobs/etl DECLARED until 20"],
    ),
    ordered(
        "what is declared again begins anew",
        "10 job etl: d:a -> m:notes@1
         20 job etl: d:b -> m:notes@1
         30 job etl: d:a -> m:notes@1",
        &[
            "TRAINED_ON a@initial -> notes@1 DECLARED until 20",
            "TRAINED_ON a@initial -> notes@1 by declared:jobs/etl DECLARED",
            "TRAINED_ON b@initial -> notes@1 DECLARED until 30",
        ],
    ),
    ordered(
        "files belong to the data set above them",
        "10 see d:data
         20 run r1 COMPLETE etl: -> f:data/x
         30 run r2 COMPLETE train: d:data -> m:notes@1",
        &[
            "CONTAINS data/x@run:r1 -> data@initial VERSION_INFERRED",
            "TRAINED_ON data@initial -> notes@1 by r2 VERSION_INFERRED",
        ],
    ),
    unordered(
        "a data set that is named after its files were written holds them",
        "10 run r1 COMPLETE etl: -> f:data/x
         20 run r2 COMPLETE train: d:data -> m:notes@1",
        &[
            "CONTAINS data/x@run:r1 -> data@initial VERSION_INFERRED",
            "TRAINED_ON data@initial -> notes@1 by r2 VERSION_INFERRED",
        ],
    ),
    // Not in any order: had `data/in` been known first, `x` would not hang on `data` directly as well.
    ordered(
        "a nearer folder takes over",
        "10 see d:data
         20 see f:data/in/x
         30 see d:data/in
         40 see f:data/in/y",
        &[
            "CONTAINS data/in/x@initial -> data/in@initial VERSION_INFERRED",
            "CONTAINS data/in/x@initial -> data@initial VERSION_INFERRED",
            "CONTAINS data/in/y@initial -> data/in@initial VERSION_INFERRED",
            "CONTAINS data/in@initial -> data@initial VERSION_INFERRED",
        ],
    ),
    ordered(
        "a model does not see a member that was written after its training",
        "10 see d:data
         11 run r1 COMPLETE etl: -> f:data/x
         20 run r2 COMPLETE train: d:data -> m:notes@1
         30 run r3 COMPLETE etl: -> f:data/y
         40 run r4 COMPLETE train: d:data -> m:notes@2",
        &[
            "CONTAINS data/x@run:r1 -> data@event:30 VERSION_INFERRED",
            "CONTAINS data/x@run:r1 -> data@initial VERSION_INFERRED",
            "CONTAINS data/y@run:r3 -> data@event:30 VERSION_INFERRED",
            "DERIVED data@initial -> data@event:30 VERSION_INFERRED",
            "TRAINED_ON data@event:30 -> notes@2 by r4 VERSION_INFERRED",
            "TRAINED_ON data@initial -> notes@1 by r2 VERSION_INFERRED",
        ],
    ),
    ordered(
        "nor does it through nested folders",
        "10 see d:data
         11 see d:data/in
         12 run r1 COMPLETE etl: -> f:data/in/x
         20 run r2 COMPLETE train: d:data -> m:notes@1
         30 run r3 COMPLETE etl: -> f:data/in/y",
        &[
            "CONTAINS data/in/x@run:r1 -> data/in@event:30 VERSION_INFERRED",
            "CONTAINS data/in/x@run:r1 -> data/in@initial VERSION_INFERRED",
            "CONTAINS data/in/y@run:r3 -> data/in@event:30 VERSION_INFERRED",
            "CONTAINS data/in@event:30 -> data@event:30 VERSION_INFERRED",
            "CONTAINS data/in@initial -> data@initial VERSION_INFERRED",
            "DERIVED data/in@initial -> data/in@event:30 VERSION_INFERRED",
            "DERIVED data@initial -> data@event:30 VERSION_INFERRED",
            "TRAINED_ON data@initial -> notes@1 by r2 VERSION_INFERRED",
        ],
    ),
    ordered(
        "a file that was rewritten is in the content before, not in the one after",
        "10 see d:data#1
         10 see f:data/x#2
         10 link CONTAINS f:data/x#2 d:data#1
         10 members d:data#1 1
         20 see d:data#3
         20 see f:data/x#4
         20 link CONTAINS f:data/x#4 d:data#3
         20 members d:data#3 1",
        &["CONTAINS data/x@sha256 -> data@sha256 EXPLICIT", "CONTAINS data/x@sha256 -> data@sha256 EXPLICIT"],
    ),
    ordered(
        "a file that was removed is in the content before, one that was added in the content after",
        "10 see d:data#1
         10 see f:data/x@x
         10 link CONTAINS f:data/x@x d:data#1
         10 see f:data/y@y
         10 link CONTAINS f:data/y@y d:data#1
         10 members d:data#1 2
         20 see d:data#3
         20 see f:data/x@x
         20 link CONTAINS f:data/x@x d:data#3
         20 see f:data/z@z
         20 link CONTAINS f:data/z@z d:data#3
         20 members d:data#3 2",
        &[
            "CONTAINS data/x@x -> data@sha256 EXPLICIT",
            "CONTAINS data/x@x -> data@sha256 EXPLICIT",
            "CONTAINS data/y@y -> data@sha256 EXPLICIT",
            "CONTAINS data/z@z -> data@sha256 EXPLICIT",
        ],
    ),
    ordered(
        "what turns up in a data set after its files were listed makes another version of it, until that is listed",
        "10 see d:data@1#1
         10 see f:data/x@x
         10 link CONTAINS f:data/x@x d:data@1#1
         10 members d:data@1#1 1
         20 run r1 COMPLETE etl: -> f:data/y
         30 run r2 COMPLETE train: d:data -> m:notes@1",
        &[
            "CONTAINS data/x@x -> data@1 EXPLICIT",
            "CONTAINS data/x@x -> data@event:20 VERSION_INFERRED",
            "CONTAINS data/y@run:r1 -> data@event:20 VERSION_INFERRED",
            "DERIVED data@1 -> data@event:20 VERSION_INFERRED",
            "TRAINED_ON data@event:20 -> notes@1 by r2 VERSION_INFERRED",
        ],
    ),
    ordered(
        "what a run wrote before a list, told after it, is the file that was listed",
        "10 see d:data@1#1
         10 see f:data/x#2
         10 link CONTAINS f:data/x#2 d:data@1#1
         10 members d:data@1#1 1
         5 run r1 COMPLETE etl: -> f:data/x
         6 run r2 COMPLETE etl: -> f:data/z",
        &["CONTAINS data/x@run:r1 -> data@1 VERSION_INFERRED", "CONTAINS data/x@sha256 -> data@1 EXPLICIT"],
    ),
    ordered(
        "a list of which a part is missing takes nothing away",
        "10 see f:data/x
         20 see d:data#1
         20 see f:data/y
         20 link CONTAINS f:data/y d:data#1
         20 members d:data#1 2",
        &["CONTAINS data/x@initial -> data@sha256 VERSION_INFERRED", "CONTAINS data/y@initial -> data@sha256 EXPLICIT"],
    ),
    ordered(
        "equal content is a copy of the first that had it",
        "10 see f:a#1
         20 see f:b#1
         30 see f:c#1
         40 see f:d#2",
        &["COPY_OF a@sha256 -> b@sha256 CONTENT_MATCH", "COPY_OF a@sha256 -> c@sha256 CONTENT_MATCH"],
    ),
    ordered(
        "contents that are alike are near copies, and what is alike to one of them is nothing to the other",
        "10 sign f:a#1 0-200
         20 sign f:b#2 20-220
         30 sign f:c#3 40-240
         40 sign f:d#4 1000-1200",
        &["NEAR_DUPLICATE a@sha256 -> b@sha256 CONTENT_MATCH", "NEAR_DUPLICATE b@sha256 -> c@sha256 CONTENT_MATCH"],
    ),
    ordered(
        "of equal contents the first has the near copies",
        "10 sign f:a#1 0-200
         20 sign f:a2#1 0-200
         30 sign f:b#2 0-190
         40 sign f:a3#1 0-200
         50 sign f:b2#2 0-190",
        &[
            "COPY_OF a@sha256 -> a2@sha256 CONTENT_MATCH",
            "COPY_OF a@sha256 -> a3@sha256 CONTENT_MATCH",
            "COPY_OF b@sha256 -> b2@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE a@sha256 -> b@sha256 CONTENT_MATCH",
        ],
    ),
    ordered(
        "a content that turns up in an older version takes the near copies over",
        "10 see f:a
         20 sign f:c#1 0-200
         30 sign f:b#2 0-190
         40 sign f:a#1 0-200",
        &["COPY_OF c@sha256 -> a@initial CONTENT_MATCH", "NEAR_DUPLICATE a@initial -> b@sha256 CONTENT_MATCH"],
    ),
    ordered(
        "a copy stands in for the content of a version that is a state of the same thing",
        "10 sign f:a#1 0-200
         20 sign f:b#1 0-200
         30 sign f:a#2 0-190
         40 sign f:c#1 0-200
         50 sign f:d#2 0-190",
        &[
            "COPY_OF a@sha256 -> b@sha256 CONTENT_MATCH",
            "COPY_OF a@sha256 -> c@sha256 CONTENT_MATCH",
            "COPY_OF a@sha256 -> d@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE a@sha256 -> d@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE b@sha256 -> a@sha256 CONTENT_MATCH",
        ],
    ),
    ordered(
        "states and parts of one thing are no copies of each other",
        "10 sign d:data#1 0-200
         20 sign d:data#2 0-199
         30 sign f:data/x#3 0-198
         40 sign f:elsewhere/y#4 0-197
         50 link CONTAINS f:elsewhere/y d:data",
        &[
            "CONTAINS data/x@sha256 -> data@sha256 VERSION_INFERRED",
            "CONTAINS data/x@sha256 -> data@sha256 VERSION_INFERRED",
            "CONTAINS elsewhere/y@sha256 -> data@sha256 EXPLICIT",
            "NEAR_DUPLICATE data/x@sha256 -> elsewhere/y@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE data@sha256 -> elsewhere/y@sha256 CONTENT_MATCH",
        ],
    ),
    ordered(
        "a file is compared with the one file of a data set, and with a data set of several",
        "10 sign f:one/x#1 0-200
         11 sign d:one#2 0-200
         20 sign f:two/x#3 0-100
         21 sign f:two/y#4 100-200
         22 sign d:two#5 0-200
         30 sign f:z#6 0-190",
        &[
            "CONTAINS one/x@sha256 -> one@sha256 VERSION_INFERRED",
            "CONTAINS two/x@sha256 -> two@sha256 VERSION_INFERRED",
            "CONTAINS two/y@sha256 -> two@sha256 VERSION_INFERRED",
            "NEAR_DUPLICATE one/x@sha256 -> two@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE one/x@sha256 -> z@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE one@sha256 -> two@sha256 CONTENT_MATCH",
            "NEAR_DUPLICATE two@sha256 -> z@sha256 CONTENT_MATCH",
        ],
    ),
    ordered(
        "signatures of two keys are not compared, those of few n-grams neither",
        "10 sign f:a#1 0-200 0000000a
         20 sign f:b#2 0-199 0000000b
         30 sign f:c#3 500-540
         40 sign f:d#4 500-539",
        &[],
    ),
    ordered(
        "a newer scan of a version takes the place of an older one, whichever is told first",
        "20 sign f:a#1 0-200
         21 sign f:b#2 0-199
         30 sign f:a#1 300-500
         22 sign f:a#1 0-200
         40 sign f:c#3 300-499",
        &["NEAR_DUPLICATE a@sha256 -> c@sha256 CONTENT_MATCH"],
    ),
    ordered(
        "what is measured takes the place of what is said",
        "10 link NEAR_DUPLICATE f:a f:b
         11 link NEAR_DUPLICATE f:a f:z
         20 sign f:a 0-200
         21 sign f:b 0-199
         30 link NEAR_DUPLICATE f:a f:b",
        &["NEAR_DUPLICATE a@initial -> b@initial CONTENT_MATCH", "NEAR_DUPLICATE a@initial -> z@initial EXPLICIT"],
    ),
    ordered(
        "content that is learned later makes a copy too, and copies go on from the oldest version",
        "10 see f:a
         20 see f:b#1
         30 see f:a#1
         40 see f:c#1",
        &["COPY_OF a@initial -> c@sha256 CONTENT_MATCH", "COPY_OF b@sha256 -> a@initial CONTENT_MATCH"],
    ),
    ordered(
        "an alias is the asset it stands for",
        "10 alias t:notes d:warehouse/notes
         20 run r1 COMPLETE etl: -> t:notes
         30 run r2 COMPLETE train: d:warehouse/notes -> m:notes@1",
        &["TRAINED_ON warehouse/notes@run:r1 -> notes@1 by r2 VERSION_INFERRED"],
    ),
    ordered(
        "aliases of aliases, and a loop that says nothing new",
        "10 alias d:a d:b
         11 alias d:b d:c
         12 alias d:c d:a
         13 alias d:a d:a
         20 run r1 COMPLETE etl: -> d:a
         30 run r2 COMPLETE train: d:b -> m:notes@1
         40 run r3 COMPLETE train: d:c -> m:notes@2",
        &[
            "TRAINED_ON c@run:r1 -> notes@1 by r2 VERSION_INFERRED",
            "TRAINED_ON c@run:r1 -> notes@2 by r3 VERSION_INFERRED",
        ],
    ),
    ordered(
        "findings, accesses, links and drops",
        "10 see f:data/x#1
         20 find f:data/x US_SSN pii 3
         30 find f:data/x MEDICAL_RECORD_NUMBER phi,pii
         40 read f:data/x
         41 write f:data/x
         42 read f:data/x
         50 link FINE_TUNED_FROM m:base m:tuned
         60 link DEPLOYED_AS m:tuned e:prod
         70 drop f:data/x",
        &[
            "DEPLOYED_AS tuned@event:50 -> prod@event:60 EXPLICIT",
            "FINE_TUNED_FROM base@initial -> tuned@event:50 EXPLICIT",
        ],
    ),
];

/// Hashes in names are cut, since no reader compares them.
fn short(edges: Vec<String>) -> Vec<String> {
    let cut = |word: &str| word.split_once("@sha256:").map_or(word.to_owned(), |(name, _)| format!("{name}@sha256"));
    edges.iter().map(|e| e.split(' ').map(cut).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn scenarios_leave_their_edges() {
    for s in SCENARIOS {
        assert_eq!(short(World::after(s.events).edges()), s.edges, "{}", s.name);
    }
}

#[test]
fn any_order_of_events_leaves_the_same_graph() {
    for s in SCENARIOS.iter().filter(|s| s.any_order) {
        let expected = World::after(s.events).graph();
        let events: Vec<&str> = lines(s.events).collect();
        for order in permutations(events.len()) {
            let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
            let told = told.join("\n");
            assert_eq!(World::after(&told).graph(), expected, "{}, told as\n{told}", s.name);
        }
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for i in 0..n {
        let insert = |p: Vec<usize>| {
            (0..=p.len()).map(move |at| {
                let mut p = p.clone();
                p.insert(at, i);
                p
            })
        };
        all = all.into_iter().flat_map(insert).collect();
    }
    all
}

#[test]
fn a_replay_adds_no_rows() {
    for s in SCENARIOS {
        let mut world = World::after(s.events);
        world.projector.take_rows();
        lines(s.events).for_each(|line| world.tell(line));
        assert_eq!(count(&world.projector.take_rows()), 0, "{}", s.name);
    }
}

#[test]
fn batch_borders_do_not_matter() {
    for s in SCENARIOS {
        let whole = World::after(s.events).projector.take_rows();
        let mut world = World::default();
        let mut parts = Rows::default();
        for line in lines(s.events) {
            world.tell(line);
            extend(&mut parts, world.projector.take_rows());
        }
        assert_eq!(text(&parts), text(&whole), "{}", s.name);
    }
}

#[test]
fn a_projector_loaded_from_rows_goes_on_like_the_one_that_wrote_them() {
    for s in SCENARIOS {
        let events: Vec<&str> = lines(s.events).collect();
        for cut in 0..=events.len() {
            // Back to front, so that events come out of order behind the cut as well.
            let rest: Vec<&str> = events[cut..].iter().rev().chain(&events[..cut]).copied().collect();
            let mut first = World::after(&events[..cut].join("\n"));
            let rows = first.projector.take_rows();
            let mut second = World { projector: Projector::load(rows), told: first.told, stored: Rows::default() };
            for line in rest {
                first.tell(line);
                second.tell(line);
            }
            let (expected, found) = (first.projector.take_rows(), second.projector.take_rows());
            assert_eq!(text(&found), text(&expected), "{}, restarted after {cut} events", s.name);
        }
    }
}

#[test]
fn columns_that_are_declared_again_are_written_once() {
    for said in ["job etl: d:a d:b -> d:x cols d:a>d:x", "declare d:x@1<d:a d:a>d:x@1"] {
        let mut world = World::default();
        world.tell(&format!("10 {said}"));
        assert_eq!(world.projector.take_rows().run_mappings.len(), 1, "{said}");
        world.tell(&format!("20 {said}"));
        assert_eq!(world.projector.take_rows().run_mappings, [], "{said}");
        // Other columns take their place.
        let other = said.replace("d:a>d:x", "d:b>d:x");
        world.tell(&format!("30 {other}"));
        let rows = world.projector.take_rows().run_mappings;
        let gone: Vec<bool> = rows.iter().map(|row| row.recorded.retracted_at.is_some()).collect();
        assert_eq!((rows.len(), gone.iter().filter(|gone| **gone).count()), (2, 1), "{said}");
    }
}

/// Random events over few names, so that they meet.
fn random_events(seed: u64, n: usize) -> Vec<String> {
    const DATA: [&str; 9] = [
        "d:data",
        "d:data/in",
        "f:data/x",
        "f:data/in/y",
        "f:data/in/y@1",
        "f:data/x#1",
        "f:z#1",
        "d:other",
        "t:alias",
    ];
    const MODELS: [&str; 4] = ["m:a", "m:a@1", "m:b@1", "m:b"];
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % n
    };
    let mut event = || {
        let (at, run, data, other) = (10 + next(40), next(5), DATA[next(9)], DATA[next(9)]);
        let state = ["START", "RUNNING", "COMPLETE"][next(3)];
        let (model, named) = (MODELS[next(4)], ["d:data@2", "d:other@2", "f:data/x@2", "d:other@3"][next(4)]);
        match next(17) {
            0 | 1 => format!("{at} run r{run} {state} etl: {data} -> {other} cols {data}>{other}*"),
            2 | 3 => format!("{at} run r{run} {state} train: {data} {other}+test -> {model}"),
            4 => format!("{at} run r{run} {state} tune: {} {named} -> {model}", MODELS[next(4)]),
            5 => format!("{at} run r{run} {state} etl: -> {data} {other}"),
            6 => format!("{at} job declared: {data} {named} -> {model}"),
            7 => format!("{at} see {data}"),
            8 => format!("{at} alias t:alias {data}"),
            9 => format!("{at} link {} {data} {other}", ["CONTAINS", "DERIVED"][next(2)]),
            10 => format!("{at} {} {data}", ["read", "write", "drop"][next(3)]),
            11 | 12 => format!("{at} sign {data} {}-200", [0, 5, 20, 30][next(4)]),
            13 => format!("{at} declare {data}<{other},{named}"),
            14 => format!(
                "{at} run r{run} {state} etl: {data} {named} -> {other} from {other}<{data} cols {data}>{other}*"
            ),
            15 => format!("{at} job declared: {data} {named} -> {other} from {other}<{named}"),
            _ => format!("{at} find {data} ENTITY_{} pii,phi", next(3)),
        }
    };
    (0..n).map(|_| event()).collect()
}

#[test]
fn random_events_survive_a_restart_after_each_of_them() {
    for seed in 0..60 {
        let mut whole = World::default();
        let mut restarted = World::default();
        let mut stored = Rows::default();
        for (n, line) in random_events(seed, 25).iter().enumerate() {
            whole.tell(line);
            restarted.tell(line);
            let (expected, found) = (whole.projector.take_rows(), restarted.projector.take_rows());
            assert_eq!(text(&found), text(&expected), "seed {seed}, event {n}: {line}");
            extend(&mut stored, found);
            let again = stored.clone_rows();
            restarted = World { projector: Projector::load(again), told: restarted.told, stored: Rows::default() };
        }
    }
}

#[test]
fn random_events_leave_one_row_a_key_and_no_edge_of_a_run_that_it_does_not_hold() {
    for seed in 0..60 {
        let mut world = World::default();
        random_events(seed, 25).iter().for_each(|line| world.tell(line));
        let p = &world.projector;
        for edge in p.edges.iter() {
            assert_ne!(edge.src_version_id, edge.dst_version_id, "seed {seed}");
            let Some(sid) = edge.run_sid else { continue };
            assert!(p.run_states[&sid].edges.contains(&edge.edge_id), "seed {seed}: {}", world.edge(edge));
        }
        for versions in p.versions_of.values() {
            let row = |(_, v): &(i64, i64)| p.versions.get(v).expect("a version");
            let rows: Vec<&AssetVersionRow> = versions.iter().map(row).collect();
            assert!(versions.iter().zip(&rows).all(|((from, _), row)| *from == row.valid_from), "seed {seed}");
            for pair in rows.windows(2) {
                assert!(pair[0].valid_from <= pair[1].valid_from, "seed {seed}");
                assert!(pair[0].valid_to.is_some_and(|to| to <= pair[1].valid_from), "seed {seed}");
            }
        }
    }
}

#[test]
fn data_sets_that_contain_each_other_end_no_walk() {
    let world = World::after(
        "10 link CONTAINS d:a d:b
         11 link CONTAINS d:b d:c
         12 link CONTAINS d:c d:a
         13 run r1 COMPLETE train: d:a -> m:notes@1
         14 run r2 COMPLETE etl: -> d:b
         15 link CONTAINS d:b d:a
         12 run r3 COMPLETE train: d:a d:c -> m:notes@2",
    );
    assert!(world.edges().iter().any(|e| e.starts_with("TRAINED_ON")));
}

fn count(rows: &Rows) -> usize {
    text(rows).len()
}

fn text(rows: &Rows) -> Vec<String> {
    fn each<R: std::fmt::Debug>(rows: &[R]) -> impl Iterator<Item = String> {
        rows.iter().map(|r| format!("{r:?}"))
    }
    each(&rows.assets)
        .chain(each(&rows.versions))
        .chain(each(&rows.jobs))
        .chain(each(&rows.runs))
        .chain(each(&rows.run_io))
        .chain(each(&rows.edges))
        .chain(each(&rows.findings))
        .chain(each(&rows.tags))
        .chain(each(&rows.accesses))
        .chain(each(&rows.fields))
        .chain(each(&rows.column_mappings))
        .chain(each(&rows.run_mappings))
        .chain(each(&rows.signatures))
        .collect()
}

impl Rows {
    fn clone_rows(&self) -> Self {
        let mut out = Self::default();
        out.assets.clone_from(&self.assets);
        out.versions.clone_from(&self.versions);
        out.jobs.clone_from(&self.jobs);
        out.runs.clone_from(&self.runs);
        out.run_io.clone_from(&self.run_io);
        out.edges.clone_from(&self.edges);
        out.findings.clone_from(&self.findings);
        out.tags.clone_from(&self.tags);
        out.accesses.clone_from(&self.accesses);
        out.fields.clone_from(&self.fields);
        out.column_mappings.clone_from(&self.column_mappings);
        out.run_mappings.clone_from(&self.run_mappings);
        out.signatures.clone_from(&self.signatures);
        out.policies.clone_from(&self.policies);
        out.schemas.clone_from(&self.schemas);
        out
    }
}

fn clone_all(rows: &Rows) -> Rows {
    rows.clone_rows()
}

fn extend(rows: &mut Rows, more: Rows) {
    rows.assets.extend(more.assets);
    rows.versions.extend(more.versions);
    rows.jobs.extend(more.jobs);
    rows.runs.extend(more.runs);
    rows.run_io.extend(more.run_io);
    rows.edges.extend(more.edges);
    rows.findings.extend(more.findings);
    rows.tags.extend(more.tags);
    rows.accesses.extend(more.accesses);
    rows.fields.extend(more.fields);
    rows.column_mappings.extend(more.column_mappings);
    rows.run_mappings.extend(more.run_mappings);
    rows.signatures.extend(more.signatures);
    rows.policies.extend(more.policies);
    rows.schemas.extend(more.schemas);
}

#[test]
fn a_late_write_takes_the_earlier_binding_back_and_keeps_its_history() {
    let mut world = World::after("20 run r2 COMPLETE train: d:clean -> m:notes@1");
    world.projector.take_rows();
    world.tell("10 run r1 COMPLETE etl: -> d:clean");
    let rows = world.projector.take_rows();
    let io: Vec<(String, bool, i64)> = rows
        .run_io
        .iter()
        .filter(|r| r.io == "INPUT")
        .map(|r| (world.name(r.version_id), r.recorded.retracted_at.is_some(), r.recorded.revision))
        .collect();
    assert_eq!(io, [("clean@initial".into(), true, 1), ("clean@run:r1".into(), false, 0)]);
    let edges: Vec<(String, bool)> =
        rows.edges.iter().map(|e| (world.name(e.src_version_id), e.recorded.retracted_at.is_some())).collect();
    assert_eq!(edges, [("clean@run:r1".into(), false), ("clean@initial".into(), true)]);
    // When it was learned is the receipt of the write, not of the read.
    assert!(rows.edges.iter().all(|e| e.recorded.recorded_at == 1_002));
}

#[test]
fn any_order_of_copies_leaves_one_tree() {
    for order in permutations(5) {
        let told: Vec<String> = order.iter().map(|i| format!("{i} see f:copy{i}#1")).collect();
        let world = World::after(&told.join("\n"));
        let edges: Vec<&EdgeRow> = world.projector.edges.iter().collect();
        // Which copy is the first depends on the order; that there is one edge a copy does not.
        assert_eq!(edges.len(), 4);
        assert_eq!(edges.iter().map(|e| e.src_version_id).collect::<BTreeSet<_>>().len(), 1);
        assert!(edges.iter().all(|e| e.edge_type == "COPY_OF" && e.evidence == "CONTENT_MATCH"));
    }
}

/// Which of two was seen first depends on the order; who is near to whom, and how near, does not.
#[test]
fn any_order_of_near_copies_leaves_the_same_pairs() {
    let events = [
        "10 sign f:a#1 0-200",
        "20 sign f:b#2 20-220",
        "30 sign f:c#3 40-240",
        "40 sign f:b#2 20-220 0000000a",
        "50 sign f:a#1 0-200 0000000a",
        "60 sign d:d#4 0-210",
    ];
    for order in permutations(events.len()) {
        let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
        let world = World::after(&told.join("\n"));
        let pair = |e: &EdgeRow| {
            assert!(e.src_version_id < e.dst_version_id, "from the one that was seen first");
            let mut ends = [world.name(e.src_version_id), world.name(e.dst_version_id)].map(|n| n[..1].to_owned());
            ends.sort();
            format!("{} {:.3}", ends.join("~"), e.confidence)
        };
        let pairs: BTreeSet<String> = world.projector.edges.iter().map(pair).collect();
        let expected = ["a~b 0.818", "a~d 0.952", "b~c 0.818", "b~d 0.864"];
        assert_eq!(pairs.into_iter().collect::<Vec<_>>(), expected, "told as {told:?}");
    }
}

/// However many versions are alike, a new one is compared with so many of them and no more.
#[test]
fn a_large_family_of_near_copies_stays_cheap() {
    let mut world = World::default();
    for n in 0..600 {
        world.tell(&format!("10 sign f:copy{n} {}-{}", n / 8, 300 + n / 8));
    }
    let near = |n: i64| world.projector.near_of.get(&n).map_or(0, BTreeSet::len);
    let edges = world.projector.edges.iter().count();
    assert!(edges > 600 && edges <= 600 * super::near::COMPARED_MAX, "{edges} edges");
    assert!(near(599) > 0 && near(599) <= super::near::COMPARED_MAX);
}

/// Copies of one content share as many bands as their original.
#[test]
fn many_copies_hide_no_near_copy() {
    let mut world = World::after(
        "10 see f:first
         11 sign f:like#2 0-190",
    );
    (0..300).for_each(|n| world.tell(&format!("20 sign f:copy{n}#1 0-200")));
    // Its own copies, and those of another.
    world.tell("30 sign f:first#1 0-200");
    world.tell("40 sign f:third#3 10-200");
    let near = world.projector.edges.iter().filter(|e| e.edge_type == "NEAR_DUPLICATE");
    let asset = |version: i64| world.name(version).split('@').next().unwrap_or_default().to_owned();
    let pairs: BTreeSet<(String, String)> = near.map(|e| (asset(e.src_version_id), asset(e.dst_version_id))).collect();
    let expected = [("first", "like"), ("first", "third"), ("like", "third")];
    assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
}

#[test]
fn an_asset_has_the_nearest_folder_as_its_parent() {
    let events = ["10 see d:data", "20 see f:data/in/x", "30 see d:data/in", "40 see f:data/in/y", "50 see d:database"];
    for order in permutations(events.len()) {
        let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
        let projector = World::after(&told.join("\n")).projector;
        let parents: BTreeMap<&str, Option<&str>> = projector
            .assets
            .iter()
            .map(|a| {
                (a.name.as_str(), a.parent_asset_id.and_then(|p| projector.assets.get(&p)).map(|p| p.name.as_str()))
            })
            .collect();
        let expected = BTreeMap::from([
            ("data", None),
            ("data/in", Some("data")),
            ("data/in/x", Some("data/in")),
            ("data/in/y", Some("data/in")),
            ("database", None),
        ]);
        assert_eq!(parents, expected, "told as {told:?}");
    }
}

/// Versions from which a version is made, however far.
fn upstream(world: &World, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([name.to_owned()]);
    loop {
        let before = found.len();
        for e in world.projector.edges.iter() {
            if found.contains(&world.name(e.dst_version_id)) {
                found.insert(world.name(e.src_version_id));
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

#[test]
fn a_member_written_after_a_training_never_reaches_its_model() {
    const CASES: [&str; 3] = [
        "10 see d:data
         11 run r1 COMPLETE etl: -> f:data/x
         20 run r2 COMPLETE train: d:data -> m:notes@1
         30 run r3 COMPLETE etl: -> f:data/y
         40 run r4 COMPLETE train: d:data -> m:notes@2",
        "11 run r1 COMPLETE etl: -> f:data/in/x
         20 run r2 COMPLETE train: d:data -> m:notes@1
         25 run r5 COMPLETE etl: d:data/in -> d:other
         30 run r3 COMPLETE etl: -> f:data/in/y
         40 run r4 COMPLETE train: d:data -> m:notes@2",
        "11 write f:data/x
         20 run r2 START train: d:data ->
         30 run r3 COMPLETE etl: -> f:data/y
         35 run r2 COMPLETE train: -> m:notes@1
         40 run r4 COMPLETE train: d:data -> m:notes@2",
    ];
    for events in CASES {
        let events: Vec<&str> = lines(events).collect();
        for order in permutations(events.len()) {
            let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
            let world = World::after(&told.join("\n"));
            let (first, second) = (upstream(&world, "notes@1"), upstream(&world, "notes@2"));
            let has = |of: &BTreeSet<String>, name: &str| of.iter().any(|v| v.starts_with(name));
            let y = if events[0].contains("/in/") { "data/in/y@" } else { "data/y@" };
            let x = y.replace("y@", "x@");
            assert!(!has(&first, y), "false path, told as {told:#?}: {first:#?}");
            assert!(has(&first, &x), "lost path, told as {told:#?}: {first:#?}");
            assert!(has(&second, y) && has(&second, &x), "lost path, told as {told:#?}: {second:#?}");
        }
    }
}

#[test]
fn a_run_without_job_never_takes_a_job_away() {
    let events =
        ["10 run r1 START train", "11 run r1 RUNNING experiment/unknown", "12 run r1 COMPLETE experiment/unknown"];
    for order in permutations(events.len()) {
        let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
        assert_eq!(
            World::after(&told.join("\n")).runs(),
            ["r1 COMPLETE of train Some(10)..Some(12) inputs known: false"],
            "told as {told:?}"
        );
    }
}

#[test]
fn run_states_only_advance() {
    const CASES: [(&str, &str); 4] = [
        ("10 run r START j\n12 run r RUNNING j\n14 run r COMPLETE j", "COMPLETE of j Some(10)..Some(14)"),
        ("10 run r START j\n12 run r FAIL j\n14 run r OTHER j", "FAIL of j Some(10)..Some(12)"),
        ("10 run r START j\n12 run r ABORT j", "ABORT of j Some(10)..Some(12)"),
        ("10 run r OTHER j\n12 run r RUNNING j", "RUNNING of j None..None"),
    ];
    for (events, expected) in CASES {
        let events: Vec<&str> = lines(events).collect();
        for order in permutations(events.len()) {
            let told: Vec<&str> = order.iter().map(|i| events[*i]).collect();
            let runs = World::after(&told.join("\n")).runs();
            assert_eq!(runs, [format!("r {expected} inputs known: false")], "told as {told:?}");
        }
    }
}

#[test]
fn a_repeated_job_declaration_is_not_withdrawn_by_an_older_one() {
    let mut world = World::after("20 job etl: d:b -> m:notes@1");
    let (io, edges) = (world.io(), world.edges());
    world.tell("10 job etl: d:a -> m:notes@1");
    assert_eq!(world.io(), io);
    let before = "TRAINED_ON a@initial -> notes@1 DECLARED until 20".to_owned();
    assert_eq!(world.edges(), [vec![before], edges].concat(), "it held until then");
}

#[test]
fn a_job_that_declares_the_same_again_goes_on_since_the_first_time() {
    let since = |world: &World| {
        let mut rows: Vec<String> =
            world.projector.edges.iter().map(|e| format!("{} since {}", world.edge(e), e.valid_from)).collect();
        rows.sort();
        rows
    };
    let many: Vec<String> = (0..40).map(|n| format!("d:in{n}")).collect();
    let outputs: Vec<String> = (0..40).map(|n| format!("d:out{n}")).collect();
    let (many, outputs) = (many.join(" "), outputs.join(" "));
    for (inputs, outputs, pairs, late) in [("d:a", "m:notes@1", 1, 1), (many.as_str(), outputs.as_str(), 1_600, 40)] {
        let mut world = World::after(&format!("10 job etl: {inputs} -> {outputs}"));
        let (io, edges) = (world.io(), since(&world));
        world.projector_rows();
        for at in [20, 30] {
            world.tell(&format!("{at} job etl: {inputs} -> {outputs}"));
            assert_eq!((world.io(), since(&world)), (io.clone(), edges.clone()), "{at}");
            let added = world.projector.take_rows();
            assert_eq!(added.edges.len(), 0, "no edge is written to say that nothing has changed");
            extend(&mut world.stored, added);
            world.projector = Projector::load(world.stored.clone_rows());
        }
        // It was said again at 30: what was declared before that, and is told now, came to its end then.
        world.tell(&format!("25 job etl: d:late -> {outputs}"));
        let told = world.io();
        assert_eq!(told, io);
        assert_eq!(world.edges().iter().filter(|e| e.contains("late@") && e.ends_with("until 30")).count(), late);
        // It held from the first time to the last.
        world.tell(&format!("40 job etl: d:b -> {outputs}"));
        let held = since(&world).into_iter().filter(|e| e.ends_with("until 40 since 10")).count();
        assert_eq!(held, pairs);
    }
}

#[test]
fn long_chains_of_aliases_lead_to_their_end() {
    let chain: Vec<String> = (0..40).map(|i| format!("{i} alias d:n{i} d:n{}", i + 1)).collect();
    let mut world = World::after(&chain.join("\n"));
    world.tell("50 alias d:n40 d:n0");
    world.tell("60 run r1 COMPLETE etl: -> d:n0");
    world.tell("70 run r2 COMPLETE train: d:n25 -> m:notes@1");
    assert_eq!(world.edges(), ["TRAINED_ON n40@run:r1 -> notes@1 by r2 VERSION_INFERRED"]);
}

#[test]
fn a_data_set_and_its_file_share_a_name_and_a_model_does_not() {
    // Which type is said first makes no difference.
    for said in ["10 see d:x\n11 see f:x\n12 see t:x\n13 see m:x", "10 see m:x\n11 see t:x\n12 see f:x\n13 see d:x"] {
        let world = World::after(said);
        let mut types: Vec<&str> = world.projector.assets.iter().map(|a| a.asset_type.as_str()).collect();
        types.sort_unstable();
        assert_eq!(types, ["MODEL", "TABLE"]);
    }
}

#[test]
fn a_write_after_a_drop_leaves_the_gap() {
    let world = World::after("5 see d:a\n10 drop d:a\n20 run r1 COMPLETE etl: -> d:a\n8 drop d:a");
    let mut versions: Vec<(String, Option<Micros>)> =
        world.projector.versions.iter().map(|v| (world.name(v.version_id), v.valid_to)).collect();
    versions.sort();
    assert_eq!(versions, [("a@initial".into(), Some(10)), ("a@run:r1".into(), None)]);
    let asset = world.projector.assets.iter().next().expect("an asset");
    assert_eq!(asset.dropped_at, Some(10), "the last drop counts, whichever is told last");
}

fn tags(world: &World) -> BTreeMap<i32, String> {
    world.projector.tags.iter().map(|t| (t.tag_id, t.tag.clone())).collect()
}

#[test]
fn categories_are_the_first_four_tags() {
    let world = World::after(
        "10 find f:x US_SSN pii\n11 find f:x MEDICAL_RECORD_NUMBER pii,phi\n12 find f:x IBAN financial,pii",
    );
    let expected = ["PII", "PHI", "CREDENTIAL", "FINANCIAL", "PII.US_SSN", "PHI.MEDICAL_RECORD_NUMBER", "PII.IBAN"];
    assert_eq!(tags(&world).into_values().collect::<Vec<_>>(), expected);
    assert!(tags(&world).into_keys().eq(0..7));
}

#[test]
fn a_finding_of_nothing_has_no_tag() {
    let world = World::after("10 find f:x NONE none 0");
    assert_eq!(world.projector.findings.iter().map(|f| f.tag_id).collect::<Vec<_>>(), [-1]);
}

#[test]
fn entities_beyond_the_last_bit_have_the_bit_of_their_category() {
    let events: Vec<String> = (0..70).map(|i| format!("{i} find f:x ENTITY_{i} credential")).collect();
    let mut world = World::after(&events.join("\n"));
    let check = |world: &World| {
        assert_eq!(tags(world).len(), 64);
        let tag_of = |entity: &str| world.projector.findings.iter().find(|f| f.entity == entity).map(|f| f.tag_id);
        assert_eq!(tag_of("ENTITY_59"), Some(63), "the last bit");
        assert_eq!(tag_of("ENTITY_60"), Some(2), "none left: CREDENTIAL");
        assert_eq!(tag_of("ENTITY_69"), Some(2));
    };
    check(&world);
    let mut again =
        World { projector: Projector::load(world.projector.take_rows()), told: world.told, stored: Rows::default() };
    again.tell("80 find f:x ENTITY_60 credential 5");
    check(&again);
}

#[test]
fn entities_of_one_detector_do_not_take_each_others_place() {
    let tell = |world: &mut World, at: i64, words: [&str; 3]| {
        let (context, _) = parse(&format!("{at} find {}", words.join(" ")), at);
        let tag =
            DataFinding { detector: "openlineage:tags".into(), origin: FindingOrigin::Declared, ..finding(&words) };
        world.projector.apply(&context, &[Statement::Finding(tag)]);
    };
    let mut world = World::default();
    for (at, words) in (10..).zip([["d:x", "PII", "pii"], ["d:x", "PHI", "phi"], ["d:x", "PCI", "financial"]]) {
        tell(&mut world, at, words);
    }
    let entities = |world: &World| -> Vec<String> {
        let mut all: Vec<String> = world.projector.findings.iter().map(|f| f.entity.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(entities(&world), ["PCI", "PHI", "PII"]);
    // Said again behind a restart, each is still its own.
    let mut again =
        World { projector: Projector::load(world.projector.take_rows()), told: world.told, stored: Rows::default() };
    tell(&mut again, 20, ["d:x", "PHI", "phi"]);
    assert_eq!(entities(&again), ["PCI", "PHI", "PII"]);
}

#[test]
fn what_a_model_is_measured_on_is_one_thing_however_it_is_written() {
    for context in ["validation", "VALIDATION", "val", "Testing", "eval"] {
        let world = World::after(&format!("10 run r1 COMPLETE fit: d:held+{context} -> m:notes@1"));
        assert_eq!(world.edges().iter().filter(|e| e.starts_with("EVALUATED_ON ")).count(), 1, "{context}");
    }
}

#[test]
fn many_reads_and_versions_of_one_asset_take_time_in_proportion_to_their_product() {
    let reads = (0..2_000).map(|i| format!("{} run r{i} COMPLETE etl: d:a -> d:o{i}", 10 + i));
    let writes = (0..2_000).map(|i| format!("{} run w{i} COMPLETE load: -> d:a", 10_000 + i));
    let start = std::time::Instant::now();
    let world = World::after(&reads.chain(writes).collect::<Vec<_>>().join("\n"));
    assert!(world.io().iter().filter(|io| io.contains(" INPUT a@initial ")).count() == 2_000);
    // Takes some 2 s unoptimised; to look at every version for every read and version takes minutes.
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn late_events_about_a_listed_data_set_do_not_walk_it_again() {
    const FILES: usize = 3_000;
    let mut world = World::after("1000 see d:data@1#1");
    for n in 0..FILES {
        world.tell(&format!("1000 see f:data/{n}@x{n}"));
        world.tell(&format!("1000 link CONTAINS f:data/{n}@x{n} d:data@1#1"));
    }
    world.tell(&format!("1000 members d:data@1#1 {FILES}"));
    let start = std::time::Instant::now();
    for n in 0..FILES {
        world.tell(&format!("{} write f:data/{n}", 10 + n % 500));
        world.tell(&format!("{} write f:data/gone{n}", 10 + n % 500));
    }
    let members = world.edges().iter().filter(|e| e.starts_with("CONTAINS") && e.contains("-> data@1 ")).count();
    assert!(members >= FILES, "{members}");
    assert!(!world.edges().iter().any(|e| e.contains("/gone") && e.contains("-> data@1 ")), "they are not in the list");
    // Takes half a second unoptimised; a walk for each event takes minutes.
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_long_list_of_tags_is_compared_in_one_go() {
    const FIELDS: usize = 30_000;
    let tags: Vec<serde_json::Value> =
        (0..FIELDS).map(|n| serde_json::json!({"key": "pii", "value": "", "field": format!("f{n}")})).collect();
    let document = |day: u32, from: usize| {
        serde_json::json!({
            "eventTime": format!("2026-03-{day:02}T00:00:00Z"), "producer": "test", "schemaURL": "DatasetEvent",
            "dataset": {"namespace": NAMESPACE, "name": "claims", "facets": {"tags": {
                "_producer": "steward", "tags": tags[from..]}}},
        })
    };
    let mut world = World::default();
    let start = std::time::Instant::now();
    for (day, from) in [(1, 0), (2, 1)] {
        let document = document(day, from);
        let event = lineward_events::decode(lineward_events::FormatChoice::Auto, &document, &document.to_string());
        let event = event.expect("an event");
        let context = Context { event_key: Hash(event.key.0), received_at: 1, at: event.event_time.expect("a time") };
        world.projector.apply(&context, &event.statements);
    }
    assert_eq!(world.projector.findings.iter().count(), FIELDS - 1, "the one that is listed no longer is withdrawn");
    // Takes a second unoptimised; each against each is 450 million comparisons of texts.
    assert!(start.elapsed() < std::time::Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn tags_that_a_producer_lists_no_longer_are_withdrawn() {
    let event = |day: u32, producer: &str, tags: &str| {
        let document = serde_json::json!({
            "eventTime": format!("2026-03-{day:02}T00:00:00Z"), "producer": "test", "schemaURL": "DatasetEvent",
            "dataset": {"namespace": NAMESPACE, "name": "claims", "facets": {"tags": {
                "_producer": producer, "tags": serde_json::from_str::<serde_json::Value>(tags).expect("JSON")}}},
        });
        let event = lineward_events::decode(lineward_events::FormatChoice::Auto, &document, &document.to_string());
        let event = event.expect("an event");
        let context = Context { event_key: Hash(event.key.0), received_at: 1, at: event.event_time.expect("a time") };
        (context, event.statements)
    };
    let both =
        event(1, "steward", r#"[{"key": "phi", "value": "true"}, {"key": "pii", "value": "", "field": "name"}]"#);
    let denied =
        event(2, "steward", r#"[{"key": "phi", "value": "false"}, {"key": "pii", "value": "", "field": "name"}]"#);
    let other = event(3, "crawler", r#"[{"key": "pci", "value": "true"}]"#);
    let none = event(4, "steward", "[]");
    let declared = |events: &[&(Context, Vec<Statement>)]| {
        let mut world = World::default();
        for (context, statements) in events {
            world.projector.apply(context, statements);
            world.projector = Projector::load(world.projector_rows());
        }
        let mut found: Vec<String> = world.projector.findings.iter().map(|f| f.entity.clone()).collect();
        found.sort();
        found
    };
    assert_eq!(declared(&[&both]), ["PHI", "PII"]);
    assert_eq!(declared(&[&both, &denied]), ["PII"]);
    assert_eq!(declared(&[&both, &denied, &other]), ["PCI", "PII"], "another producer withdraws nothing");
    assert_eq!(declared(&[&both, &other, &none]), ["PCI"]);
    assert_eq!(declared(&[&both, &none, &both, &denied]), [""; 0], "an older list, told again, changes nothing");
    let later = event(5, "steward", r#"[{"key": "phi", "value": "true"}]"#);
    assert_eq!(declared(&[&both, &none, &later, &none]), ["PHI"]);
}

#[test]
fn a_finding_seen_again_is_a_revision() {
    let (old, new) = ("10 find f:x US_SSN pii 3", "20 find f:x US_SSN pii 5");
    let rows = World::after(&format!("{old}\n{new}")).projector.take_rows();
    let counts = |rows: &Rows| -> Vec<(i64, i64, i64)> {
        rows.findings.iter().map(|f| (f.finding_id, f.recorded.revision, f.match_count)).collect()
    };
    assert_eq!(counts(&rows), [(0, 0, 3), (0, 1, 5)]);
    // A scan that is told late does not take the place of a newer one.
    let rows = World::after(&format!("{new}\n{old}")).projector.take_rows();
    assert_eq!(counts(&rows), [(0, 0, 5)]);
}

#[test]
fn an_access_is_counted_once_even_if_its_version_turns_up_later() {
    let mut world = World::after("20 read d:a\n20 write d:b");
    world.tell("10 run r1 COMPLETE etl: -> d:a");
    world.tell("20 read d:a");
    world.tell("20 write d:b");
    assert_eq!(world.projector.accesses.iter().count(), 2);
}

#[test]
fn column_mappings_are_one_set_for_runs_that_say_the_same_and_follow_a_read_that_moves() {
    let mut world = World::after(
        "10 run r1 COMPLETE etl: d:a -> d:out cols d:a>d:out
         20 run r2 COMPLETE etl: d:a -> d:out cols d:a>d:out
         30 run r3 COMPLETE etl: d:a -> d:out cols d:a>d:out*",
    );
    let ends = |world: &World| -> Vec<String> {
        let run = |sid: Option<i64>| sid.map(|sid| world.run(sid).run_id.clone()).unwrap_or_default();
        let mut ends: Vec<String> = world
            .projector
            .run_mappings
            .iter()
            .map(|r| format!("{} {} -> {}", run(r.run_sid), world.name(r.src_version_id), world.name(r.dst_version_id)))
            .collect();
        ends.sort();
        ends
    };
    assert_eq!(world.projector.fields.iter().count(), 2, "one field on each side");
    assert_eq!(world.projector.column_mappings.iter().count(), 2, "masked or not");
    assert_eq!(
        ends(&world),
        ["r1 a@initial -> out@run:r1", "r2 a@initial -> out@run:r2", "r3 a@initial -> out@run:r3"]
    );
    // A write that comes in late: what was read after it was its version.
    world.tell("15 run r0 COMPLETE load: -> d:a");
    assert_eq!(ends(&world), ["r1 a@initial -> out@run:r1", "r2 a@run:r0 -> out@run:r2", "r3 a@run:r0 -> out@run:r3"]);
    // And once more: a second move starts from where the first one led.
    world.tell("18 run r00 COMPLETE load: -> d:a");
    let moved = ends(&world);
    assert_eq!(moved[1..], ["r2 a@run:r00 -> out@run:r2", "r3 a@run:r00 -> out@run:r3"]);
}
