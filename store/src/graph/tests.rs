//! Small graphs as text, and random graphs against a brute-force oracle.
//!
//! A line is `run r1: d:a d:b/validation -> m:x` (a `?` after the run's name: inputs not known), `edge TYPE a -> b`
//! with `clear=N`, `from=T`, `to=T`, or `find d:a US_SSN pii`. The letter is the type: `d`ata set, `f`ile, `m`odel,
//! `e`ndpoint.

use super::*;
use crate::bytes::Hash;
use crate::rows::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

mod fields;
mod foreign;
mod judges;

#[derive(Default)]
struct Fixture {
    rows: GraphRows,
    names: Vec<String>,
}

fn recorded() -> Recorded {
    Recorded { recorded_at: 0, retracted_at: None, event_key: Hash::default(), revision: 0 }
}

impl Fixture {
    fn parse(text: &str) -> Self {
        let mut fixture = Self::default();
        for (i, tag) in ["PII", "PHI", "CREDENTIAL", "FINANCIAL", "PII.US_SSN"].into_iter().enumerate() {
            fixture.rows.tags.push(TagRow {
                tag_id: i as i32,
                tag: tag.into(),
                parent: tag.split_once('.').map(|(p, _)| p.into()),
                regime: None,
                propagate: true,
                severity: 1,
                recorded: recorded(),
            });
        }
        text.lines().map(str::trim).filter(|l| !l.is_empty()).for_each(|line| fixture.line(line));
        fixture
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "run" => self.run(words[1], &words[2..]),
            "edge" => self.edge(words[1], words[2], words[4], &words[5..]),
            "find" => {
                self.find(words[1], words[2], words[3]);
                if let (Some(origin), Some(row)) = (words.get(4), self.rows.findings.last_mut()) {
                    (row.origin, row.coverage) = ((*origin).to_owned(), 0.0);
                }
            }
            "scan" => self.scan(words[1]),
            _ => _ = self.version(words[0]),
        }
    }

    fn version(&mut self, name: &str) -> i64 {
        if let Some(at) = self.names.iter().position(|n| n == name) {
            return at as i64;
        }
        self.add(name)
    }

    /// A version of which it is known that it is new.
    fn add(&mut self, name: &str) -> i64 {
        let id = self.names.len() as i64;
        self.names.push(name.into());
        let asset_type = match &name[..1] {
            "m" => "MODEL",
            "e" => "DEPLOYMENT",
            "f" => "FILE",
            _ => "DATASET",
        };
        self.rows.assets.push(AssetRow {
            asset_id: id,
            namespace: "s3://lake".into(),
            name: name[2..].into(),
            asset_type: asset_type.into(),
            parent_asset_id: None,
            canonical_asset_id: None,
            first_seen: 0,
            dropped_at: None,
            schema_json: None,
            recorded: recorded(),
        });
        self.rows.versions.push(AssetVersionRow {
            version_id: id,
            asset_id: id,
            version: "1".into(),
            version_scheme: "declared".into(),
            inferred: false,
            content_sha256: None,
            merkle_root: None,
            row_count: None,
            size_bytes: None,
            file_count: None,
            produced_by_run: None,
            valid_from: i64::MIN,
            valid_to: None,
            listed_at: None,
            declared_at: None,
            schema_id: None,
            schema_at: None,
            recorded: recorded(),
        });
        id
    }

    fn run(&mut self, name: &str, words: &[&str]) {
        let name = name.trim_end_matches(':');
        let run_sid = self.rows.runs.len() as i64;
        self.rows.runs.push(RunRow {
            run_sid,
            run_id: name.trim_end_matches('?').into(),
            job_id: 0,
            parent_run_id: None,
            root_run_id: None,
            state: "COMPLETE".into(),
            started_at: Some(run_sid),
            ended_at: None,
            nominal_start: None,
            nominal_end: None,
            principal: None,
            git_sha: None,
            image: None,
            inputs_known: !name.ends_with('?'),
            params: BTreeMap::new(),
            recorded: recorded(),
        });
        let mut io = "INPUT";
        for word in words {
            if *word == "->" {
                io = "OUTPUT";
                continue;
            }
            let (word, at) = word.split_once('#').unwrap_or((word, "0"));
            let (name, context) = word.split_once('/').unwrap_or((word, ""));
            let version_id = self.version(name);
            let declared = context == "environment";
            let row = RunIoRow {
                run_sid,
                version_id,
                io: io.into(),
                context: context.into(),
                subset: None,
                evidence: if declared { "DECLARED" } else { "IO_MEMBERSHIP" }.into(),
                event_time: at.parse().expect("a time"),
                row_count: None,
                size_bytes: None,
                schema_id: None,
                schema_at: None,
                recorded: recorded(),
            };
            // Named again, it is a later revision of the row.
            let revision = self.rows.run_io.iter().filter(|r| r.key() == row.key()).count() as i64;
            self.rows.run_io.push(RunIoRow { recorded: Recorded { revision, ..recorded() }, ..row });
        }
    }

    fn edge(&mut self, edge_type: &str, src: &str, dst: &str, options: &[&str]) {
        let (src, dst) = (self.version(src), self.version(dst));
        self.link(edge_type, src, dst, options);
    }

    fn link(&mut self, edge_type: &str, src_version_id: i64, dst_version_id: i64, options: &[&str]) {
        let option = |name: &str| options.iter().find_map(|o| o.strip_prefix(name)?.parse::<i64>().ok());
        self.rows.edges.push(EdgeRow {
            edge_id: self.rows.edges.len() as i64,
            src_version_id,
            dst_version_id,
            run_sid: option("run="),
            edge_type: edge_type.to_owned().into(),
            evidence: options.iter().find_map(|o| o.strip_prefix("by=")).unwrap_or("EXPLICIT").to_owned().into(),
            confidence: 1.0,
            masking: false,
            clear_mask: option("clear=").unwrap_or(0),
            valid_from: option("from=").unwrap_or(i64::MIN),
            valid_to: option("to="),
            recorded: recorded(),
        });
    }

    fn find(&mut self, name: &str, entity: &str, category: &str) {
        let version_id = self.version(name);
        self.rows.findings.push(FindingRow {
            finding_id: self.rows.findings.len() as i64,
            version_id,
            field: None,
            entity: entity.into(),
            tag_id: if entity == "US_SSN" { 4 } else { -1 },
            categories: vec![category.into()],
            detector: "test".into(),
            detector_version: None,
            match_count: 1,
            distinct_count: None,
            confidence: 1.0,
            coverage: 1.0,
            origin: "scan".into(),
            policy: None,
            severity: None,
            scanned_at: 0,
            value_count: None,
            matched_values: None,
            verdict: None,
            recorded: recorded(),
        });
    }

    fn scan(&mut self, name: &str) {
        let id = self.version(name) as usize;
        let asset = &self.rows.assets[id];
        self.rows.scans.push(Scan {
            asset_type: asset.asset_type.clone(),
            namespace: asset.namespace.clone(),
            name: asset.name.clone(),
            content: None,
            complete: true,
            index_key: None,
            scanned_at: 0,
            recorded_at: 0,
        });
    }

    fn id(&self, name: &str) -> Version {
        self.names.iter().position(|n| n == name).expect("a known name") as Version
    }

    fn view(&self, valid: Option<i64>) -> View {
        let mut tables = GraphTables::of_rows(self.rows.clone()).expect("tables");
        // As a store reads them, and as rows that were added.
        if self.names.len().is_multiple_of(2) {
            let slim = tables.edges.iter().map(|batch| GraphTables::slim_edges(batch).expect("a batch"));
            tables.edges = slim.collect();
        }
        View::new(Arc::new(LineageGraph::of_tables(tables, None).expect("a graph")), valid)
    }

    fn walk(&self, direction: Direction, from: &str, depth: Option<u32>, valid: Option<i64>) -> String {
        let view = self.view(valid);
        let mut reached: Vec<_> = view
            .walk(direction, &[self.id(from)], depth)
            .iter()
            .map(|r| {
                let cut = if r.cut { "+" } else { "" };
                format!("{}:{}:{}{cut}", self.names[r.version as usize], r.depth, r.edge_type.as_str())
            })
            .collect();
        reached.sort();
        reached.join(" ")
    }
}

