//! `lineward cluster`: a scheduler and executors as processes of their own. What they give is compared with what one
//! process gives, also when an executor is killed; nobody without a certificate gets in from the network.

use crate::lineward::{Lineward, Outcome};
use crate::servers::estate;
use crate::servers_tls::{CLIENT, SERVER, authority, certificate, has_openssl};
use std::fmt::Write as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A process of a cluster, killed when dropped.
struct Process {
    child: Child,
    name: String,
    /// The address that it said it has.
    address: String,
}

impl Process {
    /// Starts one and waits until it says where it is.
    fn start(lineward: &Lineward, name: &str, arguments: &[&str]) -> Self {
        let all = ["cluster"].iter().chain(arguments);
        let child = lineward.spawn(&mut lineward.command(all), name);
        let mut process = Self { child, name: name.to_owned(), address: String::new() };
        let begin = Instant::now();
        loop {
            let said = lineward.log(name, "err");
            if let Some(line) = said.lines().find(|line| line.contains(" on ")) {
                process.address = line.rsplit(' ').next().expect("an address").to_owned();
                return process;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "`{name}` did not start; it said:\n{said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn scheduler(lineward: &Lineward) -> Self {
        Self::start(lineward, "scheduler", &["scheduler", "--listen", "127.0.0.1:0", "--executor-timeout", "10"])
    }

    fn executor(lineward: &Lineward, name: &str, scheduler: &Self) -> Self {
        let work = lineward.path("work").to_string_lossy().into_owned();
        let url = scheduler.url();
        let process =
            Self::start(lineward, name, &["executor", "--scheduler", &url, "--threads", "1", "--work-dir", &work]);
        // It has said so once it has joined; the scheduler hears of it with its first question.
        std::thread::sleep(Duration::from_millis(300));
        process
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it to stop; its exit code, and how long it took.
    fn stop(mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        let status = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill starts");
        assert!(status.success());
        (self.child.wait().expect("a status").code(), begin.elapsed())
    }

    fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("a status");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SSN: &str = "536-22-8726";

/// A corpus with values in every seventh line.
fn corpus(lineward: &Lineward, lines: usize) {
    let mut text = String::new();
    for n in 0..lines {
        let what = if n % 7 == 0 { format!("ssn {SSN}, person{n}@hospital-north.org") } else { "nothing".into() };
        writeln!(text, "line {n}: {what} and so on to the end of it").expect("in memory");
    }
    // Files of their own size, so that a scan is cut into more tasks than there are executors.
    for file in 0..6 {
        lineward.write(&format!("corpus/{file}.txt"), &text[..text.len() - file]);
    }
}

fn scan(lineward: &Lineward, cluster: Option<&str>) -> Outcome {
    let mut arguments = vec!["scan", "corpus", "--report", "jsonl", "--quiet"];
    arguments.extend(cluster.iter().flat_map(|url| ["--cluster", url]));
    lineward.run(arguments)
}

#[test]
fn queries_and_scans_of_three_processes() {
    let lineward = estate();
    corpus(&lineward, 20_000);
    let scheduler = Process::scheduler(&lineward);
    let first = Process::executor(&lineward, "executor-1", &scheduler);
    let second = Process::executor(&lineward, "executor-2", &scheduler);
    let url = scheduler.url();
    for query in [
        "SELECT format, count(*) AS n FROM events GROUP BY format ORDER BY format",
        "SELECT t.model_name, count(*) AS n FROM models_trained_on('PHI') AS t JOIN raw.runs AS r ON true \
         GROUP BY t.model_name ORDER BY 1",
        "SELECT redact(payload) AS p FROM events ORDER BY event_key LIMIT 5",
    ] {
        let alone = lineward.run(["sql", query]).ok().stdout;
        assert!(!alone.is_empty());
        assert_eq!(lineward.run(["sql", "--cluster", &url, query]).ok().stdout, alone, "{query}");
    }
    let alone = scan(&lineward, None).ok().stdout;
    assert!(alone.lines().count() > 30_000, "the scan finds something");
    let together = scan(&lineward, Some(&url)).ok();
    assert!(together.stdout == alone, "findings differ");
    lineward.write("headless.csv", format!("ana,{SSN}\nben,{SSN}\n"));
    let with_header = |header: &str, cluster: &[&str]| {
        let arguments = ["scan", "headless.csv", "--header", header, "--report", "jsonl", "--quiet"];
        lineward.run(arguments.iter().chain(cluster).copied()).ok().stdout
    };
    for header in ["yes", "no"] {
        assert_eq!(with_header(header, &["--cluster", &url]), with_header(header, &[]), "--header {header}");
    }
    assert_ne!(with_header("yes", &[]), with_header("no", &[]), "the option makes a difference");
    assert!(lineward.path("work").read_dir().expect("a folder").count() == 2, "each executor has its own folder");
    for process in [first, second, scheduler] {
        let name = process.name.clone();
        let (code, took) = process.stop();
        assert!(code == Some(0) && took < Duration::from_secs(10), "{name} ended with {code:?} after {took:?}");
        assert!(!lineward.log(&name, "err").contains(SSN) && lineward.log(&name, "out").is_empty());
    }
    let left = lineward.path("work").read_dir().expect("a folder").count();
    assert_eq!(left, 0, "what was computed is gone with its executor");
    let nobody = lineward.run(["sql", "--cluster", &url, "SELECT count(*) FROM events"]).exits(2);
    assert!(nobody.stderr.contains("no scheduler answers at") && nobody.stderr.contains(&url), "{}", nobody.stderr);
}

#[test]
fn an_executor_that_is_killed_loses_and_doubles_nothing() {
    let lineward = Lineward::new();
    corpus(&lineward, 150_000);
    let alone = scan(&lineward, None).ok().stdout;
    let scheduler = Process::scheduler(&lineward);
    let mut killed = Process::executor(&lineward, "executor-1", &scheduler);
    let stays = Process::executor(&lineward, "executor-2", &scheduler);
    let url = scheduler.url();
    let arguments = ["scan", "corpus", "--report", "jsonl", "--quiet", "--cluster", &url];
    let mut scanning = lineward.spawn(&mut lineward.command(arguments), "scan");
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(scanning.try_wait().expect("a status").is_none(), "the scan is too short to kill anybody in its middle");
    killed.kill();
    let code = scanning.wait().expect("a status").code();
    assert_eq!(code, Some(0), "{}", lineward.log("scan", "err"));
    assert!(lineward.log("scan", "out") == alone, "findings differ");
    assert_eq!(stays.stop().0, Some(0));
}

#[test]
fn refusals_say_what_to_do() {
    let lineward = Lineward::new();
    lineward.write("a.txt", "nothing");
    for (arguments, told) in [
        (&["cluster", "scheduler", "--listen", "0.0.0.0:0"][..], "give `--tls-cert`"),
        (&["cluster", "executor", "--scheduler", "http://192.0.2.1:50050"], "write `https://`"),
        (&["scan", "a.txt", "--cluster", "nonsense"], "`nonsense` is no scheduler"),
        (&["scan", "-", "--cluster", "http://127.0.0.1:1"], "does not go with `-`"),
        (&["scan", "a.txt", "--incremental", "--cluster", "http://127.0.0.1:1"], "does not go with `--incremental`"),
        (&["scan", "a.txt", "--cluster", "http://127.0.0.1:1"], "no scheduler answers at http://127.0.0.1:1"),
    ] {
        let outcome = lineward.run(arguments).exits(2);
        assert!(outcome.stderr.contains(told), "{arguments:?}: {}", outcome.stderr);
    }
}

#[test]
fn from_the_network_one_comes_with_a_certificate_of_the_cluster() {
    if !has_openssl() {
        return;
    }
    let lineward = Lineward::new();
    corpus(&lineward, 2_000);
    authority(&lineward, "ours");
    authority(&lineward, "theirs");
    certificate(&lineward, "ours", "node", SERVER);
    certificate(&lineward, "ours", "client", CLIENT);
    certificate(&lineward, "theirs", "stranger", CLIENT);
    let with = |name: &str, ca: &str| {
        [("--tls-cert", format!("{name}.pem")), ("--tls-key", format!("{name}.key")), ("--tls-ca", format!("{ca}.pem"))]
            .into_iter()
            .flat_map(|(option, file)| [option.to_owned(), file])
            .collect::<Vec<String>>()
    };
    let node = with("node", "ours");
    let node: Vec<&str> = node.iter().map(String::as_str).collect();
    let listen = ["scheduler", "--listen", "0.0.0.0:0"];
    let scheduler = Process::start(&lineward, "scheduler", &[&listen[..], &node].concat());
    let port = scheduler.address.rsplit(':').next().expect("a port");
    let url = format!("https://localhost:{port}");
    let join = ["executor", "--scheduler", &url, "--listen", "0.0.0.0:0", "--advertise", "localhost"];
    let _executor = Process::start(&lineward, "executor", &[&join[..], &node].concat());
    std::thread::sleep(Duration::from_millis(300));
    let scan_with = |name: &str, ca: &str| {
        let mut arguments: Vec<String> =
            ["scan", "corpus", "--report", "jsonl", "--quiet", "--cluster", &url].map(str::to_owned).to_vec();
        arguments.extend(with(name, ca));
        lineward.run(arguments)
    };
    let alone = scan(&lineward, None).ok().stdout;
    assert!(scan_with("client", "ours").ok().stdout == alone, "findings differ");
    for (name, ca) in [("stranger", "ours"), ("client", "theirs")] {
        let outcome = scan_with(name, ca).exits(2);
        assert!(outcome.stderr.contains("no scheduler answers at") && outcome.stdout.is_empty(), "{}", outcome.stderr);
    }
    let plain = lineward.run(["scan", "corpus", "--cluster", &format!("http://localhost:{port}")]).exits(2);
    assert!(plain.stderr.contains("no scheduler answers at"), "{}", plain.stderr);
}
