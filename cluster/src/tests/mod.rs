//! A scheduler and executors in this process, on ports that are free: what they give is compared with what one machine
//! gives.

mod queries;
mod refusals;
mod scans;

use crate::{Cluster, Executor, ExecutorOptions, Identity, Scheduler, SchedulerOptions, SchedulerUrl, Site};
use lineward_classifiers::FingerprintKey;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The key of all tests.
fn key() -> Result<FingerprintKey, String> {
    FingerprintKey::new(&[7; 32]).map_err(|e| e.to_string())
}

fn identity() -> Identity {
    Identity::of_this_process().expect("an identity")
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// A cluster in this process. Each executor has threads of its own, so that one can be lost.
struct InProcess {
    scheduler: Runtime,
    executors: Vec<Option<Runtime>>,
    address: SocketAddr,
    /// What executors computed is below it.
    work: TempDir,
}

impl InProcess {
    fn new(executors: usize) -> Self {
        let scheduler = runtime();
        let options = SchedulerOptions {
            listen: loopback(),
            tls: None,
            executor_timeout: Duration::from_secs(10),
            identity: identity(),
        };
        let bound = scheduler.block_on(Scheduler::bind(options)).expect("a scheduler");
        let address = bound.address();
        scheduler.spawn(bound.serve(std::future::pending()));
        let mut this = Self { scheduler, executors: Vec::new(), address, work: TempDir::new().expect("a folder") };
        for _ in 0..executors {
            this.join(Site::new(identity(), key)).expect("it joins");
        }
        this.settle(executors);
        this
    }

    fn url(&self) -> SchedulerUrl {
        SchedulerUrl::parse(&format!("http://{}", self.address), None).expect("a URL")
    }

    fn cluster(&self) -> Cluster {
        Cluster::new(self.url(), identity())
    }

    /// Another executor.
    fn join(&mut self, site: Site) -> Result<(), crate::Error> {
        let runtime = runtime();
        let options = ExecutorOptions {
            scheduler: self.url(),
            listen: loopback(),
            advertise: None,
            threads: 2,
            work_dir: Some(self.work.path().to_owned()),
            tls: None,
            site,
        };
        let joined = runtime.block_on(Executor::join(options))?;
        runtime.spawn(joined.serve(std::future::pending()));
        self.executors.push(Some(runtime));
        Ok(())
    }

    /// Waits until the scheduler has heard of so many executors: the first time they ask for work.
    fn settle(&self, executors: usize) {
        if executors > 0 {
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Whether executors have removed what they computed, within a few seconds: they hear of it when they ask for work.
    fn is_clean(&self) -> bool {
        let begun = Instant::now();
        while files(self.work.path()) > 0 {
            if begun.elapsed() > Duration::from_secs(20) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Ends an executor as a power cut would: it says nothing.
    fn lose(&mut self, executor: usize) {
        if let Some(runtime) = self.executors.get_mut(executor).and_then(Option::take) {
            runtime.shutdown_background();
        }
    }
}

/// Files below a folder.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

impl Drop for InProcess {
    fn drop(&mut self) {
        for executor in 0..self.executors.len() {
            self.lose(executor);
        }
        let scheduler = std::mem::replace(&mut self.scheduler, runtime());
        scheduler.shutdown_background();
    }
}
