//! Whoever is not answered, and what is said to them.

use super::{InProcess, identity, key, loopback};
use crate::codec::Codec;
use crate::parts::{PartsExec, Work};
use crate::scan::tests::work;
use crate::{Cluster, Error, Identity, Scheduler, SchedulerOptions, SchedulerUrl, Site};
use ballista_core::extension::SessionConfigExt as _;
use datafusion::arrow::datatypes::Schema;
use datafusion::prelude::SessionConfig;
use std::sync::Arc;
use std::time::Duration;

fn strangers() -> [(Identity, &'static str); 2] {
    let mine = identity();
    [
        (Identity { version: "0.0.1".into(), ..mine.clone() }, "is of version"),
        (Identity { rules: "0123456789abcdef".into(), ..mine }, "has the rule set"),
    ]
}

/// A plan that nobody has to be able to compute.
fn plan(planned_by: &Identity) -> Vec<u8> {
    let site = Arc::new(Site::new(planned_by.clone(), key));
    let parts =
        PartsExec::of(vec![vec!["[]".into()]], Work::Scan(work(planned_by)), site.clone(), Arc::new(Schema::empty()));
    Cluster::write(Arc::new(parts.expect("a plan")), &Codec::asking(site, Arc::new(|| None))).expect("written")
}

fn submitted(cluster: &Cluster, planned_by: &Identity) -> Result<(), Error> {
    super::runtime().block_on(async {
        let mut job = cluster.submit(plan(planned_by), &SessionConfig::new_with_ballista()).await?;
        job.done().await.map(drop)
    })
}

#[test]
fn executors_and_clients_of_another_build_are_refused() {
    let mut cluster = InProcess::new(1);
    for (stranger, told) in strangers() {
        let refused = cluster.join(Site::new(stranger.clone(), key)).expect_err("refused").to_string();
        assert!(refused.contains(told), "{refused}");
        let client = Cluster::new(cluster.url(), stranger.clone());
        let refused = submitted(&client, &stranger).expect_err("refused");
        assert!(matches!(refused, Error::Refused(_)) && refused.to_string().contains(told), "{refused}");
    }
}

#[test]
fn an_executor_refuses_the_plan_of_another_build() {
    let cluster = InProcess::new(1);
    for (stranger, told) in strangers() {
        // The scheduler was asked by one build, and the plan is of another.
        let refused = submitted(&cluster.cluster(), &stranger).expect_err("refused").to_string();
        assert!(refused.starts_with("an executor") && refused.contains(told), "{refused}");
    }
}

#[test]
fn a_cluster_without_executors_says_so() {
    let cluster = InProcess::new(0);
    let refused = submitted(&cluster.cluster(), &identity()).expect_err("refused").to_string();
    assert!(
        refused.starts_with("no executor has joined") && refused.contains("lineward cluster executor"),
        "{refused}"
    );
}

#[test]
fn nobody_there_is_told_with_the_url() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind(loopback()).expect("a port").local_addr().expect("an address").port();
    let url = SchedulerUrl::parse(&format!("http://127.0.0.1:{port}"), None).expect("a URL");
    let refused = submitted(&Cluster::new(url, identity()), &identity()).expect_err("nobody");
    let told = refused.to_string();
    assert!(matches!(refused, Error::Unreachable { .. }) && told.contains(&format!("127.0.0.1:{port}")), "{told}");
}

#[test]
fn beyond_loopback_there_are_certificates_or_nothing() {
    let options = SchedulerOptions {
        listen: "0.0.0.0:0".parse().expect("an address"),
        tls: None,
        executor_timeout: Duration::from_secs(10),
        identity: identity(),
    };
    let Err(refused) = super::runtime().block_on(Scheduler::bind(options)) else { panic!("it listens") };
    assert!(matches!(refused, Error::Unsafe(_)) && refused.to_string().contains("--tls-cert"), "{refused}");
}

#[test]
fn work_that_the_scheduler_forgot_is_not_waited_for() {
    let cluster = InProcess::new(0);
    let asked = super::runtime().block_on(async {
        let mut job = cluster.cluster().unknown_job().await?;
        tokio::time::timeout(Duration::from_secs(30), job.done()).await.expect("it ends")
    });
    let told = asked.expect_err("nobody knows it").to_string();
    assert!(told.contains("no longer knows this work") && told.ends_with("ask again"), "{told}");
}