#[test]
fn walks() {
    use Direction::{Downstream, Upstream};
    for (graph, direction, from, expected) in [
        ("run r1: d:a d:b -> m:x", Upstream, "m:x", "d:a:1:TRAINED_ON d:b:1:TRAINED_ON"),
        ("run r1: d:a d:b -> m:x", Downstream, "d:a", "m:x:1:TRAINED_ON"),
        (
            "run r1: d:a -> d:b\n run r2: d:b m:base -> m:x",
            Upstream,
            "m:x",
            "d:a:2:DERIVED d:b:1:TRAINED_ON m:base:1:FINE_TUNED_FROM",
        ),
        ("run r1: d:a d:b/validation -> m:x d:log", Upstream, "m:x", "d:a:1:TRAINED_ON d:b:1:EVALUATED_ON"),
        ("run r1: d:a d:b/test -> m:x d:log", Upstream, "d:log", "d:a:1:DERIVED d:b:1:DERIVED"),
        // A diamond is reached once, by its short side.
        ("run r1: d:a -> d:b\n run r2: d:a d:b -> d:c", Upstream, "d:c", "d:a:1:DERIVED d:b:1:DERIVED"),
        // Cycles and self-edges end.
        ("run r1: d:a -> d:b\n run r2: d:b -> d:a", Upstream, "d:a", "d:b:1:DERIVED"),
        ("run r1: d:a -> d:a", Upstream, "d:a", ""),
        ("edge DERIVED m:a -> m:a", Downstream, "m:a", ""),
        (
            "edge ADAPTER_OF m:a -> m:b\n edge DEPLOYED_AS m:b -> e:p",
            Downstream,
            "m:a",
            "e:p:2:DEPLOYED_AS m:b:1:ADAPTER_OF",
        ),
        // What a run says of an output explicitly takes the place of its membership.
        ("run r1: d:a d:b -> d:c d:d\n edge DERIVED d:a -> d:c run=0", Upstream, "d:c", "d:a:1:DERIVED"),
        ("run r1: d:a d:b -> d:c d:d\n edge DERIVED d:a -> d:c run=0", Upstream, "d:d", "d:a:1:DERIVED d:b:1:DERIVED"),
        ("run r1: d:a -> d:c\n edge CONTAINS f:p -> d:c run=0", Upstream, "d:c", "d:a:1:DERIVED f:p:1:CONTAINS"),
        // Copies are the same bytes: both ways.
        ("edge COPY_OF d:a -> d:b", Upstream, "d:a", "d:b:1:COPY_OF"),
        ("edge COPY_OF d:a -> d:b", Downstream, "d:a", "d:b:1:COPY_OF"),
        // A whole is made of its parts, not the parts of the whole.
        ("edge CONTAINS f:p -> d:a", Upstream, "f:p", ""),
    ] {
        assert_eq!(Fixture::parse(graph).walk(direction, from, None, None), expected, "{graph}");
    }
}

