//! Base64 that holds text, gzip or zlib of text, or UTF-16. Runs of base64 characters are common (paths, hashes, pictures), so
//! the first bytes decide whether a run is worth more.

use super::Derived;
use super::left::Why;
use super::map::{OffsetMap, Piece};
use super::marks::IS_BASE64;
use super::span_at;
use crate::values::ValueBatch;
use ::base64::Engine as _;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::io::{ErrorKind, Read};

/// Characters decoded to tell text from other content.
const PROBE: usize = 16;
/// Shortest text that is worth a look, in bytes.
const TEXT_MIN: usize = 12;
/// Characters of one run, with its lines, that are decoded: more than a batch of plain text has.
const RUN_MAX: usize = 5 << 20;
/// Bytes that one packed run may unpack to.
const UNPACKED_MAX: u64 = 4 << 20;
/// Places in a run where it is tried, since what stands before it may be of base64 characters as well.
const STARTS_MAX: usize = 4;
/// Length from which on a run at the start of its value may be the rest of one: what a batch shares with the one before
/// is longer.
const GOING_ON_MIN: usize = 8 << 10;
/// Lines at least this long may be parts of one wrapped run.
const LINE_MIN: usize = 60;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes the runs that hold text.
pub(super) fn decode_runs(batch: &ValueBatch, runs: &[(usize, usize)], bytes_max: usize, derived: &mut Derived) {
    let (mut index, mut at) = (0, 0);
    while let Some(&(start, _)) = runs.get(at) {
        let count = lines(batch.buffer(), &runs[at..]);
        let wrapped = &runs[at..at + count];
        at += count;
        let Some(span) = span_at(batch, &mut index, start) else { continue };
        let mut starts = starts(batch.buffer(), runs[at - count], span.start);
        if derived.batch.len() >= bytes_max {
            if starts.any(|from| holds_text(&batch.buffer()[from..])) {
                derived.leave(index, start - span.start, Why::TooLarge);
            }
            continue;
        }
        if let Some(decoded) = starts.find_map(|from| decode(batch.buffer(), wrapped, from, (span.start, span.end))) {
            derived.push(index as u32, &span, false, &decoded.plain, decoded.map);
            if let Some(why) = decoded.cut {
                derived.leave(index, start - span.start, why);
            }
        }
    }
}

/// How many runs are lines of one: each as long as the first, but for the last, with nothing but a break between.
fn lines(text: &[u8], runs: &[(usize, usize)]) -> usize {
    let length = runs[0].1 - runs[0].0;
    let mut count = 1;
    while length >= LINE_MIN && length.is_multiple_of(4) {
        let Some(&(start, end)) = runs.get(count) else { break };
        let (before, before_end) = runs[count - 1];
        let is_break = matches!(&text[before_end..start], b"\n" | b"\r\n" | b"\\n");
        if !is_break || before_end - before != length || end - start > length || end - runs[0].0 > RUN_MAX {
            break;
        }
        count += 1;
    }
    count
}

/// Places where the content of a run may begin: its first byte, and behind signs near it (`data/c2VjcmV0`).
/// In a long run that its value begins with, each of the first places: a batch of plain text may begin inside a run, at any
/// of the four characters of a group.
fn starts(text: &[u8], (start, end): (usize, usize), value_start: usize) -> impl Iterator<Item = usize> {
    let near = &text[start..end.min(start + 64)];
    let signs = near.iter().enumerate().filter(|(_, b)| matches!(b, b'/' | b'-' | b'_' | b'+'));
    let behind = signs.map(move |(i, _)| start + i + 1).take(STARTS_MAX - 1);
    let may_go_on = start == value_start && end - start >= GOING_ON_MIN;
    let phases = (start + 1..start + PROBE).filter(move |_| may_go_on);
    std::iter::once(start).chain(behind).chain(phases).filter(move |from| from + PROBE <= end)
}

/// The bytes that the first characters stand for, as long as they can be the beginning of anything that is read.
fn probe(text: &[u8]) -> Option<[u8; PROBE / 4 * 3]> {
    let mut out = [0u8; PROBE / 4 * 3];
    let groups = text.get(..PROBE)?.as_chunks::<4>().0;
    for (number, (group, bytes)) in groups.iter().zip(out.as_chunks_mut::<3>().0).enumerate() {
        let bits = group.iter().try_fold(0u32, |bits, c| match SEXTETS[*c as usize] {
            64.. => None,
            six => Some(bits << 6 | u32::from(six)),
        })?;
        bytes.copy_from_slice(&bits.to_be_bytes()[1..]);
        // Most runs are no base64 of text, which the first group shows.
        let is_packed = *bytes == [0x1f, 0x8b, 8] || is_zlib(bytes);
        if number == 0 && !(bytes.iter().all(|b| is_text(*b)) || bytes[1] == 0 || is_packed) {
            return None;
        }
    }
    Some(out)
}

