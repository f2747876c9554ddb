//! Each record once, whatever happens: a real broker, a producer that goes on, a pipeline that is killed again and
//! again, and an independent reader of Kafka that says what should be in the store.

use crate::canary::{Canaries, Haystack};
use crate::lineward::{Lineward, shared_data};
use crate::walk;
use lineward_tests::KafkaBroker;
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use walkdir::WalkDir;

const TOPICS: [(&str, i32); 3] = [("lineage", 3), ("audit", 2), ("dlp", 1)];
/// Runs that the producer plays while the pipeline is killed; two events each.
const RUNS: usize = 10_000;
/// Runs that it plays afterwards, for the last start of the pipeline.
const LAST_RUNS: usize = 500;
/// Runs a step of the producer, and the pause after it: 17 seconds in all.
const STEP_RUNS: usize = 60;
const STEP: Duration = Duration::from_millis(100);
const KILLS_MIN: usize = 8;
const KILLS_MAX: usize = 25;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a document of a record must have become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Event,
    DeadLetter(&'static str),
}

/// A record to produce. The key names it; records with equal keys have equal fates.
#[derive(Clone)]
struct Sent {
    topic: &'static str,
    key: String,
    value: Option<Vec<u8>>,
    /// One for each document of the record.
    fates: Vec<Fate>,
}

#[test]
fn every_record_is_stored_once_through_kills() {
    let seed = seed();
    println!("LINEWARD_E2E_SEED={seed} repeats the times of the kills");
    let mut random = Random(seed | 1);
    let broker = KafkaBroker::start().expect("a broker");
    for (topic, partitions) in TOPICS {
        broker.create_topic(topic, partitions).expect("a topic");
    }
    let mut canaries = Canaries::default();
    let mut records = [own_records(&mut canaries), shared_records()].concat();
    // Mixed, so that kills meet records of all sorts.
    records.sort_by_key(|record| Sha256::digest(&record.key));
    let fates: BTreeMap<String, Vec<Fate>> = records.iter().map(|r| (r.key.clone(), r.fates.clone())).collect();
    let producer = Producer::connect(&broker.bootstrap());
    let sent = records.len() + 2 * (RUNS + LAST_RUNS);

    let lineward = Lineward::new();
    lineward.write("pipeline.yaml", pipeline(&broker.bootstrap()));
    let (mut kills, mut kills_in_midstream, mut was_stopped) = (0, 0, false);
    thread::scope(|scope| {
        let producing = scope.spawn(|| produce(&producer, &records));
        while (!producing.is_finished() || kills < KILLS_MIN) && kills < KILLS_MAX {
            let name = format!("run-{kills:02}");
            let mut child = lineward.spawn(&mut run_command(&lineward, &[]), &name);
            if random.below(4) > 0 {
                kills_in_midstream += usize::from(wait_for_commit(&lineward, &mut random));
                thread::sleep(Duration::from_millis(random.below(60)));
            } else {
                thread::sleep(Duration::from_millis(300 + random.below(2_700)));
            }
            if !was_stopped && kills_in_midstream > 1 {
                // SIGTERM once: it drains, commits and leaves in good order.
                stop(&mut child, &lineward.log(&name, "err"));
                was_stopped = true;
            } else {
                assert_eq!(
                    child.try_wait().expect("a status"),
                    None,
                    "it ended itself: {}",
                    lineward.log(&name, "err")
                );
                child.kill().expect("killed");
                child.wait().expect("waited for");
            }
            kills += 1;
        }
        producing.join().expect("produced");
    });
    println!("{kills} kills, {kills_in_midstream} of them behind a commit");
    assert!(kills_in_midstream >= 2, "the kills hit nothing");
    play(&producer, RUNS..RUNS + LAST_RUNS);
    producer.flush();

    let truth = consume(&broker.bootstrap());
    assert_eq!(truth.len(), sent, "Kafka holds what was produced");
    let last = run_to_end(&lineward);
    let again = run_to_end(&lineward);
    assert!((2 * LAST_RUNS as i64..sent as i64).contains(&last), "the last run read {last} of {sent}");
    assert_eq!(again, 0, "everything was committed");
    println!("{} epochs completed what a kill had left undone", completed_epochs(&lineward));
    assert_stored_once(&lineward, &truth, &fates);
    assert_dead_letters_describe_their_records(&lineward, &truth);
    assert_projections_have_no_duplicates(&lineward);
    assert_runs_are_whole(&lineward);
    if shared_data().is_some() {
        let formats = lineward.sql("SELECT format, count(*) AS n FROM raw.events GROUP BY format ORDER BY format");
        println!("{formats:?}");
        for format in ["cloudtrail", "macie", "mlflow", "openlineage", "purview", "unknown"] {
            assert!(formats.iter().any(|row| row["format"] == format), "no event of format {format}");
        }
    }
    let mut haystack = Haystack::default();
    haystack.add_tree(&lineward.store());
    haystack.add_tree(&lineward.path("logs"));
    canaries.assert_none_in(&haystack);
}