#[test]
fn walks_stop_at_their_depth_and_say_so() {
    let chain = Fixture::parse("run r1: d:a -> d:b\n run r2: d:b -> d:c\n run r3: d:c -> d:d");
    assert_eq!(chain.walk(Direction::Upstream, "d:d", Some(2), None), "d:b:2:DERIVED+ d:c:1:DERIVED");
    assert_eq!(chain.walk(Direction::Upstream, "d:d", Some(3), None), "d:a:3:DERIVED d:b:2:DERIVED d:c:1:DERIVED");
    assert_eq!(chain.walk(Direction::Upstream, "d:d", Some(0), None), "");
}

#[test]
fn time_is_respected() {
    // B is read for C before A is written to it: the versions differ, so there is no path from A to C.
    let versions = Fixture::parse("run r1: d:b@0#1 -> d:c@1#1\n run r2: d:a#2 -> d:b@1#2");
    assert_eq!(versions.walk(Direction::Downstream, "d:a", None, None), "d:b@1:1:DERIVED");
    let edges = Fixture::parse("edge DERIVED d:a -> d:b from=10 to=20\n run r1: d:b#15 -> d:c#15");
    for (at, expected) in [
        (Some(9), ""),
        (Some(10), "d:b:1:DERIVED"),
        (Some(15), "d:b:1:DERIVED d:c:2:DERIVED"),
        (Some(20), ""),
        (None, ""),
    ] {
        assert_eq!(edges.walk(Direction::Downstream, "d:a", None, at), expected, "{at:?}");
    }
}

#[test]
fn what_was_known_then() {
    let mut fixture = Fixture::parse("edge DERIVED d:a -> d:b");
    let first = fixture.rows.edges[0].clone();
    let later = |revision, recorded_at, retracted_at| {
        let recorded = Recorded { revision, recorded_at, retracted_at, ..recorded() };
        EdgeRow { edge_type: "CONTAINS".into(), recorded, ..first.clone() }
    };
    fixture.rows.edges.push(later(1, 10, None));
    fixture.rows.edges.push(later(2, 20, Some(20)));
    for (known, expected) in [(0, Some("DERIVED")), (10, Some("CONTAINS")), (19, Some("CONTAINS")), (20, None)] {
        let graph = LineageGraph::build(fixture.rows.clone(), Some(known)).expect("a graph");
        let reached = View::new(Arc::new(graph), None).walk(Direction::Downstream, &[0], None);
        assert_eq!(reached.first().map(|r| r.edge_type.as_str()), expected, "{known}");
    }
}

