//! How much memory queries may take. An operator that needs more than is left writes to disk where it can and else fails
//! with a message, where without a limit the system would end the process.

use datafusion::error::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// Consumers that an error about exhausted memory names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// The environment that queries run in: one pool of so many bytes, or one without an end, and one place to spill to; a
/// temporary folder where none is named.
///
/// # Errors
///
/// Where the place to spill to cannot be used.
pub fn runtime(memory_bytes: Option<usize>, spill_dir: Option<&Path>) -> Result<Arc<RuntimeEnv>> {
    let pool: Arc<dyn MemoryPool> = match memory_bytes {
        Some(bytes) => Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED_CONSUMERS)),
        None => Arc::new(UnboundedMemoryPool::default()),
    };
    let builder = RuntimeEnvBuilder::new().with_memory_pool(pool);
    let builder = match spill_dir {
        Some(folder) => builder.with_temp_file_path(folder),
        None => builder,
    };
    builder.build_arc()
}

/// Half of the memory there is, in bytes: of the machine's, or of what a container may have, where the system says.
pub fn half_of_machine() -> Option<usize> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| total(&text));
    let container = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    [machine, container].into_iter().flatten().min().map(|bytes: usize| bytes / 2)
}

fn total(meminfo: &str) -> Option<usize> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_the_machine() {
        assert_eq!(total("MemFree:  1 kB\nMemTotal:       16384 kB\n"), Some(16 << 20));
        assert_eq!(total("MemFree: 1 kB"), None);
    }
}
