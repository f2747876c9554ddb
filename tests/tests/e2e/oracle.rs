//! A brute-force judge of time: runs at random, some of them at once, told in any order and some of them twice, and what
//! was made of what by no more than their times. A walk over names would find ways that nothing ever took.

use crate::lineward::Lineward;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const RUNS: usize = 240;
const SETS: u64 = 90;
/// Sets that are in use at one time: the work moves on, so that what is read early is written late by others.
const IN_USE: u64 = 14;
/// Minutes between the starts of runs; a run may take several times as long, so that runs overlap.
const STEP_MIN: u64 = 7;

/// A version as Lineward names it: the data set, and the run that wrote it or `initial`.
type Version = (String, String);

struct Run {
    id: String,
    /// Minutes since the first of June.
    start: u64,
    end: u64,
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
}

#[test]
fn no_way_is_found_that_time_does_not_allow() {
    let mut random = Random(11);
    let runs: Vec<Run> = (0..RUNS).map(|n| Run::at_random(n, &mut random)).collect();
    let lineward = Lineward::new();
    let mut events: Vec<Value> = runs.iter().flat_map(Run::events).collect();
    let twice: Vec<Value> = (0..40).map(|_| events[random.below(events.len() as u64) as usize].clone()).collect();
    events.extend(twice);
    for n in (1..events.len()).rev() {
        events.swap(n, random.below(n as u64 + 1) as usize);
    }
    // In several commits, so that what comes late changes what is stored.
    for (part, some) in events.chunks(130).enumerate() {
        let lines: String = some.iter().map(|event| format!("{event}\n")).collect();
        lineward.write(&format!("{part}.jsonl"), lines);
        lineward.run(["ingest", &format!("{part}.jsonl")]).ok();
    }
    assert_eq!(lineward.count("SELECT count(*) FROM runs"), RUNS as i64);

    let made = made_of(&runs);
    let expected: BTreeSet<(Version, Version)> = made
        .keys()
        .flat_map(|version| sources(version, &made).into_iter().map(|source| (version.clone(), source)))
        .collect();
    let found = pairs(&lineward);
    let (missing, false_ways) = (expected.difference(&found).count(), found.difference(&expected).count());
    assert_eq!((missing, false_ways), (0, 0), "of {}; first: {:?}", expected.len(), found.difference(&expected).next());
    // The judge would notice: by names alone there are ways that time does not allow.
    let by_name = by_names(&runs);
    let named: BTreeSet<(String, String)> =
        expected.iter().map(|(version, source)| (version.0.clone(), source.0.clone())).collect();
    assert!(named.is_subset(&by_name), "names know of all ways");
    assert!(by_name.len() > named.len() + 20, "{} ways by name, {} by time", by_name.len(), named.len());
    assert!(expected.len() > 2_000, "{} pairs are too few to judge by", expected.len());

    as_of_any_time(&lineward, &runs, &made, &mut random);
}

/// What a data set came from as of a time: all that its versions were made of which there were then.
fn as_of_any_time(lineward: &Lineward, runs: &[Run], made: &BTreeMap<Version, BTreeSet<Version>>, random: &mut Random) {
    let mut questions = Vec::new();
    let mut expected: BTreeMap<usize, BTreeSet<Version>> = BTreeMap::new();
    let mut grew = 0;
    while questions.len() < 60 {
        let some = &runs[random.below(RUNS as u64) as usize];
        let (at, set) = (some.start + random.below(20 * STEP_MIN), some.outputs.first().expect("one").clone());
        let writers: Vec<&Run> = runs.iter().filter(|run| run.outputs.contains(&set)).collect();
        let wrote = writers.iter().filter(|run| run.end <= at);
        let versions: Vec<Version> = wrote.map(|run| (set.clone(), format!("run:{}", run.id))).collect();
        grew += usize::from(versions.len() < writers.len());
        let number = questions.len();
        questions.push(format!(
            "SELECT {number} AS question, name, version FROM upstream('ds/{set}', NULL, '{}')",
            time(at, 30)
        ));
        expected.insert(number, versions.iter().flat_map(|version| sources(version, made)).collect());
    }
    let mut found: BTreeMap<usize, BTreeSet<Version>> = (0..questions.len()).map(|n| (n, BTreeSet::new())).collect();
    for row in lineward.sql(&questions.join(" UNION ALL ")) {
        let question = row["question"].as_u64().expect("a number") as usize;
        found.get_mut(&question).expect("asked").insert((text(&row["name"]), text(&row["version"])));
    }
    for (question, versions) in &expected {
        assert_eq!(found.get(question), Some(versions), "{}", questions[*question]);
    }
    assert!(grew > 20, "only {grew} of the data sets were written later as well");
    assert!(expected.values().filter(|versions| versions.len() > 3).count() > 20, "answers are too small to judge by");
}

