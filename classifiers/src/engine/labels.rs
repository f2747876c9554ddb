//! Where a name ends and the label of the next value begins: `Patient: Ulrika Osgood MRN: 4471`.
//!
//! Words of a name are told by their capitals, and so are labels. Some labels are no part of any name (`MRN`); others are
//! surnames too (Ward, Page, Room), and only what follows them says which they are. Rules ask for this with
//! `until: label`.

/// Labels that stand in capitals and are no names.
const INITIALS: [&str; 22] = [
    "ATTN", "CC", "DNI", "DOA", "DOB", "DOD", "DOS", "HICN", "HPI", "ICD", "MBI", "MRN", "NHS", "NIE", "NPI", "PCP",
    "PID", "PHN", "RRN", "RX", "SSN", "VIN",
];

/// Labels with which a name could end: they are labels where a colon, a sign or a number follows, or a word or two before
/// one.
const WORDS: [&str; 103] = [
    "account",
    "acct",
    "address",
    "adm",
    "admission",
    "admit",
    "admitted",
    "age",
    "allergies",
    "alter",
    "appointment",
    "attending",
    "bed",
    "birth",
    "birthdate",
    "card",
    "case",
    "cc",
    "cell",
    "chart",
    "chief",
    "citizenship",
    "city",
    "claim",
    "clinic",
    "code",
    "complaint",
    "contact",
    "cpf",
    "country",
    "date",
    "department",
    "dept",
    "diagnosis",
    "discharge",
    "dob",
    "doctor",
    "dos",
    "dx",
    "edad",
    "email",
    "employer",
    "encounter",
    "ethnicity",
    "fax",
    "fecha",
    "file",
    "geb",
    "geboren",
    "geburtsdatum",
    "gender",
    "geschlecht",
    "group",
    "height",
    "hospital",
    "hosp",
    "iban",
    "id",
    "insurance",
    "language",
    "license",
    "marital",
    "medical",
    "member",
    "mobile",
    "mrn",
    "nationality",
    "no",
    "nr",
    "number",
    "nurse",
    "occupation",
    "passport",
    "patient",
    "payer",
    "phone",
    "physician",
    "plan",
    "policy",
    "primary",
    "procedure",
    "provider",
    "pt",
    "race",
    "record",
    "referring",
    "religion",
    "room",
    "rm",
    "sex",
    "sexe",
    "sexo",
    "sesso",
    "ssn",
    "state",
    "status",
    "telefon",
    "tel",
    "telephone",
    "unit",
    "visit",
    "ward",
    "weight",
];
/// Bytes behind a word in which what makes it a label must begin.
const BEHIND_BYTES: usize = 24;
/// Words between a label's first and its end, at most: `Date of Birth`.
const MORE_WORDS: usize = 2;

/// The end of the value `start..end`, before the first label in it. A value that begins with one has none left.
pub(super) fn before_label(text: &[u8], start: usize, end: usize) -> usize {
    let mut at = start;
    while at < end {
        let len = text[at..end].iter().take_while(|b| !parts(**b)).count();
        if is_label(text, at, at + len) {
            let kept = text[start..at].trim_ascii_end();
            return start + kept.len();
        }
        at += len;
        at += text[at..end].iter().take_while(|b| parts(**b)).count();
    }
    end
}

/// Whether a byte stands between words, or between a label and its value.
fn parts(b: u8) -> bool {
    b.is_ascii_whitespace() || matches!(b, b':' | b'=' | b'#')
}

/// Whether a word of a text is a label there.
fn is_label(text: &[u8], start: usize, end: usize) -> bool {
    let Ok(word) = std::str::from_utf8(&text[start..end]) else { return false };
    if INITIALS.contains(&word) {
        return true;
    }
    WORDS.iter().any(|label| word.trim_end_matches('.').eq_ignore_ascii_case(label)) && opens_value(&text[end..])
}

/// Whether what stands behind a label's first word is the rest of a label and a value: ` of Birth: `, ` 12`, ` No. 7`.
fn opens_value(behind: &[u8]) -> bool {
    let mut behind = &behind[..behind.len().min(BEHIND_BYTES)];
    for _ in 0..=MORE_WORDS {
        let rest = behind.trim_ascii_start();
        match rest.first() {
            Some(b':' | b'=' | b'#') => return true,
            Some(b) if b.is_ascii_digit() => return rest.len() < behind.len(),
            Some(b) if b.is_ascii_alphabetic() && rest.len() < behind.len() => {
                let word = rest.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'.').count();
                behind = &rest[word..];
            }
            _ => return false,
        }
    }
    matches!(behind.trim_ascii_start().first(), Some(b':' | b'=' | b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_ends_a_name() {
        for (text, name) in [
            ("Ulrika Osgood MRN: 4471", "Ulrika Osgood"),
            ("Ulrika Osgood DOB 1/2/1961", "Ulrika Osgood"),
            ("Ulrika Osgood Date of Birth: 1/2/1961", "Ulrika Osgood"),
            ("Ulrika Osgood Age 61", "Ulrika Osgood"),
            ("Ulrika Osgood Room 4", "Ulrika Osgood"),
            ("Ulrika Osgood Sex: F", "Ulrika Osgood"),
            // Names that are words of labels.
            ("Ulrika Ward was seen", "Ulrika Ward was seen"),
            ("Ulrika Room, seen", "Ulrika Room, seen"),
            ("MRN Osgood", ""),
            ("Age: Osgood", ""),
            ("", ""),
        ] {
            let end = before_label(text.as_bytes(), 0, text.len());
            assert_eq!(&text[..end], name, "{text}");
        }
    }
}
