//! Kafka to Delta: how many events a second a pipeline takes, with the broker on the same machine.
//!
//! Starts a broker, loads a topic, runs the real binary with `--until-end` and prints one JSON object: wall seconds, CPU
//! seconds of the pipeline, events a second. Arguments: `audit` or `lineage`, number of events, bytes of an audit event. What it cannot show: a network between broker and pipeline, other sizes of
//! events, and anything but the machine it runs on.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use lineward_tests::KafkaBroker;
use serde_json::{Value, json};
use std::error::Error;
use std::process::Command;
use std::time::Instant;

const PARTITIONS: i32 = 4;

/// An OpenLineage event of about 300 bytes: a run that reads one data set and writes another.
fn event(n: u64) -> String {
    let kind = if n.is_multiple_of(2) { "START" } else { "COMPLETE" };
    let run = n / 2;
    json!({
        "eventType": kind,
        "eventTime": format!("2026-10-{:02}T{:02}:{:02}:{:02}Z", 1 + n % 28, n % 24, n % 60, (n / 60) % 60),
        "run": {"runId": format!("00000000-0000-4000-8000-{run:012}")},
        "job": {"namespace": "etl", "name": format!("job_{}", run % 500)},
        "inputs": [{"namespace": "s3://lake", "name": format!("raw/{}", run % 1_000)}],
        "outputs": [{"namespace": "s3://lake", "name": format!("clean/{}", run % 1_000)}],
        "producer": "https://example.org/etl"
    })
    .to_string()
}

/// An event of a kind that only needs to be kept: an audit record of a number of bytes, the longer ones with more fields.
/// What is missing is made up by the caller's user agent.
fn audit(n: u64, bytes: usize) -> String {
    let long = long_audit(n);
    let event = if long.to_string().len() > bytes { short_audit(n) } else { long };
    let missing = bytes.saturating_sub(event.to_string().len() + USER_AGENT.len());
    let mut event = event;
    if missing > 0 {
        let agent: String = "aws-sdk-rust/1.3 os/linux lang/rust ".chars().cycle().take(missing).collect();
        event["userAgent"] = agent.into();
    }
    event.to_string()
}

/// What that member adds beside its text.
const USER_AGENT: &str = ",\"userAgent\":\"\"";

fn short_audit(n: u64) -> Value {
    json!({
        "eventID": format!("{n:032x}"), "eventTime": "2026-10-06T08:00:00Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances", "awsRegion": "eu-central-1",
        "userIdentity": {"arn": "arn:aws:sts::210987654321:assumed-role/reader/loader"},
    })
}

fn long_audit(n: u64) -> Value {
    json!({
        "eventVersion": "1.11", "eventID": format!("{n:032x}"), "eventTime": "2026-10-06T08:00:00Z",
        "eventSource": "ec2.amazonaws.com", "eventName": "DescribeInstances", "awsRegion": "eu-central-1",
        "recipientAccountId": "210987654321",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::210987654321:assumed-role/reader/loader"},
        "requestParameters": {"maxResults": n % 100}
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let kind = args.next().unwrap_or_else(|| "audit".into());
    let count: u64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let audit_bytes: usize = args.next().map_or(Ok(300), |n| n.parse())?;
    let make: Box<dyn Fn(u64) -> String> = match kind.as_str() {
        "lineage" => Box::new(event),
        "audit" => Box::new(move |n| audit(n, audit_bytes)),
        other => return Err(format!("`{other}` is neither `audit` nor `lineage`").into()),
    };
    let bytes = (0..100).map(|n| make(n).len()).sum::<usize>() / 100;
    eprintln!("starting the broker");
    let broker = KafkaBroker::start()?;
    broker.create_topic("events", PARTITIONS)?;
    eprintln!("producing {count} {kind} events of {bytes} bytes");
    broker.produce("events", (0..count).map(|n| (n.to_string(), make(n))))?;
    let dir = tempfile::tempdir()?;
    let spec = dir.path().join("pipeline.yaml");
    std::fs::write(
        &spec,
        format!(
            "name: bench\nsource:\n  kafka: {{brokers: '{}', topics: [events], group_id: bench}}\n",
            broker.bootstrap()
        ),
    )?;
    let binary = std::env::current_exe()?.with_file_name("lineward");
    eprintln!("running {}", binary.display());
    let started = Instant::now();
    let out = Command::new("/usr/bin/time")
        .args(["-f", "%U %S %M"])
        .arg(&binary)
        .args(["run", "--until-end", "--json", "--store"])
        .arg(dir.path().join("store"))
        .arg(&spec)
        .output()?;
    let seconds = started.elapsed().as_secs_f64();
    let stderr = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(format!("the pipeline failed: {stderr}").into());
    }
    let usage: Vec<f64> = stderr.lines().last().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    let counters: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    let cpu = usage.iter().take(2).sum::<f64>();
    println!(
        "{}",
        json!({
            "kind": kind, "events": count, "event_bytes": bytes, "seconds": seconds,
            "events_per_second": count as f64 / seconds, "cpu_us_per_event": cpu * 1e6 / count as f64,
            "peak_rss_mb": usage.get(2).map(|kb| kb / 1e3), "counters": counters,
        })
    );
    Ok(())
}