fn trained(graph: &str, what: &str, unknown: bool) -> String {
    let fixture = Fixture::parse(graph);
    let view = fixture.view(None);
    let what = match what.strip_prefix("asset ") {
        Some(name) => What::Versions(vec![fixture.id(name)]),
        None => What::Tag(what.into()),
    };
    let rows = view.models_trained_on(&what, unknown, Details::ALL);
    let row = |r: &Trained| {
        let flags = [(r.deployed, " deployed"), (!r.complete, " incomplete")];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        let depth = r.min_depth.map_or("-".into(), |d| d.to_string());
        let run = r.first_run.map_or("-", |run| view.graph().run_id(run));
        format!("{} {} {} {depth} {run}{flags}", fixture.names[r.model as usize], r.status.as_str(), r.sources)
    };
    let mut rows: Vec<_> = rows.iter().map(row).collect();
    rows.sort();
    rows.join("; ")
}

#[test]
fn models_trained_on_tags() {
    for (graph, what, expected) in [
        ("find d:a US_SSN pii\n run r1: d:a -> m:x", "PII", "m:x observed 1 1 r1"),
        ("find d:a US_SSN pii\n run r1: d:a -> m:x", "us_ssn", "m:x observed 1 1 r1"),
        ("find d:a US_SSN pii\n run r1: d:a -> m:x", "PII.US_SSN", "m:x observed 1 1 r1"),
        ("find d:a US_SSN pii\n run r1: d:a -> m:x", "PHI", ""),
        ("find d:a MRN phi\n run r1: d:a/test -> m:x", "PHI", ""),
        ("find d:a MRN phi\n edge EVALUATED_ON d:a -> m:x", "PHI", ""),
        (
            "find d:a MRN phi\n scan d:b\n run r1: d:a -> d:b\n run r2: d:b -> m:x\n run r3: m:x -> m:y\n edge DEPLOYED_AS m:y -> e:p",
            "PHI",
            "m:x inherited 1 2 r2; m:y inherited 1 3 r3 deployed",
        ),
        // Findings in the files of a data set are findings in the data set; a copy is the same source.
        (
            "find f:p MRN phi\n find f:q MRN phi\n edge CONTAINS f:p -> d:a\n edge CONTAINS f:q -> d:a\n run r1: d:a -> m:x",
            "PHI",
            "m:x observed 2 1 r1",
        ),
        (
            "find d:b MRN phi\n find d:a MRN phi\n edge COPY_OF d:a -> d:b\n run r1: d:b -> m:x",
            "PHI",
            "m:x observed 1 1 r1",
        ),
        ("find d:b MRN phi\n edge COPY_OF d:a -> d:b\n run r1: d:a -> m:x", "PHI", "m:x observed 1 1 r1"),
        // Cleared on the way; and seen all the same.
        ("find d:a MRN phi\n scan d:b\n edge DERIVED d:a -> d:b clear=2\n run r1: d:b -> m:x", "PHI", ""),
        (
            "find d:a MRN phi\n find d:b MRN phi\n edge DERIVED d:a -> d:b clear=2\n run r1: d:b -> m:x",
            "PHI",
            "m:x contradicted 1 1 r1",
        ),
        (
            "find d:a MRN phi\n find d:b MRN phi\n edge DERIVED d:a -> d:b clear=2\n edge DERIVED d:a -> d:b\n run r1: d:b -> m:x",
            "PHI",
            "m:x observed 2 1 r1",
        ),
        // Not everything is known.
        ("find d:a MRN phi\n run r1: d:a d:b -> m:x", "PHI", "m:x observed 1 1 r1 incomplete"),
        ("find d:a MRN phi\n run r1: d:a m:base -> m:x", "PHI", "m:x observed 1 1 r1 incomplete"),
        ("find d:a MRN phi\n run r1?: d:a/environment -> m:x", "PHI", "m:x observed 1 1 r1 incomplete"),
        // Cycles.
        (
            "find d:a MRN phi\n run r1: d:a m:y -> m:x\n run r2: m:x -> m:y",
            "PHI",
            "m:x observed 1 1 r1; m:y observed 1 2 r2",
        ),
        // By asset: the data set itself, or a part of it.
        ("scan d:a\n run r1: d:a -> m:x", "asset d:a", "m:x observed 1 1 r1"),
        ("scan d:a\n edge CONTAINS f:p -> d:a\n run r1: f:p -> m:x", "asset d:a", "m:x observed 1 1 r1"),
    ] {
        assert_eq!(trained(graph, what, false), expected, "{graph}\n{what}");
    }
    assert_eq!(trained("m:x\n m:y\n run r1: d:a -> m:y\n scan d:a", "PHI", true), "m:x unknown 0 - - incomplete");
}

