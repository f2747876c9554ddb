//! The Kafka source and sink against the embedded broker: the connector contract. Durability, transactions and topic
//! ids need a real broker and are tested end to end.

use super::*;
use crate::{ConnectorError, Position, Record};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOPIC: &str = "events";
const STEP: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Positions as a pipeline keeps them, and every question that was asked.
#[derive(Default)]
struct Stored {
    offsets: Mutex<BTreeMap<i32, i64>>,
    asked: Mutex<Vec<(String, String, i32)>>,
    failures: Mutex<u32>,
}

impl Stored {
    fn at(offsets: &[(i32, i64)]) -> Arc<Self> {
        let stored = Self::default();
        stored.offsets.lock().expect("lock").extend(offsets.iter().copied());
        Arc::new(stored)
    }
}

impl StartOffsets for Stored {
    fn start(
        &self,
        topic: &str,
        topic_id: &str,
        partition: i32,
    ) -> Result<Start, Box<dyn std::error::Error + Send + Sync>> {
        let mut failures = self.failures.lock().expect("lock");
        if *failures > 0 {
            *failures -= 1;
            return Err("the store is not there".into());
        }
        self.asked.lock().expect("lock").push((topic.to_owned(), topic_id.to_owned(), partition));
        Ok(self.offsets.lock().expect("lock").get(&partition).map_or(Start::Earliest, |&offset| Start::At(offset)))
    }
}

fn broker(partitions: i32) -> EmbeddedBroker {
    let broker = EmbeddedBroker::start().expect("start");
    broker.create_topic(TOPIC, partitions).expect("create topic");
    broker
}

/// Writes `count` records; the key is the number as decimal text.
fn produce(broker: &EmbeddedBroker, topic: &str, count: usize) {
    let sink = KafkaSink::new(&KafkaSinkConfig::new(broker.bootstrap())).expect("sink");
    for number in 0..count {
        let key = number.to_string();
        sink.send(topic, Some(key.as_bytes()), Some(b"{}"), Some(1_700_000_000_123_456)).expect("send");
    }
    sink.flush(PATIENCE).expect("flush");
}

/// A group of its own for each: the embedded broker completes a group's first rebalance at once, and a later one after
/// the session timeout less a second.
fn config(broker: &EmbeddedBroker) -> KafkaConfig {
    static GROUPS: AtomicU32 = AtomicU32::new(0);
    let group_id = format!("g{}", GROUPS.fetch_add(1, Ordering::Relaxed));
    KafkaConfig::new(broker.bootstrap(), &[TOPIC], &group_id)
}

fn source(broker: &EmbeddedBroker, starts: Arc<dyn StartOffsets>) -> KafkaSource {
    KafkaSource::new("in", &config(broker), starts).expect("source")
}

/// Everything that comes until each of `ends` partitions has reached its end.
fn read_to_end(source: &mut KafkaSource, ends: usize) -> (Vec<PartitionStart>, Vec<Record>, BTreeMap<i32, i64>) {
    let (mut starts, mut records, mut ended) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut problems = Vec::new();
    let begin = Instant::now();
    while ended.len() < ends {
        assert!(begin.elapsed() < PATIENCE, "{} records, ends {ended:?}, problems {problems:?}", records.len());
        match source.poll(STEP).expect("poll") {
            Polled::Assigned(assigned) => starts.extend(assigned),
            Polled::Record(record) => records.push(record),
            Polled::EndOfPartition { partition, offset, .. } => {
                ended.insert(partition, offset);
            }
            Polled::Problem(reason) => problems.push(reason),
            Polled::Revoked(_) | Polled::Idle => {}
        }
    }
    (starts, records, ended)
}

fn offsets(records: &[Record]) -> BTreeMap<i32, Vec<i64>> {
    let mut offsets: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for record in records {
        let Position::Kafka { partition, offset, .. } = &record.position else { panic!("a Kafka position") };
        offsets.entry(*partition).or_default().push(*offset);
    }
    offsets
}

#[test]
fn delivers_every_record_in_partition_order() {
    let broker = broker(3);
    produce(&broker, TOPIC, 300);
    let stored = Stored::at(&[]);
    let mut source = source(&broker, stored.clone());
    let (starts, records, ended) = read_to_end(&mut source, 3);
    assert_eq!(starts.len(), 3);
    assert!(starts.iter().all(|start| start.offset == 0 && start.gap.is_none()));
    assert_eq!(stored.asked.lock().expect("lock").len(), 3);
    assert_eq!(records.len(), 300);
    for (partition, offsets) in offsets(&records) {
        assert!(offsets.iter().copied().eq(0..ended[&partition]), "partition {partition}: {offsets:?}");
    }
    let first = &records[0];
    assert_eq!((&*first.source, first.timestamp_us), ("in", Some(1_700_000_000_123_000)));
    assert_eq!(first.value.as_deref(), Some(&b"{}"[..]));
    source.close(PATIENCE).expect("close");
}

