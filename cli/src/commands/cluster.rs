//! `lineward cluster`: the processes that compute for others, and the options by which others find them.

use crate::{fingerprint_key, output};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use lineward_cluster::{
    Cluster, Executor, ExecutorOptions, Identity, Scheduler, SchedulerOptions, SchedulerUrl, Site, Tls, TlsFiles,
};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `lineward cluster`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A cluster computes queries and scans of others: `lineward sql --cluster URL`, `lineward scan
--cluster URL`. It is one scheduler and any number of executors, all of one build of Lineward.
Executors read the stores and inputs under the same paths or URLs as whoever asks, and have the same
fingerprint key by their own configuration.

On loopback nobody is asked who they are. Any other address needs a certificate on both sides,
signed by an authority of the cluster's own: --tls-cert, --tls-key, --tls-ca. `docs/cluster.md`
shows how to make them, and what travels.

Examples:
  lineward cluster scheduler
  lineward cluster executor --scheduler http://127.0.0.1:50050
  lineward sql --cluster http://127.0.0.1:50050 'SELECT count(*) FROM events'

SIGTERM or Ctrl-C ends a process; an executor takes leave first, and its tasks go to others.

Exit codes: 0 stopped as asked, 2 an error.")]
pub(crate) struct ClusterArgs {
    #[command(subcommand)]
    command: ClusterCommand,
}

#[derive(Debug, Subcommand)]
enum ClusterCommand {
    /// Take plans and hand their tasks to executors
    Scheduler(SchedulerArgs),
    /// Compute the tasks of a scheduler
    Executor(ExecutorArgs),
}

/// Arguments of `lineward cluster scheduler`.
#[derive(Debug, Args)]
struct SchedulerArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50050")]
    listen: SocketAddr,
    /// Time without a word after which an executor is lost and its tasks go to others; 10 at least
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    executor_timeout: u64,
    #[command(flatten)]
    tls: TlsArgs,
}

/// Arguments of `lineward cluster executor`.
#[derive(Debug, Args)]
struct ExecutorArgs {
    /// The scheduler, as `http://127.0.0.1:50050`
    #[arg(long, value_name = "URL")]
    scheduler: String,
    /// Address where results are fetched; port 0 is one that is free
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Host under which others reach it, where that is not the address it listens on
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// Tasks at a time (default: the cores there are)
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Folder for what it computed until it is fetched (default: a temporary one)
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// File with the key of fingerprints
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
    #[command(flatten)]
    tls: TlsArgs,
}

/// The certificate of a process.
#[derive(Debug, Args)]
pub(super) struct TlsArgs {
    /// Certificate of this process (PEM); with it, others have to show one too
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "tls_ca"], env = "LINEWARD_CLUSTER_TLS_CERT")]
    #[arg(hide_env = true, hide_short_help = true, help_heading = "Cluster")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "LINEWARD_CLUSTER_TLS_KEY")]
    #[arg(hide_env = true, hide_short_help = true, help_heading = "Cluster")]
    tls_key: Option<PathBuf>,
    /// Certificate of the authority that signs those of the cluster (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "LINEWARD_CLUSTER_TLS_CA")]
    #[arg(hide_env = true, hide_short_help = true, help_heading = "Cluster")]
    tls_ca: Option<PathBuf>,
}

impl TlsArgs {
    fn read(self) -> anyhow::Result<Option<Tls>> {
        match (self.tls_cert, self.tls_key, self.tls_ca) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authority)) => {
                Ok(Some(Tls::read(&TlsFiles { certificate, key, authority })?))
            }
            _ => bail!("`--tls-cert`, `--tls-key` and `--tls-ca` go together; give all three"),
        }
    }
}

/// Where a command has its work done.
#[derive(Debug, Args)]
pub(super) struct Elsewhere {
    /// Have it computed by the cluster of this scheduler, as `http://127.0.0.1:50050`
    #[arg(long, value_name = "URL", hide_short_help = true, help_heading = "Cluster")]
    cluster: Option<String>,
    #[command(flatten)]
    tls: TlsArgs,
}

impl Elsewhere {
    /// Whether a cluster is named.
    pub fn is_named(&self) -> bool {
        self.cluster.is_some()
    }

    /// The cluster, where one is named.
    pub fn cluster(self) -> anyhow::Result<Option<Cluster>> {
        let Some(url) = self.cluster else { return Ok(None) };
        let scheduler = SchedulerUrl::parse(&url, self.tls.read()?)?;
        Ok(Some(Cluster::new(scheduler, Identity::of_this_process()?)))
    }
}

pub(crate) fn run(args: ClusterArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let stop = on_signal()?;
    match args.command {
        ClusterCommand::Scheduler(args) => runtime.block_on(scheduler(args, stop))?,
        ClusterCommand::Executor(args) => runtime.block_on(executor(args, stop))?,
    }
    // A task that does not let go keeps nobody waiting: it is done again elsewhere.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ExitCode::SUCCESS)
}

async fn scheduler(args: SchedulerArgs, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let options = SchedulerOptions {
        listen: args.listen,
        tls: args.tls.read()?,
        executor_timeout: Duration::from_secs(args.executor_timeout),
        identity: Identity::of_this_process()?,
    };
    let scheduler = Scheduler::bind(options).await?;
    output::complain(format_args!("scheduling on {}", scheduler.address()));
    Ok(scheduler.serve(stop).await?)
}

async fn executor(args: ExecutorArgs, stop: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let tls = args.tls.read()?;
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let key_file = args.fingerprint_key_file;
    let options = ExecutorOptions {
        scheduler: SchedulerUrl::parse(&args.scheduler, tls.clone())?,
        listen: args.listen,
        advertise: args.advertise,
        threads: args.threads.map_or_else(cores, NonZeroUsize::get),
        work_dir: args.work_dir,
        tls,
        site: site(key_file)?,
    };
    let joining = Executor::join(options);
    let stop = std::pin::pin!(stop);
    let (executor, stop) = match futures::future::select(std::pin::pin!(joining), stop).await {
        futures::future::Either::Left((joined, stop)) => (joined?, stop),
        // Asked to stop before the scheduler answered.
        futures::future::Either::Right(_) => return Ok(()),
    };
    output::complain(format_args!("computing for {}, results on {}", args.scheduler, executor.address()));
    Ok(executor.serve(stop).await?)
}

/// This process as one that computes, with the key it has by its own configuration.
pub(super) fn site(key_file: Option<PathBuf>) -> anyhow::Result<Site> {
    let key = move || fingerprint_key::existing(key_file.as_deref()).map_err(|e| format!("{e:#}"));
    Ok(Site::new(Identity::of_this_process()?, key))
}

/// Ready at the first signal; the second ends the process.
fn on_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    ctrlc::set_handler(move || {
        if stop.send_replace(true) {
            std::process::exit(130);
        }
        output::complain(format_args!("stopping; again to end at once"));
    })
    .context("cannot listen for signals")?;
    Ok(async move {
        let mut stopped = stopped;
        let _ = stopped.wait_for(|stop| *stop).await;
    })
}
