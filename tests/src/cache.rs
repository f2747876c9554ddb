//! What tests fetch once and keep: each thing in a folder of its own that outlives test runs.

use crate::kafka::{FixtureError, Result, fail, write};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder that outlives test runs: `LINEWARD_CACHE`, or `lineward` in the user's cache.
pub fn cache_dir() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("LINEWARD_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("lineward")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/lineward")))
        .ok_or_else(|| FixtureError("no place for what tests fetch; set LINEWARD_CACHE".into()))
}

/// The folder of a thing in the cache, made where it is not there or was made of something else than `of`. Tests that start
/// at once wait for one of them to make it.
///
/// # Errors
/// Those of `make`, and where the cache cannot be written.
pub fn once(name: &str, of: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let home = cache_dir()?.join(name);
    fs::create_dir_all(&home).map_err(|e| fail("make the cache directory", e))?;
    let lock = File::create(home.join("lock")).map_err(|e| fail("open the cache's lock", e))?;
    lock.lock().map_err(|e| fail("lock the cache", e))?;
    let complete = home.join("complete");
    if fs::read_to_string(&complete).ok().as_deref() != Some(of) {
        make(&home)?;
        write(&complete, of)?;
    }
    Ok(home)
}
