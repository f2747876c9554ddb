//! Whether the first line of CSV and TSV names the columns.
//!
//! A value for a name would be told in reports and would not be scanned; a name for a value costs the name as a context. So a
//! line is a record unless something speaks for names: what stands below differs in kind, in length or in capitals, comes
//! again there and not here, or the cells are such as columns are called by.

use crate::values::is_value_like;
use csv::{ByteRecord, ReaderBuilder};
use std::collections::HashSet;
use std::net::IpAddr;

/// Longest name of a column, in bytes.
const HEADER_BYTES_MAX: usize = 128;

/// Whether the first line of CSV and TSV names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Header {
    /// Its shape tells.
    #[default]
    Auto,
    /// It does.
    Present,
    /// It is a record like all others.
    Absent,
}

/// What the first record of a file is.
pub(crate) enum Head {
    /// The names of the columns, trimmed; a number where a name is missing or is a value.
    Names(Vec<String>),
    /// Data: columns are numbered.
    Data,
}

/// Whether a first record names the columns, and how. `beginning` is that of the file, from its first byte.
pub(crate) fn head_of(record: &ByteRecord, header: Header, beginning: &[u8], delimiter: u8) -> Head {
    let names: Vec<String> = record.iter().map(name_in).collect();
    let is_head = match header {
        Header::Auto => is_head(&names, &records_below(beginning, delimiter)),
        Header::Present => true,
        Header::Absent => false,
    };
    if !is_head {
        return Head::Data;
    }
    // A name that is told although it is a value would be one in a report.
    let is_name = |name: &String| !name.is_empty() && !is_value_like(name) && name.len() <= HEADER_BYTES_MAX;
    let numbered = names.into_iter().enumerate();
    Head::Names(numbered.map(|(i, name)| if is_name(&name) { name } else { format!("column_{i}") }).collect())
}

/// Records behind the first that make a table of a text that nothing else tells of.
const RECORDS_OF_TABLE_MIN: usize = 2;

/// Whether a text of unknown kind is a table: each of its first records has as many cells as the first, which names them.
pub(super) fn is_table(beginning: &[u8]) -> bool {
    let delimiter = super::csv::sniff_delimiter(beginning);
    let below = records_below(beginning, delimiter);
    let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(beginning);
    let mut first = ByteRecord::new();
    if below.len() < RECORDS_OF_TABLE_MIN || !reader.read_byte_record(&mut first).unwrap_or(false) {
        return false;
    }
    let names: Vec<String> = first.iter().map(name_in).collect();
    let short = |name: &String| !name.is_empty() && name.len() <= HEADER_BYTES_MAX;
    names.len() > 1
        && below.iter().all(|record| record.len() == names.len())
        && names.iter().all(short)
        && is_head(&names, &below)
}

/// Records behind the first that are looked at.
const RECORDS_BELOW_MAX: usize = 20;

fn name_in(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell.strip_prefix(b"\xef\xbb\xbf").unwrap_or(cell)).trim().to_owned()
}

/// The first whole records behind the first of all.
fn records_below(beginning: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let whole = memchr::memrchr(b'\n', beginning).map_or(0, |last| last + 1);
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(&beginning[..whole]);
    let records = reader.byte_records().skip(1).take(RECORDS_BELOW_MAX).map_while(Result::ok);
    records.map(|record| record.iter().map(name_in).collect()).collect()
}

/// Whether cells are the names of the columns of what is below them.
fn is_head(cells: &[String], below: &[Vec<String>]) -> bool {
    if cells.iter().any(|cell| is_data(cell)) {
        return count_up(cells);
    }
    let columns: Vec<Column<'_>> = cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(index, name)| Column {
            name,
            index,
            values: below.iter().filter_map(|r| r.get(index)).map(String::as_str).filter(|v| !v.is_empty()).collect(),
        })
        .collect();
    // Over a column of nothing but numbers or dates a word is a name.
    if columns.iter().any(|column| !column.values.is_empty() && column.values.iter().all(|cell| is_data(cell))) {
        return true;
    }
    // The first cell is empty over an index, the last ones where lines end in a delimiter.
    let last = columns.last().map_or(0, |column| column.index);
    let has_gap = cells.iter().enumerate().any(|(index, cell)| cell.is_empty() && index > 0 && index < last);
    let mut known = HashSet::new();
    let has_double = columns.iter().any(|column| !known.insert(column.name));
    // A value comes again in its column. A whole line that does is the head of another file, put behind this one.
    let comes_again =
        |record: &Vec<String>| record != cells && columns.iter().any(|c| record.get(c.index) == Some(c.name));
    if has_gap || has_double || below.iter().any(comes_again) {
        return false;
    }
    let usual = columns.iter().filter(|column| is_usual_name(column.name)).count();
    usual * 2 >= columns.len().max(1) || columns.iter().any(Column::differs) || are_capitals_told_apart(&columns)
}

/// A column with a first cell that may be its name.
struct Column<'a> {
    name: &'a String,
    index: usize,
    /// What stands below.
    values: Vec<&'a str>,
}