/// The six bits of each character of either alphabet; 64 for others.
const SEXTETS: [u8; 256] = {
    let mut table = [64; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0;
    while value < 64 {
        table[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

fn is_text(b: u8) -> bool {
    (b >= b' ' && b != 0x7f) || matches!(b, b'\n' | b'\r' | b'\t')
}

/// Whether what begins like this is worth decoding.
fn holds_text(text: &[u8]) -> bool {
    probe(text).is_some_and(|head| kind(&head).is_some())
}

/// What a run holds.
struct Decoded {
    plain: Vec<u8>,
    map: OffsetMap,
    /// Why that is not all, where it is not.
    cut: Option<Why>,
}

/// What the lines of a run hold, from a place in the first on, if that is text. `span` is where the value lies.
fn decode(text: &[u8], lines: &[(usize, usize)], from: usize, span: (usize, usize)) -> Option<Decoded> {
    let kind = kind(&probe(&text[from..])?)?;
    let base = span.0;
    let mut packed = Vec::new();
    let mut pieces = Vec::new();
    let mut cut = None;
    for (number, &(start, end)) in lines.iter().enumerate() {
        let start = if number == 0 { from } else { start };
        if end - start > RUN_MAX {
            cut = Some(Why::TooLarge);
        }
        let end = end.min(start + RUN_MAX);
        // A group of one character holds no byte.
        let end = if (end - start) % 4 == 1 { end - 1 } else { end };
        let begin = packed.len();
        packed.resize(begin + (end - start).div_ceil(4) * 3, 0);
        let got = decode_line(&text[start..end], &mut packed[begin..])?;
        packed.truncate(begin + got);
        pieces.push(Piece { plain: (begin, packed.len()), source: (start - base, end - base), by_three: true });
    }
    let (first, last) = (pieces.first()?.source.0, pieces.last()?.source.1);
    let mut plain = match kind {
        Kind::Text => {
            packed.truncate(text_len(&packed));
            let map = OffsetMap { base: first, pieces };
            return (packed.len() >= TEXT_MIN).then_some(Decoded { plain: packed, map, cut });
        }
        Kind::Gzip | Kind::Zlib => {
            let (plain, why) = match kind {
                Kind::Gzip => unpack(flate2::read::GzDecoder::new(packed.as_slice())),
                _ => unpack(flate2::read::ZlibDecoder::new(packed.as_slice())),
            };
            // What ends early may be longer than is decoded, or go on in the next batch where its value ends as well.
            let is_last = last + LINE_MIN >= span.1 - base && last - first >= GOING_ON_MIN;
            cut = match why {
                Some(Why::GoesOn) if packed.len() + LINE_MIN >= RUN_MAX / 4 * 3 => Some(Why::TooLarge),
                Some(Why::GoesOn) if !is_last => None,
                other => other,
            };
            plain
        }
        Kind::Utf16 => encoding_rs::UTF_16LE.decode_without_bom_handling(&packed).0.into_owned().into_bytes(),
    };
    plain.truncate(text_len(&plain));
    let pieces = vec![Piece { plain: (0, plain.len()), source: (first, last), by_three: false }];
    (plain.len() >= TEXT_MIN).then_some(Decoded { plain, map: OffsetMap { base: first, pieces }, cut })
}

/// What a packed run holds, and why that is not all. What unpacks before an error is text all the same.
fn unpack(packed: impl Read) -> (Vec<u8>, Option<Why>) {
    let mut plain = Vec::new();
    let ended = packed.take(UNPACKED_MAX + 1).read_to_end(&mut plain);
    if plain.len() as u64 > UNPACKED_MAX {
        plain.truncate(UNPACKED_MAX as usize);
        return (plain, Some(Why::TooLarge));
    }
    let goes_on = ended.is_err_and(|e| e.kind() == ErrorKind::UnexpectedEof);
    (plain, goes_on.then_some(Why::GoesOn))
}

/// Decodes characters of either alphabet.
fn decode_line(text: &[u8], out: &mut [u8]) -> Option<usize> {
    debug_assert!(text.iter().all(|b| IS_BASE64[*b as usize]));
    if !text.iter().any(|b| matches!(b, b'-' | b'_')) {
        return ENGINE.decode_slice_unchecked(text, out).ok();
    }
    let usual = |b: &u8| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    ENGINE.decode_slice_unchecked(text.iter().map(usual).collect::<Vec<u8>>(), out).ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Gzip,
    Zlib,
    Utf16,
}

/// What content that begins like this is, if it can hold text.
fn kind(head: &[u8]) -> Option<Kind> {
    if head.starts_with(&[0x1f, 0x8b, 8]) {
        return Some(Kind::Gzip);
    }
    if is_zlib(head) {
        return Some(Kind::Zlib);
    }
    if head.chunks_exact(2).all(|pair| pair[1] == 0 && is_text(pair[0])) {
        return Some(Kind::Utf16);
    }
    // The probe may end inside a character.
    (head.iter().all(|b| is_text(*b)) && text_len(head) + 3 >= head.len()).then_some(Kind::Text)
}

/// Whether content begins as zlib does where git, PDF and Python write it: a window of 32 KiB, one of four levels.
fn is_zlib(head: &[u8]) -> bool {
    matches!(head, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..])
}

/// How far bytes are UTF-8 text without control characters.
fn text_len(bytes: &[u8]) -> usize {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(e) => e.valid_up_to(),
    };
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\n' | b'\r' | b'\t');
    bytes[..valid].iter().position(control).unwrap_or(valid)
}
