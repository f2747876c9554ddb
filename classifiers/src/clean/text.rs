//! Plain text: a scan says where, then the text is copied with those places replaced. Memory grows with the number of
//! findings and not with the text.

use super::{Cleaner, Found, Mode, is_inside};
use crate::finding::Match;
use crate::readers::Format;
use crate::scan::{self, FileReport, ScanInput, ScanOptions, Sink};
use crate::{Error, Finding};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::Path;

/// Copies a text; gives the ranges of the copy that are replacements.
pub(super) fn clean(
    cleaner: &mut Cleaner<'_>,
    format: Format,
    from: &Path,
    out: &mut dyn Write,
) -> Result<Vec<Range<u64>>, Error> {
    let failed = |e: std::io::Error| Error::read(from, e);
    let mut input = BufReader::with_capacity(1 << 18, File::open(from).map_err(failed)?);
    let head = input.fill_buf().map_err(failed)?;
    if head.starts_with(b"\x1f\x8b") {
        return Err(Error::read(from, "a cleaned copy can be made of plain text only; unpack it first"));
    }
    let places = places(cleaner, format, from)?;
    match cleaner.mode {
        Mode::Drop => drop_lines(cleaner, &mut input, &places, out).map(|()| Vec::new()).map_err(failed),
        _ => copy(cleaner, &mut input, &places, out).map_err(failed),
    }
}

/// A place in a text: with the fingerprint and rule of the longest finding there where it is to be replaced, with none
/// where it is a replacement already.
type Place = (Range<u64>, Option<(String, u16)>);

/// Where something is to be replaced or was: ordered, apart.
fn places(cleaner: &mut Cleaner<'_>, format: Format, from: &Path) -> Result<Vec<Place>, Error> {
    let rules = cleaner.engine.rules();
    let by_id = rules.iter().map(|(index, rule)| (rule.id.clone(), index)).collect();
    let mut collect = Collect { by_id, places: Vec::new(), problem: None };
    let input = ScanInput::file(from.to_owned(), std::fs::metadata(from).map_or(0, |m| m.len()));
    let options = ScanOptions { format: Some(format), incremental: None, sample: None, ..cleaner.options.clone() };
    scan::scan(cleaner.engine, &[input], &options, &Default::default(), &mut collect)?;
    if let Some(problem) = collect.problem {
        return Err(Error::read(from, problem));
    }
    let former = std::mem::take(&mut cleaner.ranges);
    let mut all: Vec<Place> = Vec::with_capacity(collect.places.len());
    for (range, fingerprint, rule) in collect.places {
        if !is_inside(&former, range.start, range.end) {
            let place = Match { rule, value: 0, start: 0, end: 0, score: 1.0 };
            cleaner.note(None, &Found { place, value: String::new(), fingerprint: String::new() });
            all.push((range, Some((fingerprint, rule))));
        }
    }
    all.extend(former.into_iter().map(|range| (range, None)));
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let mut places: Vec<Place> = Vec::with_capacity(all.len());
    for (range, new) in all {
        match places.last_mut().filter(|(last, _)| range.start < last.end) {
            Some((last, mine)) => {
                if new.is_some() && (mine.is_none() || range.end - range.start > last.end - last.start) {
                    *mine = new;
                }
                last.end = last.end.max(range.end);
            }
            None => places.push((range, new)),
        }
    }
    Ok(places)
}

fn copy(
    cleaner: &mut Cleaner<'_>,
    input: &mut dyn BufRead,
    places: &[Place],
    out: &mut dyn Write,
) -> std::io::Result<Vec<Range<u64>>> {
    let (mut at, mut written) = (0, 0);
    let mut ranges = Vec::with_capacity(places.len());
    for (range, new) in places {
        written += std::io::copy(&mut input.take(range.start - at), out)?;
        let mut value = Vec::new();
        input.take(range.end - range.start).read_to_end(&mut value)?;
        at = range.end;
        let Some((fingerprint, rule)) = new else {
            out.write_all(&value)?;
            ranges.push(written..written + value.len() as u64);
            written += value.len() as u64;
            continue;
        };
        let place = Match { rule: *rule, value: 0, start: 0, end: value.len(), score: 1.0 };
        let value = String::from_utf8_lossy(&value).into_owned();
        let found = Found { place, value, fingerprint: fingerprint.clone() };
        let new = cleaner.replacement(&found, &found.value);
        out.write_all(new.as_bytes())?;
        ranges.push(written..written + new.len() as u64);
        written += new.len() as u64;
    }
    cleaner.report.rows = 0;
    std::io::copy(input, out)?;
    Ok(ranges)
}

/// Copies the lines that no place touches.
fn drop_lines(
    cleaner: &mut Cleaner<'_>,
    input: &mut dyn BufRead,
    places: &[Place],
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    let (mut at, mut next) = (0, 0);
    while input.read_until(b'\n', &mut line)? > 0 {
        let end = at + line.len() as u64;
        while places.get(next).is_some_and(|(range, ..)| range.end <= at) {
            next += 1;
        }
        cleaner.report.rows += 1;
        match places.get(next).is_some_and(|(range, ..)| range.start < end) {
            true => cleaner.report.rows_dropped += 1,
            false => out.write_all(&line)?,
        }
        at = end;
        line.clear();
    }
    Ok(())
}

struct Collect {
    by_id: HashMap<String, u16>,
    places: Vec<(Range<u64>, String, u16)>,
    problem: Option<String>,
}

impl Sink for Collect {
    fn finding(&mut self, finding: Finding) {
        if let Some(rule) = self.by_id.get(&finding.detector) {
            self.places.push((finding.start..finding.end, finding.fingerprint, *rule));
        }
    }

    fn file(&mut self, report: FileReport) {
        let skipped = report.skipped.then(|| "it is binary; name the format of what it is".to_owned());
        self.problem = report.problems.first().map(|p| format!("{}: {}", p.place, p.message)).or(skipped);
    }
}