/// Values of a column from which something can be told.
const VALUES_MIN: usize = 2;
/// Values of a column in which few different ones come again and again.
const VALUES_REPEATED_MIN: usize = 6;

impl Column<'_> {
    /// Whether what stands below is of another kind than the first cell: texts below a word, or few values that come again
    /// and again, of which the first cell is none.
    fn differs(&self) -> bool {
        let words = |text: &str| text.split_whitespace().count();
        let is_text = |value: &&str| words(value) >= 3 * words(self.name).max(2);
        let distinct: HashSet<&str> = self.values.iter().copied().collect();
        let repeats = self.values.len() >= VALUES_REPEATED_MIN && distinct.len() * 3 <= self.values.len();
        self.values.len() >= VALUES_MIN && (self.values.iter().all(is_text) || repeats)
    }
}

/// Whether all cells begin in lower case and what is below them in capitals, as names of people and places do.
fn are_capitals_told_apart(columns: &[Column<'_>]) -> bool {
    let is_lower = |text: &str| text.chars().next().is_some_and(char::is_lowercase);
    let is_upper = |text: &&str| text.chars().next().is_some_and(char::is_uppercase);
    let over_capitals = |column: &&Column<'_>| column.values.len() >= VALUES_MIN && column.values.iter().all(is_upper);
    columns.iter().all(|column| is_lower(column.name))
        && columns.iter().filter(over_capitals).count() * 2 >= columns.len().max(1)
}

/// Words of which names of columns are made, in the languages of many files. What is also a usual value, as a given name or
/// a colour, is not among them.
const NAME_WORDS: &str = "\
    account achternaam address adresse age alter amount anrede answer apellido apellidos artist attribute author \
    bemerkung beruf beschreibung betrag birth birthdate birthday body brand calle category choice cidade citta \
    city ciudad class code cognome column comment company completion content context correo cost country county \
    courriel currency customer data date datetime datum day department description diagnosis direccion dob \
    document edad email endereco entity error event feature fecha field file filename firma firstname \
    geburtsdatum gender genre geschlecht group hash header hypothesis id idade identifier index indirizzo input \
    instruction item job key keyword kind kunde label land lang language lastname latitude level line link list \
    location longitude mail member message metadata model month naam nachname name namespace nom nombre nome \
    note notes number nummer occupation order organisation organization ort output owner paese pais parent \
    passage patient pays phone plz position postcode preis premise prenom price product prompt province quantity \
    query question rating reason record reference region remark response result review role row rue salary score \
    sentence service sex sexe sexo sobrenome source speaker split ssn stad stadt state status straat strasse \
    street subject summary surname symbol tag target telefon telefono telephone text time timestamp title token \
    topic total type unit uri url user userid username utterance uuid value vendor version ville voornaam \
    vorname weight wert word year zip zipcode ";

/// Whether columns are often called so: of words of which names of columns are made, or in a form in which only names
/// are written.
fn is_usual_name(cell: &str) -> bool {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in cell.chars() {
        // `firstName` is two words; so is `first_name`.
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    let is_known = |word: &String| {
        NAME_WORDS.split_whitespace().any(|known| known == word || word.strip_suffix('s') == Some(known))
    };
    let is_identifier = cell.contains('_')
        && cell.chars().all(|c| c.is_lowercase() || c.is_ascii_digit() || c == '_')
        && words.len() > 1;
    is_identifier || (words.len() <= 4 && words.last().is_some_and(is_known))
}

/// Whether a cell is a value whatever stands below it.
fn is_data(cell: &str) -> bool {
    let is_number = cell.bytes().any(|b| b.is_ascii_digit())
        && cell.chars().all(|c| c.is_ascii_digit() || " .,:;/+-()%$\u{20ac}\u{a3}".contains(c));
    let is_word = |word: &&str| cell.eq_ignore_ascii_case(word);
    is_value_like(cell)
        || cell.len() > HEADER_BYTES_MAX
        || is_number
        || cell.contains("://")
        || cell.parse::<IpAddr>().is_ok()
        || ["true", "false", "null", "nan", "\\n"].iter().any(is_word)
}

/// Whether numbers among names count up by one, as years over the columns of a table do, and the numbers that tools give
/// to columns without names.
fn count_up(cells: &[String]) -> bool {
    let data: Vec<&String> = cells.iter().filter(|cell| is_data(cell)).collect();
    let numbers: Vec<u32> = data.iter().filter(|cell| cell.len() <= 4).filter_map(|cell| cell.parse().ok()).collect();
    let is_series = numbers.len() >= 2 && numbers.len() == data.len() && numbers.windows(2).all(|w| w[1] == w[0] + 1);
    let are_years = numbers.iter().all(|number| (1900..=2100).contains(number));
    let are_positions =
        numbers.first() == Some(&0) && cells.iter().filter(|cell| !cell.is_empty()).count() == data.len();
    is_series && (are_years || are_positions)
}
