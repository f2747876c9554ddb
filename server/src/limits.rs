//! What holds a principal's queries within their limits: a share of the memory, and how many run at once. Time and rows
//! are limited where the rows go by.

use crate::Error;
use crate::config::Limits;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A principal's share.
#[derive(Debug)]
pub(crate) struct Share {
    limits: Limits,
    running: Arc<Semaphore>,
    runtime: Arc<RuntimeEnv>,
}

impl Share {
    /// The environment its queries run in.
    pub fn runtime(&self) -> Arc<RuntimeEnv> {
        self.runtime.clone()
    }

    /// The limits it was made for.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Leave to run a query, given back when dropped.
    pub fn enter(&self) -> std::result::Result<OwnedSemaphorePermit, Error> {
        self.running.clone().try_acquire_owned().map_err(|_| {
            let most = self.limits.concurrent.unwrap_or_default();
            Error::Busy(format!("{most} queries run already, which is the limit; wait for one to end or cancel it"))
        })
    }
}

/// The shares of all principals that were seen.
#[derive(Debug)]
pub(crate) struct Shares {
    runtime: Arc<RuntimeEnv>,
    by_principal: Mutex<HashMap<(String, Limits), Arc<Share>>>,
}

impl Shares {
    pub fn new(runtime: Arc<RuntimeEnv>) -> Self {
        Self { runtime, by_principal: Mutex::default() }
    }

    /// The share of a principal; one for each of its limits, where it comes now with these roles, now with those.
    pub fn of(&self, principal: &str, limits: Limits) -> Result<Arc<Share>> {
        let mut shares = self.by_principal.lock().unwrap_or_else(|e| e.into_inner());
        let key = (principal.to_owned(), limits);
        if let Some(share) = shares.get(&key) {
            return Ok(share.clone());
        }
        let runtime = match limits.memory_bytes {
            None => self.runtime.clone(),
            Some(bytes) => {
                let pool = SharePool {
                    principal: principal.to_owned(),
                    limit: bytes,
                    used: AtomicUsize::new(0),
                    behind: self.runtime.memory_pool.clone(),
                };
                RuntimeEnvBuilder::from_runtime_env(&self.runtime).with_memory_pool(Arc::new(pool)).build_arc()?
            }
        };
        let most = limits.concurrent.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        let share = Arc::new(Share { limits, running: Arc::new(Semaphore::new(most)), runtime });
        shares.insert(key, share.clone());
        Ok(share)
    }
}

/// The part of the pool that one principal may use.
#[derive(Debug)]
struct SharePool {
    principal: String,
    limit: usize,
    used: AtomicUsize,
    behind: Arc<dyn MemoryPool>,
}

impl std::fmt::Display for SharePool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "share of {} bytes in {}", self.limit, self.behind)
    }
}

impl MemoryPool for SharePool {
    fn name(&self) -> &str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.behind.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.behind.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.behind.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.behind.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let more = |used: usize| used.checked_add(additional).filter(|sum| *sum <= self.limit);
        if let Err(used) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "`{}` needs {additional} bytes more, but the queries of `{}` use {used} of the {} bytes they may",
                reservation.consumer().name(),
                self.principal,
                self.limit
            )));
        }
        self.behind.try_grow(reservation, additional).inspect_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lineward_sql::memory::runtime;

    fn limits(memory_bytes: usize, concurrent: usize) -> Limits {
        Limits { memory_bytes: Some(memory_bytes), concurrent: Some(concurrent), ..Limits::default() }
    }

    #[test]
    fn a_share_of_memory_is_kept_and_named() {
        let shares = Shares::new(runtime(Some(1000), None).expect("a runtime"));
        let ann = shares.of("ann", limits(600, 9)).expect("a share").runtime();
        let bob = shares.of("bob", limits(600, 9)).expect("a share").runtime();
        let mine = MemoryConsumer::new("sort").register(&ann.memory_pool);
        mine.try_grow(500).expect("within the share");
        let error = mine.try_grow(200).expect_err("beyond the share").to_string();
        assert!(error.contains("`sort`") && error.contains("`ann`") && error.contains("600"), "{error}");
        let other = MemoryConsumer::new("join").register(&bob.memory_pool);
        assert!(other.try_grow(550).is_err(), "beyond what is left of the pool");
        assert_eq!(bob.memory_pool.reserved(), 0, "what the pool refused does not count");
        drop(mine);
        other.try_grow(550).expect("it was given back");
    }

    #[test]
    fn so_many_at_once() {
        let shares = Shares::new(runtime(None, None).expect("a runtime"));
        let share = shares.of("ann", limits(1, 2)).expect("a share");
        let (first, _second) = (share.enter().expect("one"), share.enter().expect("two"));
        assert!(matches!(shares.of("ann", limits(1, 2)).expect("the same").enter(), Err(Error::Busy(_))));
        assert!(shares.of("ann", limits(1, 3)).expect("another").enter().is_ok(), "of its own");
        let same = shares.of("ann", limits(1, 2)).expect("the same");
        assert!(same.enter().is_err(), "what runs still counts");
        drop(first);
        assert!(share.enter().is_ok());
    }
}
