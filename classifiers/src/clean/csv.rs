//! CSV and TSV: cells are replaced, and quoted anew where they must be.

use super::bounded::{Next, Records};
use super::{BATCH_BYTES, Cleaner, Mode};
use crate::Error;
use crate::readers::{Head, head_of, sniff_delimiter};
use crate::values::{FieldTable, ValueBatch};
use csv::{ByteRecord, WriterBuilder};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read as _, Write};
use std::path::Path;

/// Bytes of the first line that are looked at for its delimiter.
const HEAD_BYTES: u64 = 8 << 10;

pub(super) fn clean(
    cleaner: &mut Cleaner<'_>,
    from: &Path,
    delimiter: Option<u8>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    // Messages of the CSV library name places; that of a record of the wrong length cannot come.
    let failed = |e: &dyn std::fmt::Display| Error::read(from, e);
    let mut head = Vec::new();
    File::open(from).and_then(|f| f.take(HEAD_BYTES).read_to_end(&mut head)).map_err(|e| failed(&e))?;
    let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(&head));
    let input = BufReader::with_capacity(1 << 18, File::open(from).map_err(|e| failed(&e))?);
    let mut reader = Records::new(Box::new(input), delimiter, cleaner.options.limits.record_bytes_max);
    let mut writer = WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(out);
    let mut fields = FieldTable::default();
    let mut names: Vec<String> = Vec::new();
    let mut records: Vec<ByteRecord> = Vec::new();
    let mut bytes = 0;
    let mut is_first = true;
    // Of the input; what is left out of the copy has a number too.
    let mut number: u64 = 0;
    loop {
        let mut record = ByteRecord::new();
        let next = reader.read(&mut record).map_err(|e| failed(&e))?;
        number += 1;
        if next == Next::TooLong {
            cleaner.leave_out(format!("record {number}"));
            continue;
        }
        let more = next == Next::Record;
        if more
            && std::mem::take(&mut is_first)
            && let Head::Names(of_columns) = head_of(&record, cleaner.options.header, &head, delimiter)
        {
            writer.write_byte_record(&clean_head(cleaner, &record, &of_columns)?).map_err(|e| failed(&e))?;
            names = of_columns;
            continue;
        }
        if more {
            bytes += record.as_slice().len();
            records.push(record);
        }
        if bytes >= BATCH_BYTES || !more {
            for record in cleaned(cleaner, &records, &names, &mut fields)? {
                writer.write_byte_record(&record).map_err(|e| failed(&e))?;
            }
            records.clear();
            bytes = 0;
        }
        if !more {
            return writer.flush().map_err(|e| failed(&e));
        }
    }
}

/// The line of names without values: a name that is one, or holds one, becomes the number of its column.
fn clean_head(cleaner: &mut Cleaner<'_>, record: &ByteRecord, names: &[String]) -> Result<ByteRecord, Error> {
    let mut batch = ValueBatch::new();
    record.iter().for_each(|cell| batch.push(0, None, cell));
    let holds_value: HashSet<u32> =
        cleaner.find(&batch, &mut FieldTable::default())?.into_iter().map(|found| found.place.value).collect();
    let mut new = ByteRecord::new();
    for ((index, cell), name) in (0u32..).zip(record).zip(names) {
        let number = format!("column_{index}");
        match holds_value.contains(&index) || (*name == number && !cell.is_empty()) {
            true => new.push_field(number.as_bytes()),
            false => new.push_field(cell),
        }
    }
    Ok(new)
}

fn cleaned(
    cleaner: &mut Cleaner<'_>,
    records: &[ByteRecord],
    names: &[String],
    fields: &mut FieldTable,
) -> Result<Vec<ByteRecord>, Error> {
    let first = cleaner.report.rows;
    let mut batch = ValueBatch::new();
    for (row, record) in (first..).zip(records) {
        for (index, cell) in record.iter().enumerate() {
            let field = match names.get(index) {
                Some(name) => fields.intern(name),
                None => fields.intern(&format!("column_{index}")),
            };
            batch.push(row, Some(field), cell);
        }
    }
    let edits = cleaner.edit(&batch, fields)?;
    let mut value = 0;
    let mut out = Vec::with_capacity(records.len());
    for (row, record) in (first..).zip(records) {
        let mut new = ByteRecord::new();
        for cell in record {
            new.push_field(edits.values.get(&value).map_or(cell, Vec::as_slice));
            value += 1;
        }
        match cleaner.mode == Mode::Drop && edits.rows.contains(&row) {
            true => cleaner.report.rows_dropped += 1,
            false => out.push(new),
        }
    }
    cleaner.report.rows += records.len() as u64;
    Ok(out)
}