/// One version stands for all with its content, also where pairs of copies are met before what joins them.
#[test]
fn copies_of_copies_pass_on_the_tags_of_all() {
    let fixture = Fixture::parse(
        "d:0\n d:1\n d:2\n d:3
         edge COPY_OF d:0 -> d:4
         edge COPY_OF d:1 -> d:2
         edge COPY_OF d:1 -> d:3
         edge COPY_OF d:3 -> d:4
         find d:0 MRN phi
         run r: d:2 -> m:x",
    );
    let view = fixture.view(None);
    let tags = |v| view.tags_of(v).own | view.tags_of(v).inherited;
    let holding: Vec<&str> =
        (0u32..).zip(&fixture.names).filter(|(v, _)| tags(*v) & 2 != 0).map(|(_, name)| name.as_str()).collect();
    assert_eq!(holding, ["d:0", "d:1", "d:2", "d:3", "d:4", "m:x"]);
}

#[test]
fn training_data_is_never_empty_for_lack_of_knowledge() {
    for (graph, granularity, expected) in [
        (
            "run r1: d:a/training d:v/test m:base -> m:x\n run r2: d:b -> m:base",
            Granularity::Dataset,
            "d:a training 1 -; d:b  2 m:base",
        ),
        ("run r1?: -> m:x", Granularity::Dataset, "-  1 -"),
        ("m:x", Granularity::Dataset, "-  1 -"),
        ("run r1: -> m:x", Granularity::Dataset, ""),
        ("run r1: m:base d:a -> m:x", Granularity::Dataset, "d:a  1 -; -  2 m:base"),
        (
            "edge CONTAINS f:p -> d:a\n edge CONTAINS f:q -> d:a\n run r1: d:a -> m:x",
            Granularity::File,
            "f:p  1 -; f:q  1 -",
        ),
        ("run r1: d:a -> m:x", Granularity::File, "d:a  1 -"),
        ("edge TRAINED_ON d:a -> m:x\n edge FINE_TUNED_FROM m:x -> m:x", Granularity::Dataset, "d:a  1 -"),
    ] {
        let fixture = Fixture::parse(graph);
        let name = |v: Version| fixture.names[v as usize].as_str();
        let rows = fixture.view(None).training_data(&[fixture.id("m:x")], granularity);
        let row = |r: &TrainingData| {
            let (data, through) = (r.data.map_or("-", name), r.through.map_or("-", name));
            format!("{data} {} {} {through}", r.context, r.depth)
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        assert_eq!(rows.join("; "), expected, "{graph}");
    }
}

#[test]
fn gaps() {
    for (graph, expected) in [
        ("scan d:a\n run r1: d:a -> m:x", ""),
        ("run r1: d:a -> m:x", "d:a data_not_scanned"),
        ("run r1: d:a -> d:b", ""),
        ("run r1?: -> m:x", "m:x training_inputs_unknown"),
        ("scan d:a\n run r1?: d:a/environment -> m:x", "m:x inputs_only_hinted"),
        (
            "scan d:a\n run r1?: d:a/environment -> m:x\n edge TRAINED_ON d:a -> m:x run=0 by=DECLARED",
            "m:x inputs_only_hinted",
        ),
        ("run r1?: m:b -> m:x\n run r2: -> m:b\n edge FINE_TUNED_FROM m:b -> m:x run=0", "m:x training_inputs_unknown"),
        ("scan d:b\n run r1?: -> d:b\n run r2: d:b -> m:x", "d:b inputs_unknown"),
        ("m:x", "m:x training_inputs_unknown"),
        ("edge EVALUATED_ON d:a -> m:x\n run r1: -> m:x", ""),
        // A scan of the whole covers its parts and its copies, scans of all parts cover the whole.
        ("scan d:a\n edge CONTAINS f:p -> d:a\n edge COPY_OF d:a -> d:b\n run r1: f:p d:b -> m:x", ""),
        ("scan f:p\n scan f:q\n edge CONTAINS f:p -> d:a\n edge CONTAINS f:q -> d:a\n run r1: d:a -> m:x", ""),
        (
            "scan f:p\n edge CONTAINS f:p -> d:a\n edge CONTAINS f:q -> d:a\n run r1: d:a -> m:x",
            "d:a data_not_scanned f:q data_not_scanned",
        ),
        // Members that are known by their names only may not be all.
        ("scan f:p\n edge CONTAINS f:p -> d:a by=VERSION_INFERRED\n run r1: d:a -> m:x", "d:a data_not_scanned"),
        ("find d:a US_SSN pii imported\n run r1: d:a -> m:x", "d:a scan_incomplete"),
        ("scan d:a\n find d:a US_SSN pii imported\n run r1: d:a -> m:x", ""),
    ] {
        let fixture = Fixture::parse(graph);
        let view = fixture.view(None);
        let mut gaps: Vec<_> = view
            .gaps_of_models()
            .iter()
            .map(|g| format!("{} {}", fixture.names[g.version as usize], g.kind.as_str()))
            .collect();
        gaps.sort();
        assert_eq!(gaps.join(" "), expected, "{graph}");
    }
}

#[test]
fn names_resolve() {
    let names = "d:raw/notes\n d:clean/notes\n m:summarizer\n d:a@b\n f:summarizer\n m:triage\n e:endpoint/triage";
    let mut fixture = Fixture::parse(names);
    fixture.rows.assets[0].canonical_asset_id = Some(1);
    let graph = LineageGraph::build(fixture.rows.clone(), None).expect("a graph");
    for (text, expected) in [
        ("dataset:s3://lake/clean/notes", Ok(vec![0, 1])),
        ("DATASET:s3://lake/clean/notes@1", Ok(vec![0, 1])),
        ("s3://lake/clean/notes", Ok(vec![0, 1])),
        // An alias is the asset it stands for, with what was told of it under the other name before that was known.
        ("dataset:s3://lake/raw/notes", Ok(vec![0, 1])),
        ("notes", Ok(vec![0, 1])),
        ("clean/notes@1", Ok(vec![0, 1])),
        ("model:summarizer", Ok(vec![2])),
        // A whole name goes before the end of one.
        ("triage", Ok(vec![5])),
        ("deployment:triage", Ok(vec![6])),
        ("a@b", Ok(vec![3])),
        ("a@b@1", Ok(vec![3])),
        ("dataset:*", Ok(vec![0, 1, 3])),
        ("*notes@1", Ok(vec![0, 1])),
        ("otes", Err(ResolveError::Unknown)),
        ("", Err(ResolveError::Unknown)),
        ("@", Err(ResolveError::Unknown)),
        ("*nothing*", Err(ResolveError::Unknown)),
        ("model:notes", Err(ResolveError::Unknown)),
        (
            "clean/notes@9",
            Err(ResolveError::UnknownVersion {
                asset: "dataset:s3://lake/clean/notes".into(),
                versions: vec!["1".into()],
            }),
        ),
        (
            "summarizer",
            Err(ResolveError::Ambiguous(vec!["file:s3://lake/summarizer".into(), "model:s3://lake/summarizer".into()])),
        ),
    ] {
        assert_eq!(graph.resolve(text, None), expected, "{text}");
    }
    fixture.rows.versions[0].valid_from = 100;
    fixture.rows.versions[1].valid_from = 200;
    let graph = LineageGraph::build(fixture.rows, None).expect("a graph");
    let asset = "dataset:s3://lake/clean/notes".to_owned();
    assert_eq!(graph.resolve("clean/notes", Some(99)), Err(ResolveError::NotYet { asset }));
    assert_eq!(graph.resolve("clean/notes", Some(100)), Ok(vec![0]));
    assert_eq!(graph.resolve("clean/notes", Some(200)), Ok(vec![0, 1]));
}

#[test]
fn scan_events_say_what_was_scanned() {
    let digits = "ab".repeat(32);
    let payload = format!(
        r#"{{"lineward":"scan","version":1,"scan_id":"s","scanned_at":"2026-01-01T00:00:00Z",
        "asset":{{"type":"dataset","namespace":"s3://lake","name":"notes","sha256":"{digits}"}},
        "files":[{{"name":"a.csv"}},{{"name":"b.csv","error":"unreadable"}}]}}"#
    );
    let scans = Scan::of_event(&payload, 5, 6);
    let seen: Vec<_> = scans.iter().map(|s| (s.name.as_str(), s.content.is_some(), s.complete)).collect();
    assert_eq!(seen, [("notes", true, false), ("notes/a.csv", false, true), ("notes/b.csv", false, false)]);
    let places = payload.replacen("{", r#"{"places_only":true,"#, 1);
    assert!(Scan::of_event(&places, 5, 6).is_empty(), "where values are is not what was scanned");
    assert!(Scan::of_event("{}", 0, 0).is_empty());
    assert!(Scan::of_event("[", 0, 0).is_empty());
}

