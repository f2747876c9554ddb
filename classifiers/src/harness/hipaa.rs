//! The 18 identifiers of HIPAA's safe harbor, which rules name with `hipaa`, and what a scanner of text cannot see of them.

use crate::rule_set::RuleSet;
use std::fmt::Write as _;

/// An identifier of 45 CFR 164.514(b)(2)(i).
struct Identifier {
    letter: &'static str,
    title: &'static str,
    /// What is not found, or is no identifier.
    note: &'static str,
}

const fn identifier(letter: &'static str, title: &'static str, note: &'static str) -> Identifier {
    Identifier { letter, title, note }
}

/// All of them, in the order of the regulation.
const ALL: [Identifier; 18] = [
    identifier("A", "Names", "also of relatives and employers"),
    identifier(
        "B",
        "Geographic subdivisions smaller than a state",
        "the first three digits of a ZIP code may stay where more than 20,000 people live; a finding is of the whole code",
    ),
    identifier(
        "C",
        "Elements of dates but the year, and ages over 89",
        "a year alone is none; an age up to 89 is found as `AGE` and is none",
    ),
    identifier("D", "Telephone numbers", ""),
    identifier("E", "Fax numbers", "without its label it is found as a telephone number"),
    identifier("F", "Electronic mail addresses", ""),
    identifier("G", "Social security numbers", ""),
    identifier(
        "H",
        "Medical record numbers",
        "their form is each hospital's own, so a label or a field's name is needed",
    ),
    identifier("I", "Health plan beneficiary numbers", "numbers of private plans need a label"),
    identifier("J", "Account numbers", "of cards, banks, loans and claims; others need a label"),
    identifier("K", "Certificate and license numbers", "driving licences of most states need a label"),
    identifier("L", "Vehicle identifiers and serial numbers, with license plates", "plates need a label"),
    identifier("M", "Device identifiers and serial numbers", "serial numbers need a label"),
    identifier("N", "Web universal resource locators (URLs)", ""),
    identifier("O", "Internet protocol (IP) addresses", ""),
    identifier(
        "P",
        "Biometric identifiers, with finger and voice prints",
        "what text says of them; prints and recordings themselves are no text and are not looked into",
    ),
    identifier(
        "Q",
        "Full-face photographs and comparable images",
        "what text says of them; pictures are counted as left out and not looked into",
    ),
    identifier(
        "R",
        "Any other unique identifying number, characteristic or code",
        "codes of one's own need rules of one's own",
    ),
];

/// Rules of this file that name no other identifier find one of the last kind: numbers of persons and firms.
const OTHER_NUMBERS: &str = "national.yaml";

/// The table of the page: identifier, what finds it, and what it leaves.
pub(super) fn table(rules: &RuleSet) -> String {
    let mut out = String::from(
        "\n## The 18 identifiers of HIPAA\n\nWhat has to be gone from health data under the safe harbor of 45 CFR 164.514(b)(2)(i), and the \
         detectors that find it.\n\n| | identifier | detectors | note |\n|---|---|---|---|\n",
    );
    for identifier in &ALL {
        let mut found = found_by(rules, identifier.letter);
        if identifier.letter == "R" {
            let others = rules.iter().filter(|(_, r)| r.file == OTHER_NUMBERS && r.hipaa.is_empty()).count();
            found.push(format!("{others} others of `{OTHER_NUMBERS}`"));
        }
        let Identifier { letter, title, note } = identifier;
        let _ = writeln!(out, "| {letter} | {title} | {} | {note} |", found.join(", "));
    }
    out
}

fn found_by(rules: &RuleSet, letter: &str) -> Vec<String> {
    let named = rules.iter().filter(|(_, rule)| rule.hipaa.iter().any(|l| l == letter));
    named.map(|(_, rule)| format!("`{}`", rule.id)).collect()
}

#[test]
fn each_identifier_has_a_detector_or_says_what_is_not_seen() {
    let rules = super::with_examples();
    let letters: String = ALL.iter().map(|i| i.letter).collect();
    assert_eq!(letters, "ABCDEFGHIJKLMNOPQR");
    for identifier in &ALL {
        let found = found_by(&rules, identifier.letter);
        // Of these two only words are found.
        let is_picture = matches!(identifier.letter, "P" | "Q");
        assert!(!found.is_empty() || is_picture && identifier.note.contains("not looked into"), "{}", identifier.title);
        assert_eq!(is_picture, identifier.note.contains("not looked into"), "{}", identifier.title);
    }
}

#[test]
fn what_identifies_a_patient_is_on_the_list() {
    // What is personal or of health, and names nobody by itself: it is no identifier of the list.
    const NONE: [&str; 33] = [
        "AGE",
        "GENDER",
        "NRP",
        "MEDICAL_CONDITION",
        "ICD10_CODE",
        "ICD9_CODE",
        "PROCEDURE_CODE",
        "LOINC_CODE",
        "SNOMED_CODE",
        "NDC_CODE",
        "IT_AIC",
        "MEDICATION",
        "LAB_RESULT",
        "BLOOD_TYPE",
        "DE_BSNR",
        "HOSTNAME",
        "DATE_OF_BIRTH",
        "VERIFICATION_CODE",
        "PIN",
        "WIFI_SSID",
        "FLIGHT_NUMBER",
        "CREDIT_CARD",
        "CARD_CVV",
        "CARD_EXPIRY",
        "CRYPTO",
        "SALARY",
        "CREDIT_SCORE",
        "US_BANK_NUMBER",
        "ISIN",
        "LEI",
        "CUSIP",
        "SEDOL",
        "WKN",
    ];
    let rules = super::with_examples();
    let personal =
        |rule: &crate::Rule| rule.categories.iter().any(|c| matches!(c, crate::Category::Pii | crate::Category::Phi));
    let forgotten: Vec<&str> = rules
        .iter()
        .filter(|(_, r)| personal(r) && r.file != OTHER_NUMBERS && r.hipaa.is_empty() && !NONE.contains(&&*r.entity))
        .map(|(_, r)| &*r.id)
        .collect();
    assert!(forgotten.is_empty(), "`hipaa` is missing: {forgotten:?}");
}

#[test]
fn a_letter_that_is_none_is_refused() {
    let rule = |letter: &str| {
        format!(
            "- {{ id: x, title: t, entity: X, categories: [pii], hipaa: [{letter}], anchors: [badge], find: 'badge', score: 0.7 }}"
        )
    };
    let read = |letter: &str| RuleSet::from_files([("own.yaml", rule(letter).as_str())]).map(|set| set.len());
    assert_eq!(read("H").ok(), Some(1));
    for letter in ["S", "a", "HR"] {
        let error = read(letter).expect_err(letter).to_string();
        assert!(error.contains(&format!("`{letter}` in `hipaa`")), "{error}");
    }
}