#[test]
fn keys_values_and_headers_arrive_as_they_are() {
    let broker = broker(1);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", broker.bootstrap()).create().expect("producer");
    let headers = OwnedHeaders::new()
        .insert(Header { key: "ce_id", value: Some("7") })
        .insert(Header { key: "none", value: None::<&str> });
    producer.send(BaseRecord::<[u8], [u8]>::to(TOPIC).headers(headers)).map_err(|(e, _)| e).expect("a tombstone");
    producer.send(BaseRecord::<[u8], [u8]>::to(TOPIC).key(b"").payload(b"")).map_err(|(e, _)| e).expect("empty");
    producer.send(BaseRecord::<[u8], [u8]>::to(TOPIC).key(b"\xff").payload(b"\0")).map_err(|(e, _)| e).expect("bytes");
    producer.flush(PATIENCE).expect("flush");

    let mut source = source(&broker, Stored::at(&[]));
    let (_, records, _) = read_to_end(&mut source, 1);
    let parts: Vec<_> = records.iter().map(|record| (record.key.as_deref(), record.value.as_deref())).collect();
    assert_eq!(parts, [(None, None), (Some(&b""[..]), Some(&b""[..])), (Some(&b"\xff"[..]), Some(&b"\0"[..]))]);
    assert_eq!(records[0].headers, [("ce_id".to_owned(), Some(b"7".to_vec())), ("none".to_owned(), None)]);
    assert!(records[1].headers.is_empty() && records[1].timestamp_us.is_some());
}

#[test]
fn starts_from_the_offsets_it_is_given() {
    let broker = broker(1);
    produce(&broker, TOPIC, 10);
    // (stored, first delivered, gap)
    let rows = [
        (4, Some(4), None),
        (9, Some(9), None),
        (10, None, None),
        (25, None, Some(Gap { from: 25, to: 10, cause: GapCause::Truncated })),
    ];
    for (stored, first, gap) in rows {
        let mut source = source(&broker, Stored::at(&[(0, stored)]));
        let (starts, records, ended) = read_to_end(&mut source, 1);
        assert_eq!(starts[0].gap, gap, "stored {stored}");
        assert_eq!(starts[0].high_watermark, 10);
        assert_eq!(ended[&0], 10, "stored {stored}");
        assert_eq!(offsets(&records).get(&0).and_then(|o| o.first()).copied(), first, "stored {stored}");
        source.close(PATIENCE).expect("close");
    }
}

#[test]
fn resumes_where_the_last_one_stopped_and_ignores_group_offsets() {
    let broker = broker(1);
    produce(&broker, TOPIC, 20);
    let mut first = source(&broker, Stored::at(&[]));
    let (_, records, _) = read_to_end(&mut first, 1);
    assert_eq!(records.len(), 20);
    // The advisory commit says 20; the store says 15, and the store is right.
    first.commit_advisory(&[(TOPIC.into(), 0, 20)]).expect("commit");
    first.close(PATIENCE).expect("close");

    let mut second = source(&broker, Stored::at(&[(0, 15)]));
    let (_, records, _) = read_to_end(&mut second, 1);
    assert_eq!(offsets(&records)[&0], (15..20).collect::<Vec<_>>());
    second.close(PATIENCE).expect("close");
}

#[test]
fn records_that_the_broker_dropped_are_a_gap() {
    let broker = broker(1);
    // The embedded broker keeps at most 5 MiB a partition.
    let mut config = KafkaSinkConfig::new(broker.bootstrap());
    config.extra.insert("compression.type".into(), "none".into());
    let sink = KafkaSink::new(&config).expect("sink");
    let value = vec![b'x'; 500_000];
    for _ in 0..20 {
        sink.send(TOPIC, None, Some(&value), None).expect("send");
        sink.flush(PATIENCE).expect("flush");
    }
    let mut source = source(&broker, Stored::at(&[(0, 1)]));
    let (starts, records, _) = read_to_end(&mut source, 1);
    let gap = starts[0].gap.expect("a gap");
    assert_eq!((gap.from, gap.cause), (1, GapCause::Retention));
    assert!(gap.to > 1 && gap.to == starts[0].offset);
    assert_eq!(offsets(&records)[&0].first(), Some(&gap.to));
    source.close(PATIENCE).expect("close");
}