// Random graphs.

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A graph of `nodes` versions with runs and edges at random, cycles among them.
fn random_graph(random: &mut Random, nodes: u64) -> Fixture {
    let mut fixture = Fixture::parse("");
    let name = |n: u64| format!("{}:{n}", if n.is_multiple_of(4) { "m" } else { "d" });
    for n in 0..nodes {
        fixture.version(&name(n));
    }
    for run in 0..random.below(nodes) + 1 {
        let mut line = vec![];
        for _ in 0..random.below(4) {
            let context = if random.below(4) == 0 { "/test" } else { "" };
            line.push(format!("{}{context}#{}", name(random.below(nodes)), random.below(10)));
        }
        line.push("->".into());
        for _ in 0..random.below(3) {
            line.push(format!("{}#{}", name(random.below(nodes)), random.below(10)));
        }
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        fixture.run(&format!("r{run}:"), &words);
    }
    for _ in 0..random.below(nodes) {
        let kind = ["DERIVED", "TRAINED_ON", "EVALUATED_ON", "DERIVED"][random.below(4) as usize];
        let (clear, from) = (format!("clear={}", random.below(4)), random.below(8));
        let options = [clear, format!("from={from}"), format!("to={}", from + 1 + random.below(9))];
        let words: Vec<&str> = options.iter().map(String::as_str).collect();
        fixture.edge(kind, &name(random.below(nodes)), &name(random.below(nodes)), &words);
    }
    for n in 0..nodes {
        if random.below(3) == 0 {
            fixture.find(&name(n), "X", ["pii", "phi"][random.below(2) as usize]);
        }
    }
    fixture
}

