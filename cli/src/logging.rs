//! Logs: standard error, what `LINEWARD_LOG` asks for, colours on a terminal only.

use anyhow::Context as _;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Environment variable with the filter, in the syntax of `tracing_subscriber::EnvFilter`.
const VARIABLE: &str = "LINEWARD_LOG";

/// Starts logging.
pub(crate) fn init() -> anyhow::Result<()> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    // The Delta libraries warn of what is by design here (no statistics on texts) and log errors that they also return; that
    // another process committed first is one of them, and the usual thing where several write.
    const DEFAULT: &str = "warn,deltalake_core=error,deltalake_core::kernel::transaction=off,buoyant_kernel=off";
    // Ballista logs plans and the errors of tasks, which may hold values of people.
    const NEVER: [&str; 3] = ["ballista_core=off", "ballista_executor=off", "ballista_scheduler=off"];
    let wanted = if wanted.trim().is_empty() { DEFAULT } else { wanted.as_str() };
    let filter = EnvFilter::try_new(wanted)
        .with_context(|| format!("`{VARIABLE}` is `{wanted}`; write error, warn, info, debug or trace"))?;
    let filter = NEVER.into_iter().filter_map(|never| never.parse().ok()).fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