/// The first walk in one piece: events from a broker and a corpus that is scanned at the same time, a kill in between, and
/// the question answered.
#[test]
fn the_question_is_answered_from_kafka_and_a_scan_through_a_kill() {
    let broker = KafkaBroker::start().expect("a broker");
    for (topic, partitions) in TOPICS {
        broker.create_topic(topic, partitions).expect("a topic");
    }
    let producer = Producer::connect(&broker.bootstrap());
    let (copies, audit) = walk::events();
    let records: Vec<(&str, &Value)> =
        copies.iter().map(|event| ("lineage", event)).chain(audit.iter().map(|event| ("audit", event))).collect();
    let send = |records: &[(&str, &Value)]| {
        records.iter().for_each(|(topic, event)| producer.send(topic, "walk", Some(event.to_string().as_bytes())));
    };
    // What else goes on: the kill falls between the halves of the story.
    play(&producer, 0..1_000);
    let (first, second) = records.split_at(records.len() / 2);
    send(first);
    play(&producer, 1_000..2_000);
    producer.flush();

    let lineward = Lineward::new();
    lineward.write("pipeline.yaml", pipeline(&broker.bootstrap()));
    let mut random = Random(seed() | 1);
    let mut child = lineward.spawn(&mut run_command(&lineward, &[]), "walk");
    assert!(wait_for_commit(&lineward, &mut random), "{}", lineward.log("walk", "err"));
    thread::scope(|scope| {
        // Another process writes the store meanwhile.
        let scanning = scope.spawn(|| walk::scan(&lineward));
        send(second);
        play(&producer, 2_000..4_000);
        wait_for_commit(&lineward, &mut random);
        child.kill().expect("killed");
        child.wait().expect("waited for");
        scanning.join().expect("the corpus is scanned");
    });
    play(&producer, 4_000..4_500);
    producer.flush();
    let last = run_to_end(&lineward);
    assert!(last >= 1_000, "what came after the kill was read by the last run: {last}");
    assert_eq!(run_to_end(&lineward), 0, "everything was committed");
    let sent = (2 * 4_500 + records.len()) as i64;
    let stored =
        "SELECT count(DISTINCT topic || '/' || partition || '/' || \"offset\") FROM raw.events WHERE source = 'kafka'";
    assert_eq!(lineward.count(stored), sent, "each record is there");
    assert_eq!(lineward.count("SELECT count(*) FROM raw.events WHERE source = 'kafka'"), sent, "and once");
    assert_projections_have_no_duplicates(&lineward);
    walk::assert_answers(&lineward);
}

#[test]
fn a_store_that_cannot_be_written_ends_the_run() {
    let broker = KafkaBroker::start().expect("a broker");
    for (topic, partitions) in TOPICS {
        broker.create_topic(topic, partitions).expect("a topic");
    }
    let producer = Producer::connect(&broker.bootstrap());
    play(&producer, 0..10);
    producer.flush();
    let lineward = Lineward::new();
    lineward.write("pipeline.yaml", pipeline(&broker.bootstrap()));
    let mut child = lineward.spawn(&mut run_command(&lineward, &[]), "broken");
    let begin = Instant::now();
    let epochs = lineward.store().join("epochs/_delta_log/00000000000000000001.json");
    while !epochs.exists() && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(20));
    }
    // The log of the events is a file from now on: no commit can land, and none did that was not whole.
    let log = lineward.store().join("events/_delta_log");
    fs::remove_dir_all(&log).expect("removed");
    fs::write(&log, "").expect("written");
    play(&producer, 10..20);
    producer.flush();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a status") {
            assert_eq!(status.code(), Some(2), "{}", lineward.log("broken", "err"));
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("waited for");
    panic!("it goes on reading, though nothing can be committed");
}