#[test]
fn ends_of_two_topics_are_told_apart() {
    let broker = broker(1);
    broker.create_topic("other", 1).expect("create topic");
    produce(&broker, TOPIC, 3);
    produce(&broker, "other", 5);
    let config = KafkaConfig { topics: vec![TOPIC.into(), "other".into()], ..config(&broker) };
    let mut source = KafkaSource::new("in", &config, Arc::new(StartPolicy::Earliest)).expect("source");
    let mut ended = BTreeMap::new();
    let begin = Instant::now();
    while ended.len() < 2 && begin.elapsed() < PATIENCE {
        if let Polled::EndOfPartition { topic, offset, .. } = source.poll(STEP).expect("poll") {
            ended.insert(topic.to_string(), offset);
        }
    }
    assert_eq!(ended, BTreeMap::from([(TOPIC.to_owned(), 3), ("other".to_owned(), 5)]));
}

#[test]
fn a_second_member_takes_over_half_of_the_partitions() {
    let broker = broker(4);
    produce(&broker, TOPIC, 100);
    let config = KafkaConfig { session_timeout_ms: 5000, ..config(&broker) };
    let mut first = KafkaSource::new("in", &config, Stored::at(&[])).expect("source");
    read_to_end(&mut first, 4);
    assert_eq!(first.next_offsets().len(), 4);

    let mut second = KafkaSource::new("in", &config, Stored::at(&[])).expect("source");
    let (mut revoked, mut assigned) = (0, 0);
    let begin = Instant::now();
    while assigned < 2 {
        assert!(begin.elapsed() < PATIENCE, "{revoked} revoked and {assigned} assigned after {PATIENCE:?}");
        match first.poll(STEP).expect("poll") {
            Polled::Revoked(partitions) => revoked += partitions.len(),
            Polled::Record(record) => panic!("read again: {record:?}"),
            _ => {}
        }
        if let Polled::Assigned(starts) = second.poll(STEP).expect("poll") {
            assigned += starts.len();
        }
    }
    // Cooperative: the two that stay are not revoked.
    assert_eq!((revoked, assigned, first.next_offsets().len()), (2, 2, 2));
    // The group may still be rebalancing, and neither waits for it.
    for member in [first, second] {
        let begin = Instant::now();
        let _ = member.close(STEP * 20);
        assert!(begin.elapsed() < STEP * 30, "{:?}", begin.elapsed());
    }
}

#[test]
fn an_unknown_start_is_an_error_and_asked_again() {
    let broker = broker(1);
    produce(&broker, TOPIC, 5);
    let stored = Stored::at(&[(0, 2)]);
    *stored.failures.lock().expect("lock") = 2;
    let mut source = source(&broker, stored);
    let mut errors = 0;
    let begin = Instant::now();
    let first = loop {
        assert!(begin.elapsed() < PATIENCE);
        match source.poll(STEP) {
            Err(ConnectorError::StartOffset { topic, partition, .. }) => {
                assert_eq!((topic.as_str(), partition), (TOPIC, 0));
                errors += 1;
            }
            Err(error) => panic!("{error}"),
            Ok(Polled::Record(record)) => break record,
            Ok(_) => {}
        }
    };
    assert_eq!(errors, 2);
    assert_eq!(offsets(&[first])[&0], [2]);
}

#[test]
fn pause_holds_records_back_and_resume_repeats_none() {
    let broker = broker(1);
    produce(&broker, TOPIC, 50);
    let mut source = source(&broker, Stored::at(&[]));
    let begin = Instant::now();
    let mut records = Vec::new();
    while records.len() < 10 && begin.elapsed() < PATIENCE {
        if let Polled::Record(record) = source.poll(STEP).expect("poll") {
            records.push(record);
        }
    }
    source.pause().expect("pause");
    source.pause().expect("pausing twice is the same");
    let held = (0..10).filter(|_| matches!(source.poll(STEP).expect("poll"), Polled::Record(_))).count();
    source.resume().expect("resume");
    source.resume().expect("resuming twice is the same");
    assert_eq!(held, 0);
    let (_, rest, _) = read_to_end(&mut source, 1);
    records.extend(rest);
    assert_eq!(offsets(&records)[&0], (0..50).collect::<Vec<_>>());
}

