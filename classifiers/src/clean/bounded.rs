//! Records of CSV of which none is longer than a limit: what an open quote makes of the rest of a file is left out, and no
//! more of it than the limit is ever held.

use csv::{ByteRecord, ReaderBuilder};
use std::io::{self, BufRead, Read};

/// Bytes that the reader of records takes at once.
const BUFFER_BYTES: usize = 1 << 16;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Record,
    /// One longer than the limit, which is passed over.
    TooLong,
    End,
}

/// Reads records.
pub(super) struct Records {
    reader: csv::Reader<Limited>,
}

impl Records {
    pub(super) fn new(input: Box<dyn BufRead>, delimiter: u8, bytes_max: usize) -> Self {
        let place = Place { delimiter, state: State::CellStart, bytes: 0 };
        Self { reader: reader_of(Limited { input, place, bytes_max, met: false }) }
    }

    /// Reads the next record.
    pub(super) fn read(&mut self, record: &mut ByteRecord) -> Result<Next, csv::Error> {
        let more = self.reader.read_byte_record(record)?;
        let input = self.reader.get_mut();
        if !input.met {
            return Ok(if more { Next::Record } else { Next::End });
        }
        // The reader took the limit for the end of the file, so nothing of the file waits in it any more.
        input.skip_record()?;
        let input = Limited { input: std::mem::replace(&mut input.input, Box::new(io::empty())), ..*input };
        self.reader = reader_of(Limited { met: false, ..input });
        Ok(Next::TooLong)
    }
}

fn reader_of(input: Limited) -> csv::Reader<Limited> {
    ReaderBuilder::new()
        .delimiter(input.place.delimiter)
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(input)
}

/// Ends where a record has taken too much.
struct Limited {
    input: Box<dyn BufRead>,
    place: Place,
    bytes_max: usize,
    met: bool,
}

impl Limited {
    /// Passes over the rest of a record.
    fn skip_record(&mut self) -> io::Result<()> {
        loop {
            let have = self.input.fill_buf()?;
            let end = have.iter().position(|byte| self.place.ends_record(*byte));
            let count = end.map_or(have.len(), |at| at + 1);
            let is_over = end.is_some() || count == 0;
            self.input.consume(count);
            if is_over {
                self.place.bytes = 0;
                return Ok(());
            }
        }
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.met {
            return Ok(0);
        }
        let have = self.input.fill_buf()?;
        let have = &have[..have.len().min(buffer.len())];
        let mut count = 0;
        for byte in have {
            if self.place.bytes >= self.bytes_max {
                // What came before is read first.
                self.met = count == 0;
                break;
            }
            self.place.bytes += 1;
            if self.place.ends_record(*byte) {
                self.place.bytes = 0;
            }
            count += 1;
        }
        buffer[..count].copy_from_slice(&have[..count]);
        self.input.consume(count);
        Ok(count)
    }
}

/// Where in a record a byte is, as the CSV library sees it.
#[derive(Debug, Clone, Copy)]
struct Place {
    delimiter: u8,
    state: State,
    /// Bytes of the record so far.
    bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    CellStart,
    Plain,
    Quoted,
    /// Behind a quote inside quotes: their end, or one of two that stand for one.
    Quote,
}

impl Place {
    /// Takes the next byte, and says whether the record ends with it.
    fn ends_record(&mut self, byte: u8) -> bool {
        let is_end = matches!(byte, b'\n' | b'\r');
        self.state = match (self.state, byte) {
            (State::CellStart, b'"') | (State::Quote, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, _) => State::Quoted,
            _ if is_end || byte == self.delimiter => State::CellStart,
            _ => State::Plain,
        };
        is_end && !matches!(self.state, State::Quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a text, joined by `|`, and `-` for those that are too long.
    fn records(text: &str, bytes_max: usize) -> Vec<String> {
        let whole = records_of(text, bytes_max, 1_000);
        // In small pieces, so that a record begins and ends anywhere in them.
        assert_eq!(records_of(text, bytes_max, 3), whole, "{text}");
        whole
    }

    fn records_of(text: &str, bytes_max: usize, piece_bytes: usize) -> Vec<String> {
        let input = io::BufReader::with_capacity(piece_bytes, io::Cursor::new(text.to_owned()));
        let mut records = Records::new(Box::new(input), b',', bytes_max);
        let (mut out, mut record) = (Vec::new(), ByteRecord::new());
        loop {
            match records.read(&mut record).expect("CSV") {
                Next::End => return out,
                Next::TooLong => out.push("-".to_owned()),
                Next::Record => {
                    out.push(record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join("|"));
                }
            }
        }
    }

    #[test]
    fn a_long_record_is_passed_over_to_its_end() {
        for (text, expected) in [
            ("a,b\nc,d\n", &["a|b", "c|d"][..]),
            ("a,b\r\nlong,long,long\r\nc,d", &["a|b", "-", "c|d"]),
            ("a\n\"x\n\"\"\n, long\"\nc\n", &["a", "-", "c"]),
            ("a\nlong \"quote in it\nc\n", &["a", "-", "c"]),
            ("a\n\"open quote,\nb\nc\n", &["a", "-"]),
            ("long long long\n", &["-"]),
            ("long long long\nb\nlong long long\nlong long long", &["-", "b", "-", "-"]),
            ("", &[]),
        ] {
            assert_eq!(records(text, 10), expected, "{text}");
            assert!(!records(text, 100).contains(&"-".to_owned()), "{text}");
        }
        assert_eq!(records("0123456789\nb\n", 11), ["0123456789", "b"], "its end counts as a part of it");
    }
}