impl Run {
    fn at_random(n: usize, random: &mut Random) -> Self {
        let start = 10 + n as u64 * STEP_MIN;
        let first = n as u64 * (SETS - IN_USE) / RUNS as u64;
        let sets = |count: u64, random: &mut Random| {
            (0..count).map(|_| format!("s{:02}", first + random.below(IN_USE))).collect()
        };
        let (inputs, outputs) = (1 + random.below(3), 1 + random.below(2));
        Self {
            id: format!("r{n}"),
            start,
            // No two runs end at once, and none ends when another begins.
            end: start + 1 + random.below(3) * STEP_MIN,
            inputs: sets(inputs, random),
            outputs: sets(outputs, random),
        }
    }

    /// What it reads is told when it begins, what it wrote when it ends.
    fn events(&self) -> [Value; 2] {
        let sets = |names: &BTreeSet<String>| -> Vec<Value> {
            names.iter().map(|name| json!({"namespace": "ds", "name": name})).collect()
        };
        let event = |kind: &str, at: u64, inputs: Vec<Value>, outputs: Vec<Value>| {
            json!({
                "eventType": kind, "eventTime": time(at, self.second()), "producer": "https://example.org",
                "run": {"runId": self.id}, "job": {"namespace": "etl", "name": "job"},
                "inputs": inputs, "outputs": outputs,
            })
        };
        [
            event("START", self.start, sets(&self.inputs), Vec::new()),
            event("COMPLETE", self.end, sets(&self.inputs), sets(&self.outputs)),
        ]
    }

    /// Keeps the ends of runs apart that fall on one minute.
    fn second(&self) -> u64 {
        (self.start / STEP_MIN) % 25
    }

    fn begins(&self) -> (u64, u64) {
        (self.start, self.second())
    }

    fn ends(&self) -> (u64, u64) {
        (self.end, self.second())
    }
}

/// What each version was made of directly: a run reads what was there when it began.
fn made_of(runs: &[Run]) -> BTreeMap<Version, BTreeSet<Version>> {
    let read = |run: &Run, set: &String| {
        let before = runs.iter().filter(|other| other.ends() <= run.begins() && other.outputs.contains(set));
        let version = before.max_by_key(|other| other.ends()).map_or("initial".to_owned(), |w| format!("run:{}", w.id));
        (set.clone(), version)
    };
    runs.iter()
        .flat_map(|run| {
            let inputs: BTreeSet<Version> = run.inputs.iter().map(|set| read(run, set)).collect();
            run.outputs.iter().map(move |set| ((set.clone(), format!("run:{}", run.id)), inputs.clone()))
        })
        .collect()
}

/// All that a version was made of.
fn sources(version: &Version, made: &BTreeMap<Version, BTreeSet<Version>>) -> BTreeSet<Version> {
    let (mut all, mut open) = (BTreeSet::new(), vec![version.clone()]);
    while let Some(next) = open.pop() {
        let news: Vec<Version> = made.get(&next).into_iter().flatten().cloned().collect();
        open.extend(news.into_iter().filter(|source| all.insert(source.clone())));
    }
    all
}

/// The ways between data sets where times are forgotten.
fn by_names(runs: &[Run]) -> BTreeSet<(String, String)> {
    let mut made: BTreeMap<Version, BTreeSet<Version>> = BTreeMap::new();
    let name = |set: &String| (set.clone(), String::new());
    for run in runs {
        for output in &run.outputs {
            made.entry(name(output)).or_default().extend(run.inputs.iter().map(name));
        }
    }
    let ways = made.keys().flat_map(|set| sources(set, &made).into_iter().map(|source| (set.0.clone(), source.0)));
    ways.collect()
}

/// All pairs of a version and one it was made of, as the store has them.
fn pairs(lineward: &Lineward) -> BTreeSet<(Version, Version)> {
    let rows = lineward.sql(
        "WITH named AS (SELECT v.version_id, a.name, v.version FROM asset_versions v JOIN assets a USING (asset_id)),
              ways AS (SELECT version_id, unnest(upstream_ids(version_id)) AS source FROM asset_versions)
         SELECT d.name, d.version, s.name AS source, s.version AS source_version
         FROM ways w JOIN named d ON d.version_id = w.version_id JOIN named s ON s.version_id = w.source",
    );
    let pair = |row: &Value| {
        let version = (text(&row["name"]), text(&row["version"]));
        (version, (text(&row["source"]), text(&row["source_version"])))
    };
    rows.iter().map(pair).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn time(minute: u64, second: u64) -> String {
    format!("2026-06-{:02}T{:02}:{:02}:{second:02}Z", 1 + minute / 1440, minute / 60 % 24, minute % 60)
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