#[test]
fn a_broker_that_goes_away_is_a_problem_and_no_error() {
    let broker = broker(1);
    produce(&broker, TOPIC, 5);
    let mut source = source(&broker, Stored::at(&[]));
    read_to_end(&mut source, 1);
    broker.go_down().expect("down");
    let begin = Instant::now();
    let mut problem = None;
    while problem.is_none() && begin.elapsed() < PATIENCE {
        if let Polled::Problem(reason) = source.poll(STEP).expect("poll") {
            problem = Some(reason);
        }
    }
    assert!(problem.is_some());
    broker.come_up().expect("up");
    produce(&broker, TOPIC, 5);
    let (_, records, _) = read_to_end(&mut source, 1);
    assert_eq!(offsets(&records)[&0], (5..10).collect::<Vec<_>>());
}

#[test]
fn check_names_the_broker_and_what_to_look_at() {
    let config = KafkaConfig::new("127.0.0.1:1", &[TOPIC], "g");
    let mut source = KafkaSource::new("in", &config, Arc::new(StartPolicy::Earliest)).expect("source");
    let error = source.check(Duration::from_secs(1)).expect_err("nothing listens there");
    let message = error.to_string();
    for part in ["`127.0.0.1:1`", "refused", "advertised listeners", "security.protocol"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    source.close(PATIENCE).expect("close");
}

#[test]
fn check_suggests_a_topic() {
    let broker = broker(1);
    let mut fine = source(&broker, Arc::new(StartPolicy::Earliest));
    fine.check(PATIENCE).expect("the topic is there");
    let config = KafkaConfig::new(broker.bootstrap(), &["evnets"], "g");
    let mut source = KafkaSource::new("in", &config, Arc::new(StartPolicy::Earliest)).expect("source");
    let message = source.check(PATIENCE).expect_err("no such topic").to_string();
    assert!(message.contains("`evnets`") && message.contains("did you mean `events`?"), "{message}");
}

#[test]
fn close_keeps_its_deadline_without_a_broker() {
    let broker = broker(1);
    let mut source = source(&broker, Stored::at(&[]));
    read_to_end(&mut source, 1);
    broker.go_down().expect("down");
    let begin = Instant::now();
    let _ = source.close(Duration::from_secs(2));
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[test]
fn the_sink_reports_what_was_not_delivered() {
    let broker = broker(1);
    let mut config = KafkaSinkConfig::new(broker.bootstrap());
    config.extra.insert("message.timeout.ms".into(), "300".into());
    broker.go_down().expect("down");
    let sink = KafkaSink::new(&config).expect("sink");
    sink.send(TOPIC, None, Some(b"canary"), None).expect("queued");
    let message = sink.flush(PATIENCE).expect_err("nobody took it").to_string();
    assert!(message.starts_with("1 records were not delivered; the first was for topic `events`"), "{message}");
    assert!(!message.contains("canary"));
}

mod settings {
    use super::*;

    fn parse(json: &str) -> Result<KafkaConfig, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    const LEAST: &str = r#""brokers": "b:9092", "topics": ["t"], "group_id": "g""#;

    #[test]
    fn become_librdkafkas() {
        let config = parse(&format!("{{{LEAST}, \"instance_id\": \"one\", \"extra\": {{\"client.rack\": \"r1\"}}}}"));
        let settings = config.expect("parse").client_config().expect("settings");
        let rows = [
            ("bootstrap.servers", "b:9092"),
            ("group.id", "g"),
            ("group.instance.id", "one"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("isolation.level", "read_committed"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", "10000"),
            ("max.poll.interval.ms", "120000"),
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.queue.backoff.ms", "10"),
            ("check.crcs", "true"),
            ("allow.auto.create.topics", "false"),
            ("enable.partition.eof", "true"),
            ("security.protocol", "plaintext"),
            ("client.rack", "r1"),
        ];
        for (name, value) in rows {
            assert_eq!(settings.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn are_refused_with_a_reason() {
        let rows = [
            (r#""brokr": "x""#, "unknown field `brokr`, expected one of `brokers`"),
            (r#""start": "newest""#, "expected `earliest` or `latest`"),
            (r#""security": {"password": "hunter2"}"#, "`{ env: NAME }` or `{ file: PATH }`, never the secret itself"),
            (r#""security": {"password": {}}"#, "`{ env: NAME }` or `{ file: PATH }`"),
            (r#""security": {"mechanism": "PLAIN"}"#, "`security.mechanism`: is set, but `protocol` has no SASL"),
            (r#""security": {"protocol": "sasl_ssl"}"#, "`security.mechanism`: is missing"),
            (r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER"}"#, "`security.oauth`: is missing"),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER", "oauth": {}, "username": "me"}"#,
                "`security.username`: is set, but `OAUTHBEARER` has tokens",
            ),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "PLAIN", "username": "me",
                    "password": {"env": "P"}, "oauth": {"token": {"env": "T"}}}"#,
                "`security.oauth`: is set, but `mechanism` has no tokens",
            ),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER",
                    "oauth": {"token_url": "https://id.example/t", "client_id": "me"}}"#,
                "`security.oauth.client_secret`: is missing",
            ),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER",
                    "oauth": {"token": {"env": "T"}, "scope": "s"}}"#,
                "`security.oauth.scope`: is set beside `token`",
            ),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER", "oauth":
                    {"token_url": "http://id.example/t", "client_id": "me", "client_secret": {"env": "S"}}}"#,
                "`security.oauth.token_url`: has no TLS",
            ),
            (
                r#""security": {"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER",
                    "oauth": {"token": {"env": "T"}, "extensions": {"auth": "x"}}}"#,
                "`security.oauth.extensions`: a name is letters only",
            ),
            (r#""extra": {"sasl.oauthbearer.client.secret": "x"}"#, "may not be set here: use `security.oauth`"),
            (r#""security": {"ca": "/ca.pem"}"#, "`security.protocol`: has no TLS"),
            (r#""security": {"protocol": "ssl", "key": "/k"}"#, "`security.certificate`: needs `security.key`"),
            (r#""extra": {"auto.offset.reset": "latest"}"#, "`extra.auto.offset.reset`: may not be set here"),
            (r#""extra": {"no.such.setting": "1"}"#, "`extra.no.such.setting`: is not a librdkafka setting"),
            (r#""session_timeout_ms": 120000"#, "120000 must be greater than `session_timeout_ms` (120000)"),
            (
                r#""extra": {"fetch.min.bytes": "many"}"#,
                "`extra.fetch.min.bytes`: is not a librdkafka setting, or its value",
            ),
        ];
        for (field, expected) in rows {
            let outcome = parse(&format!("{{{LEAST}, {field}}}")).and_then(|config| {
                KafkaSource::new("in", &config, Arc::new(StartPolicy::Earliest)).map(|_| ()).map_err(|e| e.to_string())
            });
            let message = outcome.expect_err(field);
            assert!(message.contains(expected), "{field}: {message}");
        }
    }

    #[test]
    fn tokens_are_for_sources() {
        let security = r#"{"protocol": "sasl_ssl", "mechanism": "OAUTHBEARER", "oauth": {"token": {"env": "T"}}}"#;
        let sink = serde_json::from_str::<KafkaSinkConfig>(&format!(r#"{{"brokers": "b", "security": {security}}}"#));
        let message = sink.expect("parse").client_config().expect_err("refused").to_string();
        assert!(message.contains("`security.mechanism`: is for sources"), "{message}");
        let source = parse(&format!(r#"{{{LEAST}, "security": {security}}}"#)).expect("parse");
        assert_eq!(source.client_config().expect("settings").get("sasl.mechanisms"), Some("OAUTHBEARER"));
    }

    #[test]
    fn empty_values_are_refused() {
        for json in [
            r#"{"brokers": " ", "topics": ["t"], "group_id": "g"}"#,
            r#"{"brokers": "b", "topics": [], "group_id": "g"}"#,
            r#"{"brokers": "b", "topics": [""], "group_id": "g"}"#,
            r#"{"brokers": "b", "topics": ["t"], "group_id": ""}"#,
        ] {
            let message = parse(json).expect("parse").validate().expect_err(json).to_string();
            assert!(message.contains("is empty"), "{json}: {message}");
        }
    }

    #[test]
    fn secrets_are_read_from_files_and_never_shown() {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "canary\n").expect("write");
        let path = file.path().display();
        let security = format!(
            r#""security": {{"protocol": "sasl_plaintext", "mechanism": "SCRAM-SHA-512", "username": "me",
                "password": {{"file": "{path}"}}}}, "extra": {{"ssl.keystore.password": "canary"}}"#
        );
        let config = parse(&format!("{{{LEAST}, {security}}}")).expect("parse");
        let settings = config.client_config().expect("settings");
        assert_eq!(settings.get("sasl.password"), Some("canary"));
        assert_eq!(settings.get("sasl.username"), Some("me"));
        assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    }

    #[test]
    fn a_missing_secret_names_its_place() {
        let security = r#""security": {"protocol": "sasl_ssl", "mechanism": "PLAIN", "username": {"env": "LINEWARD_NO_1"},
            "password": {"env": "LINEWARD_NO_2"}}"#;
        let config = parse(&format!("{{{LEAST}, {security}}}")).expect("parse");
        let message = config.client_config().expect_err("not set").to_string();
        assert_eq!(message, "`security.username`: environment variable `LINEWARD_NO_1` is not set or not UTF-8");
    }
}