fn pipeline(brokers: &str) -> String {
    // A static member gets its partitions back at once after a crash, and small batches commit often.
    let topics: Vec<&str> = TOPICS.iter().map(|(topic, _)| *topic).collect();
    format!(
        "name: e2e\nsource:\n  kafka:\n    brokers: {brokers}\n    topics: [{}]\n    group_id: e2e\n    \
         instance_id: e2e-0\n    session_timeout_ms: 6000\nbatch:\n  interval_ms: 150\n  records_max: 1500\n",
        topics.join(", ")
    )
}

fn run_command(lineward: &Lineward, more: &[&str]) -> Command {
    let mut command = lineward.command(["run", "pipeline.yaml"].iter().chain(more));
    command.env("LINEWARD_LOG", "info");
    command
}

/// Reads all there is; how many records that were.
fn run_to_end(lineward: &Lineward) -> i64 {
    let outcome = lineward.run_command(&mut run_command(lineward, &["--until-end", "--json"])).ok();
    let counts: Value = serde_json::from_str(&outcome.stdout).expect("JSON");
    let count = |name: &str| counts[name].as_i64().expect("a count");
    assert_eq!(count("documents"), count("events") + count("dead_letters"), "{counts}");
    count("records")
}

/// Waits until the process has committed to some table, or for a while. Tables are committed one after the other, so
/// the table decides between which two of them the kill falls.
fn wait_for_commit(lineward: &Lineward, random: &mut Random) -> bool {
    const TABLES: [&str; 5] = ["dead_letters", "events", "assets", "run_io", "epochs"];
    let log = lineward.store().join(TABLES[random.below(TABLES.len() as u64) as usize]).join("_delta_log");
    let commits = || fs::read_dir(&log).map_or(0, |entries| entries.count());
    let (wanted, begin) = (commits() + 1 + random.below(2) as usize, Instant::now());
    while begin.elapsed() < Duration::from_secs(5) {
        if commits() >= wanted {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Epochs that a start wrote for events that were committed but not projected: kills between two tables.
fn completed_epochs(lineward: &Lineward) -> usize {
    let logs = files(&lineward.store().join("epochs/_delta_log"), "json");
    logs.iter().filter(|log| fs::read_to_string(log).expect("readable").contains("\"writer\":\"projection\"")).count()
}

fn stop(child: &mut Child, log: &str) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs").success());
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a status") {
            assert!(status.success(), "{status} after SIGTERM:\n{log}");
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("it does not end within {PATIENCE:?} of SIGTERM:\n{log}");
}

// What is produced.

/// Records of all sorts that are no events, or several, or of no known kind.
fn own_records(canaries: &mut Canaries) -> Vec<Sent> {
    use Fate::{DeadLetter, Event};
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(300), "]".repeat(300));
    let secret = canaries.text("Kafka event");
    let secret = json!({"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "errorMessage": secret});
    let secret_broken = format!("{{\"message\": {}", json!(canaries.text("Kafka dead letter")));
    let no_run = r#"{"eventType":"START","producer":"p","run":{},"job":{"namespace":"n","name":"j"}}"#;
    let sent = |topic, key: &str, value: &[u8], fates: &[Fate]| Sent {
        topic,
        key: key.to_owned(),
        value: Some(value.to_vec()),
        fates: fates.to_vec(),
    };
    let dead = |key, value: &[u8], reason| sent("audit", key, value, &[DeadLetter(reason)]);
    let not_an_event = DeadLetter("not_an_event");
    let rows = [
        Sent { value: None, ..dead("tombstone", b"", "null_payload") },
        dead("empty", b"", "null_payload"),
        dead("blank", b"  \n", "null_payload"),
        dead("no documents", br#"{"Records":[]}"#, "null_payload"),
        dead("broken", br#"{"eventName": "Get"#, "decode_json"),
        dead("two values", br#"{"a":1} {"a":2}"#, "decode_json"),
        dead("not UTF-8", b"{\"a\":\"\xff\xfe\"}", "decode_utf8"),
        dead("number", b"42", "not_an_event"),
        dead("string", b"\"text\"", "not_an_event"),
        dead("too deep", deep.as_bytes(), "too_deep"),
        dead("run without id", no_run.as_bytes(), "missing_field"),
        dead("canaries, broken", secret_broken.as_bytes(), "decode_json"),
        sent("audit", "canaries", secret.to_string().as_bytes(), &[Event]),
        sent("audit", "unknown", br#"{"kind":"never heard of","n":1}"#, &[Event]),
        sent("audit", "empty object", b"{}", &[Event]),
        sent("dlp", "array", br#"[{"n":1},{"n":1}]"#, &[Event, Event]),
        sent(
            "lineage",
            "mixed",
            br#"{"Records":[{"n":1},7,{"n":2},null,{"n":1}]}"#,
            &[Event, not_an_event, Event, not_an_event, Event],
        ),
    ];
    // Each several times, so that kills meet them.
    let copies = |n: usize| rows.clone().map(|row| Sent { key: format!("{} {n}", row.key), ..row });
    (0..12).flat_map(copies).collect()
}

/// Samples of real events: their envelopes taken off where they have one, whole files where they are one document.
fn shared_records() -> Vec<Sent> {
    let Some(data) = shared_data() else { return Vec::new() };
    let mut out = Vec::new();
    for (topic, folder, extension) in [
        ("audit", "events/panther", "ndjson"),
        ("audit", "events/cloudtrail", "ndjson"),
        ("audit", "events/cloudtrail", "json"),
        ("dlp", "events/dlp", "ndjson"),
        ("dlp", "events/dlp", "json"),
        ("lineage", "events/mlflow", "ndjson"),
        ("lineage", "events/mlflow", "json"),
        ("lineage", "lineage/openlineage/compatibility-tests/consumer/scenarios", "json"),
    ] {
        for path in files(&data.join(folder), extension) {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let name = path.strip_prefix(&data).expect("below the data").display().to_string();
            if name.contains("/config.json") || name.contains("/maintainers.json") {
                continue;
            }
            let documents: Vec<&str> = if extension == "ndjson" { text.lines().collect() } else { vec![&text] };
            for (n, document) in documents.into_iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let value: Value = serde_json::from_str(document).expect("JSON");
                let event = value.get("event").filter(|_| extension == "ndjson").unwrap_or(&value);
                let count = event.as_array().map_or(1, Vec::len);
                out.push(Sent {
                    topic,
                    key: format!("{name}:{n}"),
                    value: Some(event.to_string().into_bytes()),
                    fates: vec![Fate::Event; count],
                });
            }
        }
    }
    assert!(out.len() > 1_000, "only {} records of shared data", out.len());
    out
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.expect("readable").into_path());
    walk.filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

/// The start or the end of a small run.
fn tick(run: usize, event_type: &str) -> String {
    let second = run % 60;
    let outputs = if event_type == "COMPLETE" {
        json!([{"namespace": "s3://lake", "name": format!("out/{}", run % 200)}])
    } else {
        json!([])
    };
    json!({
        "eventType": event_type,
        "eventTime": format!("2026-05-04T{:02}:{:02}:{second:02}Z", (run / 3600) % 24, (run / 60) % 60),
        "producer": "https://example.org/ticker",
        "run": {"runId": format!("tick-{run}")},
        "job": {"namespace": "ticker", "name": format!("job-{}", run % 50)},
        "inputs": [{"namespace": "s3://lake", "name": format!("in/{}", run % 100)}],
        "outputs": outputs,
    })
    .to_string()
}

/// Plays all runs with a pause after each step, the other records spread between them.
fn produce(producer: &Producer, records: &[Sent]) {
    let steps = RUNS.div_ceil(STEP_RUNS);
    let mut others = records.chunks(records.len().div_ceil(steps));
    for first in (0..RUNS).step_by(STEP_RUNS) {
        play(producer, first..RUNS.min(first + STEP_RUNS));
        for record in others.next().unwrap_or_default() {
            producer.send(record.topic, &record.key, record.value.as_deref());
        }
        thread::sleep(STEP);
    }
    producer.flush();
}

fn play(producer: &Producer, runs: Range<usize>) {
    for run in runs {
        for event_type in ["START", "COMPLETE"] {
            producer.send("lineage", &format!("tick-{run}"), Some(tick(run, event_type).as_bytes()));
        }
    }
}

/// A producer that can send tombstones.
struct Producer(ThreadedProducer<DefaultProducerContext>);

impl Producer {
    fn connect(brokers: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("enable.idempotence", "true").set("linger.ms", "5");
        Self(config.create().expect("a producer"))
    }

    fn send(&self, topic: &str, key: &str, value: Option<&[u8]>) {
        let mut record = BaseRecord::<str, [u8]>::to(topic).key(key);
        record.payload = value;
        while let Err((error, back)) = self.0.send(record) {
            assert_eq!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            thread::sleep(Duration::from_millis(5));
            record = back;
        }
    }

    fn flush(&self) {
        self.0.flush(PATIENCE).expect("flushed");
    }
}

// What Kafka holds.

/// Topic, partition and offset of a record.
type Place = (String, i64, i64);

/// A record as Kafka has it.
struct Held {
    key: String,
    value: Option<Vec<u8>>,
}

/// All records of all topics.
fn consume(brokers: &str) -> BTreeMap<Place, Held> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "unused: partitions are assigned by hand");
    let consumer: BaseConsumer = config.set("enable.auto.commit", "false").create().expect("a consumer");
    let mut partitions = TopicPartitionList::new();
    let mut count = 0;
    for (topic, n) in TOPICS {
        for partition in 0..n {
            partitions.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
            let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE).expect("offsets");
            count += usize::try_from(high - low).expect("high is not below low");
        }
    }
    consumer.assign(&partitions).expect("assigned");
    let mut out = BTreeMap::new();
    let begin = Instant::now();
    while out.len() < count {
        assert!(begin.elapsed() < PATIENCE, "{} of {count} records after {PATIENCE:?}", out.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.expect("a record");
        let place = (message.topic().to_owned(), i64::from(message.partition()), message.offset());
        let key = String::from_utf8(message.key().expect("a key").to_vec()).expect("UTF-8");
        out.insert(place, Held { key, value: message.payload().map(<[u8]>::to_vec) });
    }
    out
}

// What the store holds.

/// Every document of every record is in the store once, where it belongs, and nothing else is.
fn assert_stored_once(lineward: &Lineward, truth: &BTreeMap<Place, Held>, fates: &BTreeMap<String, Vec<Fate>>) {
    let mut expected: Vec<(Place, i64, String)> = Vec::new();
    for (place, held) in truth {
        let of_record = fates.get(&held.key).map_or(&[Fate::Event][..], Vec::as_slice);
        for (ordinal, fate) in of_record.iter().enumerate() {
            let fate = match fate {
                Fate::Event => "event",
                Fate::DeadLetter(reason) => reason,
            };
            expected.push((place.clone(), ordinal as i64, fate.to_owned()));
        }
    }
    let columns = "topic, \"partition\", \"offset\", ordinal";
    let mut stored = Vec::new();
    for query in [
        format!("SELECT {columns}, 'event' AS fate FROM raw.events"),
        format!("SELECT {columns}, reason AS fate FROM raw.dead_letters"),
    ] {
        stored.extend(
            lineward
                .sql(&query)
                .iter()
                .map(|row| (place(row), row["ordinal"].as_i64().expect("an ordinal"), text(row, "fate"))),
        );
    }
    stored.sort();
    let name = |row: &(Place, i64, String)| {
        let key = truth.get(&row.0).map_or("no such record", |held| held.key.as_str());
        format!("{} in {:?} ({key}), document {}", row.2, row.0, row.1)
    };
    let repeated: Vec<String> = stored.windows(2).filter(|w| w[0] == w[1]).map(|w| name(&w[0])).collect();
    let (want, have): (BTreeSet<_>, BTreeSet<_>) = (expected.iter().collect(), stored.iter().collect());
    let lost: Vec<String> = want.difference(&have).map(|row| name(row)).collect();
    let extra: Vec<String> = have.difference(&want).map(|row| name(row)).collect();
    let first = |rows: &[String]| rows.iter().take(20).cloned().collect::<Vec<_>>().join("\n  ");
    assert!(
        repeated.is_empty() && lost.is_empty() && extra.is_empty(),
        "{} repeated:\n  {}\n{} lost:\n  {}\n{} that should not be there:\n  {}",
        repeated.len(),
        first(&repeated),
        lost.len(),
        first(&lost),
        extra.len(),
        first(&extra),
    );
}

/// A dead letter has the size of its record and a keyed hash, from which a short record cannot be guessed.
fn assert_dead_letters_describe_their_records(lineward: &Lineward, truth: &BTreeMap<Place, Held>) {
    let columns = "topic, \"partition\", \"offset\", size_bytes, encode(payload_hmac, 'hex') AS hash";
    for row in lineward.sql(&format!("SELECT {columns} FROM raw.dead_letters")) {
        let held = &truth[&place(&row)];
        let plain = held.value.as_ref().map(|value| hex::encode(Sha256::digest(value)));
        let hash = row["hash"].as_str().map(str::to_owned);
        assert_eq!(hash.is_some(), plain.is_some(), "{}", held.key);
        assert!(hash.is_none() || hash != plain, "{}: a plain hash can be guessed from", held.key);
        assert_eq!(row["size_bytes"].as_i64(), Some(held.value.as_ref().map_or(0, Vec::len) as i64), "{}", held.key);
    }
}

/// One row a key and revision, revisions without holes, one key for one thing.
fn assert_projections_have_no_duplicates(lineward: &Lineward) {
    for (table, key, thing) in [
        ("assets", "asset_id", "namespace, name, asset_type"),
        ("asset_versions", "version_id", "asset_id, version"),
        ("jobs", "job_id", "namespace, name"),
        ("runs", "run_sid", "job_id, run_id"),
        ("run_io", "run_sid, version_id, io, context", "run_sid, version_id, io, context"),
        ("edges", "edge_id", "src_version_id, dst_version_id, run_sid, edge_type"),
        ("findings", "finding_id", "version_id, field, entity, detector, origin"),
        ("tags", "tag_id", "tag"),
        ("accesses", "access_id", "version_id, action, event_key"),
    ] {
        let repeated = format!(
            "SELECT {key}, revision, count(*) AS n FROM raw.{table} GROUP BY {key}, revision HAVING count(*) > 1"
        );
        assert_eq!(lineward.sql(&repeated), Vec::<Value>::new(), "rows of `{table}` that are there twice");
        let holes = format!(
            "SELECT {key} FROM raw.{table} GROUP BY {key} HAVING max(revision) + 1 <> count(*) OR min(revision) <> 0"
        );
        assert_eq!(lineward.sql(&holes), Vec::<Value>::new(), "keys of `{table}` with missing revisions");
        let twice =
            format!("SELECT {thing}, count(*) AS n FROM current.{table} GROUP BY {thing} HAVING count(*) > 1 LIMIT 5");
        assert_eq!(lineward.sql(&twice), Vec::<Value>::new(), "two keys for one thing in `{table}`");
    }
}

/// The small runs are known whole, each once, with what they read and wrote.
fn assert_runs_are_whole(lineward: &Lineward) {
    let runs = lineward.sql(
        "SELECT count(*) AS n, count(DISTINCT run_id) AS ids, count(*) FILTER (WHERE state = 'COMPLETE') AS complete, \
         count(started_at) AS started, count(ended_at) AS ended, sum(inputs) AS inputs, sum(outputs) AS outputs \
         FROM runs WHERE run_id LIKE 'tick-%'",
    );
    let row = &runs[0];
    for column in ["n", "ids", "complete", "started", "ended", "inputs", "outputs"] {
        assert_eq!(row[column].as_i64(), Some((RUNS + LAST_RUNS) as i64), "`{column}` of the runs: {row}");
    }
}

fn place(row: &Value) -> Place {
    let number = |name: &str| row[name].as_i64().expect("a number");
    (text(row, "topic"), number("partition"), number("offset"))
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().expect("text").to_owned()
}

// Chance, that can be repeated.

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

fn seed() -> u64 {
    let given = std::env::var("LINEWARD_E2E_SEED").ok().and_then(|text| text.parse().ok());
    given.unwrap_or_else(|| SystemTime::UNIX_EPOCH.elapsed().map_or(1, |d| d.as_micros() as u64))
}
