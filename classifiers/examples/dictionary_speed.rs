//! How long a column of a million rows over a hundred values takes, plain and as Arrow's dictionary type, whose values are
//! scanned once: `cargo run --release --example dictionary_speed`.
#![allow(clippy::print_stdout, missing_docs)]
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, PrimitiveArray, RecordBatch, StringArray};
use lineward_classifiers::scan::{ScanOptions, scan_record_batch};
use lineward_classifiers::{Engine, FingerprintKey, RuleSet};
use std::sync::Arc;
use std::time::Instant;

const ROWS: usize = 1_000_000;
const VALUES: i32 = 100;
/// Rows of a batch.
const BATCH: usize = 50_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Arc::new(RuleSet::built_in()?))?;
    let options = ScanOptions::new(FingerprintKey::new(&[1; 32])?);
    let prose = |n| format!("order {n} was sent on time and nobody wrote about it since");
    let findings = |n| format!("write to clerk.{n}@hospital-north.org, or to desk.{n}@hospital-south.org");
    let forms: [(&str, &dyn Fn(i32) -> String); 2] = [("prose", &prose), ("findings", &findings)];
    for (what, text) in forms {
        let keys = PrimitiveArray::<Int32Type>::from_iter_values((0..ROWS as i32).map(|row| row * 7 % VALUES));
        let texts: Vec<String> = (0..VALUES).map(text).collect();
        let rows = keys.values().iter().map(|key| &texts[*key as usize]);
        let plain: ArrayRef = Arc::new(StringArray::from_iter_values(rows));
        let values: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
        let dictionary: ArrayRef = Arc::new(DictionaryArray::try_new(keys, values)?);
        for (form, column) in [("plain", plain), ("dictionary", dictionary)] {
            let (start, mut found) = (Instant::now(), 0);
            for first in (0..ROWS).step_by(BATCH) {
                let records = RecordBatch::try_from_iter([("note", column.slice(first, BATCH))])?;
                found += scan_record_batch(&engine, "a", &records, &options)?.findings.len();
            }
            println!("{what}, {form}: {:.2} s, {found} findings", start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