/// All pairs `(src, dst, carries, clear)` at a time, straight from the rows.
fn pairs(fixture: &Fixture, at: i64) -> BTreeSet<(i64, i64, bool, i64)> {
    let rows = &fixture.rows;
    let model = |v: i64| rows.assets[v as usize].asset_type == "MODEL";
    let mut pairs = BTreeSet::new();
    for e in rows.edges.iter().filter(|e| e.valid_from <= at && e.valid_to.is_none_or(|t| at < t)) {
        pairs.insert((e.src_version_id, e.dst_version_id, e.edge_type != "EVALUATED_ON", e.clear_mask));
    }
    // A repeated key is a later revision of the row.
    let io: BTreeMap<_, _> = rows.run_io.iter().map(|r| (r.key(), r)).collect();
    let live = |io_type: &'static str| io.values().filter(move |r| r.io == io_type && r.event_time <= at);
    for input in live("INPUT") {
        for output in live("OUTPUT").filter(|o| o.run_sid == input.run_sid) {
            let carries = input.context != "test" || !model(output.version_id);
            pairs.insert((input.version_id, output.version_id, carries, 0));
        }
    }
    pairs
}

fn closure(pairs: &BTreeSet<(i64, i64, bool, i64)>, from: i64) -> BTreeSet<Version> {
    let mut reached = BTreeSet::from([from]);
    loop {
        let more: Vec<_> = pairs.iter().filter(|(s, d, ..)| reached.contains(s) && !reached.contains(d)).collect();
        if more.is_empty() {
            reached.remove(&from);
            return reached.into_iter().map(|v| v as Version).collect();
        }
        reached.extend(more.into_iter().map(|(_, d, ..)| *d));
    }
}

#[test]
fn random_graphs_agree_with_brute_force() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..300 {
        let nodes = 2 + random.below(14);
        let fixture = random_graph(&mut random, nodes);
        let at = random.below(12) as i64;
        let view = fixture.view(Some(at));
        let pairs = pairs(&fixture, at);
        let mut downstream = BTreeMap::new();
        for from in 0..nodes as i64 {
            let reached = view.walk(Direction::Downstream, &[from as Version], None);
            let reached: BTreeSet<_> = reached.iter().map(|r| r.version).collect();
            assert_eq!(reached, closure(&pairs, from), "round {round}, from {from}, at {at}");
            downstream.insert(from as Version, reached);
        }
        for to in 0..nodes as Version {
            let up: BTreeSet<_> = view.walk(Direction::Upstream, &[to], None).iter().map(|r| r.version).collect();
            let expected = downstream.iter().filter(|(from, all)| **from != to && all.contains(&to));
            assert_eq!(up, expected.map(|(from, _)| *from).collect(), "round {round}, to {to}");
        }
        check_labels(&fixture, &view, &pairs, round);
    }
}

