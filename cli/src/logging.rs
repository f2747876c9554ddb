//! Logs: standard error, what `LINEWARD_LOG` asks for, colours on a terminal only.

use anyhow::Context as _;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Environment variable with the filter, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "LINEWARD_LOG";

/// Starts logging.
pub(crate) fn init() -> anyhow::Result<()> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    // The Delta libraries warn of what is by design here (no statistics on texts) and log errors that they also return.
    const DEFAULT: &str = "warn,deltalake_core=error,buoyant_kernel=off";
    let wanted = if wanted.trim().is_empty() { DEFAULT } else { wanted.as_str() };
    let filter = EnvFilter::try_new(wanted)
        .with_context(|| format!("`{VARIABLE}` is `{wanted}`; write error, warn, info, debug or trace"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
