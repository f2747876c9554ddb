//! Folders that are data sets: which of their files belong to it, and what they are called in it.
//!
//! Of a Delta table only the files of its current version count. Of a Hugging Face data set all files do; its data files
//! get the names of their configuration and split. A folder that is neither stays as it is listed.

mod delta;
mod huggingface;
#[cfg(test)]
mod tests;

pub(crate) use delta::columns_of;

use crate::scan::ScanInput;
use std::path::Path;

/// Goes through the listing of a folder (or of a bucket's prefix) and gives what is to be scanned of it, in order.
///
/// A Delta log that cannot be read is told as a problem of its own, and all files of the table stay, so that nothing goes
/// unseen.
pub fn select(root: &Path, listed: Vec<ScanInput>) -> Vec<ScanInput> {
    let mut inputs = delta::select(listed);
    huggingface::name(root, &mut inputs);
    inputs
}
