//! `lineward serve`: a store for PostgreSQL, Flight SQL and HTTP clients.

use crate::{fingerprint_key, output};
use anyhow::Context as _;
use clap::Args;
use lineward_server::{Addresses, Config};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Addresses where none is given.
const POSTGRES: &str = "127.0.0.1:5433";
const HTTP: &str = "127.0.0.1:5000";
const FLIGHT: &str = "127.0.0.1:32010";

/// Arguments of `lineward serve`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Without an address, PostgreSQL is served on 127.0.0.1:5433, HTTP on 127.0.0.1:5000 and Flight SQL on
127.0.0.1:32010; with one, only what has an address. On loopback nobody is asked who they are unless
the configuration says so; any other address needs authentication and TLS, which `docs/guide.md`
describes. Everything only reads the store, but for the events that HTTP and the proxy before an
MLflow server take; with either a store that does not exist is made.

Examples:
  lineward serve --store ./lineward-store
  psql -h 127.0.0.1 -p 5433 -c \"SELECT * FROM models_trained_on('PHI')\"
  lineward serve --config lineward-serve.yaml

SIGTERM or Ctrl-C lets what is under way end and leaves; a second one ends at once.

Exit codes: 0 stopped as asked, 2 an error.")]
pub(crate) struct ServeArgs {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address for PostgreSQL clients, before the one in the file
    #[arg(long, value_name = "ADDR")]
    postgres: Option<SocketAddr>,
    /// Address of the HTTP API, before the one in the file
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Address for Flight SQL clients, before the one in the file
    #[arg(long, value_name = "ADDR")]
    flight: Option<SocketAddr>,
    /// Store to serve, before the one in the file: a folder or an object-store URL
    #[arg(long, value_name = "URI", env = "LINEWARD_STORE")]
    store: Option<String>,
    /// File with the key of fingerprints in events that are taken
    #[arg(long, value_name = "FILE")]
    fingerprint_key_file: Option<PathBuf>,
}

pub(crate) fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let key = fingerprint_key::load(args.fingerprint_key_file.as_deref())?;
    let config = config(args)?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    ctrlc::set_handler(move || {
        if *stop.borrow() {
            std::process::exit(130);
        }
        stop.send_replace(true);
        output::complain(format_args!("stopping: what is under way may end; again to end at once"));
    })
    .context("cannot listen for signals")?;
    let asked = async move {
        let mut stopped = stopped;
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let runtime = lineward_server::runtime().context("cannot start the runtime")?;
    runtime.block_on(lineward_server::serve(config, key, announce, asked))?;
    Ok(ExitCode::SUCCESS)
}

fn config(args: ServeArgs) -> anyhow::Result<Config> {
    let mut config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    config.postgres = args.postgres.or(config.postgres);
    config.http = args.http.or(config.http);
    config.flight = args.flight.or(config.flight);
    if config.addresses().is_empty() {
        config.postgres = Some(POSTGRES.parse()?);
        config.http = Some(HTTP.parse()?);
        config.flight = Some(FLIGHT.parse()?);
    }
    config.store = args.store.or(config.store).or_else(|| Some("./lineward-store".to_owned()));
    Ok(config)
}

/// Says where to connect to; the ports may have been chosen by the system.
fn announce(addresses: Addresses) {
    let Addresses { postgres, http, flight, mlflow } = addresses;
    for (what, address) in [("PostgreSQL", postgres), ("HTTP", http), ("Flight SQL", flight), ("MLflow", mlflow)] {
        if let Some(address) = address {
            output::complain(format_args!("serving {what} on {address}"));
        }
    }
}
