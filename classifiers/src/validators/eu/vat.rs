//! European Union VAT number.
//!
//! A member state (or `XI` for Northern Ireland, `EU` for the one-stop shop) and its VAT number.

use crate::validators::digits::compact;

use crate::validators;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let Some((state, rest)) = n.split_at_checked(2) else { return false };
        let Some((_, name)) = NUMBERS.iter().find(|(code, _)| code.as_bytes() == state) else { return false };
        let doubled = rest.starts_with(state);
        // The state may be part of the national form, so both ways of writing are tried.
        !doubled && validators::by_name(name).is_some_and(|v| (v.check)(number) || ascii(rest).is_some_and(v.check))
    })
}

fn ascii(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

#[rustfmt::skip]
const NUMBERS: &[(&str, &str)] = &[
    ("AT", "at.uid"), ("BE", "be.vat"), ("BG", "bg.vat"), ("CY", "cy.vat"), ("CZ", "cz.dic"), ("DE", "de.vat"),
    ("DK", "dk.cvr"), ("EE", "ee.kmkr"), ("EL", "gr.vat"), ("ES", "es.nif"), ("EU", "eu.oss"), ("FI", "fi.alv"),
    ("FR", "fr.tva"), ("GR", "gr.vat"), ("HR", "hr.oib"), ("HU", "hu.anum"), ("IE", "ie.vat"), ("IT", "it.iva"),
    ("LT", "lt.pvm"), ("LU", "lu.tva"), ("LV", "lv.pvn"), ("MT", "mt.vat"), ("NL", "nl.btw"), ("PL", "pl.nip"),
    ("PT", "pt.nif"), ("RO", "ro.cf"), ("SE", "se.vat"), ("SI", "si.ddv"), ("SK", "sk.dph"), ("XI", "gb.vat"),
];