/// The labels by their definition, iterated over all pairs until nothing changes.
fn check_labels(fixture: &Fixture, view: &View, pairs: &BTreeSet<(i64, i64, bool, i64)>, round: usize) {
    let nodes = fixture.names.len();
    let mut own = vec![0u64; nodes];
    for finding in &fixture.rows.findings {
        own[finding.version_id as usize] |= if finding.categories[0] == "pii" { 1 } else { 2 };
    }
    let spread = |clearing: bool| {
        let mut inflow = vec![0u64; nodes];
        for _ in 0..=nodes {
            for (src, dst, carries, clear) in pairs.iter().filter(|(s, d, ..)| s != d) {
                let kept = if clearing { !(*clear as u64) } else { u64::MAX };
                let bits = if *carries { (own[*src as usize] | inflow[*src as usize]) & kept } else { 0 };
                inflow[*dst as usize] |= bits;
            }
        }
        inflow
    };
    let (inherited, uncleared) = (spread(true), spread(false));
    let fields = view.field_tags();
    for v in 0..nodes {
        // A version that a run both reads and writes passes its tags to itself; that tells nothing new.
        let tags = view.tags_of(v as Version);
        assert_eq!(tags.own, own[v], "round {round}, own of {v}");
        assert_eq!(tags.inherited | own[v], inherited[v] | own[v], "round {round}, inherited of {v}");
        assert_eq!((tags.inherited | tags.cleared) | own[v], uncleared[v] | own[v], "round {round}, cleared of {v}");
        // Without columns any field may hold it.
        let mut rows = fields.iter().filter(|row| row.version == v as Version);
        let row = rows.next().map(|row| (row.field.as_deref(), row.tags)).unwrap_or_default();
        assert_eq!((rows.next(), row.0), (None, None), "round {round}, fields of {v}");
        let without = |tags: TagMasks| (tags.own, tags.inherited | tags.own, tags.inherited | tags.cleared | tags.own);
        assert_eq!(without(row.1), without(tags), "round {round}, fields of {v}");
    }
    for (bit, tag) in [(1, "pii"), (2, "phi")] {
        let models = view.models_trained_on(&What::Tag(tag.into()), false, Details::ALL);
        let models: BTreeSet<_> = models.iter().map(|r| r.model as usize).collect();
        let carries = |v: &usize| (inherited[*v] | own[*v]) & bit != 0;
        let is_model = |v: &usize| fixture.rows.assets[*v].asset_type == "MODEL";
        assert_eq!(models, (0..nodes).filter(carries).filter(is_model).collect(), "round {round}, {tag}");
    }
}

#[test]
fn a_family_goes_on_while_one_of_its_entities_does() {
    // Bit 4 is `PII.US_SSN`: clearing it takes the family along, since nothing else of it was there.
    let cleared = "find d:a US_SSN pii\n scan d:b\n edge DERIVED d:a -> d:b clear=16\n run r1: d:b -> m:x";
    for what in ["PII", "US_SSN"] {
        assert_eq!(trained(cleared, what, false), "", "{what}");
    }
    // With something else of the family beside it, or where nobody can say what it is, the family stays.
    for beside in ["find d:a EMAIL pii\n", "find d:c EMAIL pii\n edge DERIVED d:c -> d:b\n"] {
        let graph = format!("{beside} {cleared}");
        assert_eq!(trained(&graph, "US_SSN", false), "", "{graph}");
        let family = trained(&graph, "PII", false);
        assert!(family.starts_with("m:x inherited 1 2 r1"), "{graph}: {family}");
    }
    // A way around the edge that clears.
    let around = format!("{cleared}\n edge DERIVED d:a -> d:c\n edge DERIVED d:c -> d:b\n scan d:c");
    assert_eq!(trained(&around, "PII", false), "m:x inherited 1 3 r1");
    // Cleared, and seen all the same.
    let failed = format!("find d:b US_SSN pii\n {cleared}");
    assert_eq!(trained(&failed, "PII", false), "m:x contradicted 1 1 r1");
    // The same where it was seen in one of its files.
    let in_member = format!("find f:b1 US_SSN pii\n edge CONTAINS f:b1 -> d:b\n {cleared}");
    assert_eq!(trained(&in_member, "PII", false), "m:x contradicted 1 1 r1");
    // What was cleared on the way into one file says nothing of another.
    let beside = "edge DERIVED d:a -> f:1 clear=16\n edge CONTAINS f:1 -> d:b\n edge CONTAINS f:2 -> d:b\n scan d:b\n \
        find f:2 US_SSN pii\n find d:a US_SSN pii\n run r1: d:b -> m:x";
    assert_eq!(trained(beside, "US_SSN", false), "m:x observed 1 1 r1");
    let fixture = Fixture::parse(beside);
    assert_eq!(fixture.view(None).tags_of(fixture.id("d:b")).contradicted, 0);
    let fixture = Fixture::parse(&failed);
    let view = fixture.view(None);
    let tags = view.tags_of(fixture.id("d:b"));
    assert_eq!((tags.own, tags.inherited, tags.contradicted), (17, 0, 17));
    assert_eq!(view.tags_of(fixture.id("m:x")).inherited, 17);
}
