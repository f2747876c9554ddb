//! Mexican personal identity number (CURP).
//!
//! Letters of the names, date of birth, sex, state, inner consonants, a character for the century and a check digit.

use crate::validators::digits::{base36, compact, fixed, is_date, shape, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        if !shape(&n, "AAAA999999AAAAAAX9") || !matches!(n[10], b'H' | b'M' | b'X') || !is_state(&n[11..13]) {
            return false;
        }
        let Some(d) = fixed::<6>(&n[4..10]) else { return false };
        // A digit in the place for the century means born before 2000, a letter after.
        let century = if n[16].is_ascii_digit() { 1900 } else { 2000 };
        // The alphabet has Ñ after N, so letters from O on count one more.
        let values = n[..17].iter().map(|b| base36(*b).unwrap_or(0) + u64::from(*b > b'N'));
        let sum: u64 = values.zip((2..=18).rev()).map(|(v, w)| v * w).sum();
        is_date(century + value(&d[..2]), value(&d[2..4]), value(&d[4..]))
            && !is_inconvenient(&n[..4])
            && (sum + u64::from(n[17] - b'0')).is_multiple_of(10)
    })
}

/// Words the register office changes by an `X` in second place, so no number begins with them.
fn is_inconvenient(names: &[u8]) -> bool {
    const WORDS: &str = "BACA BAKA BUEI BUEY CACA CACO CAGA CAGO CAKA CAKO COGE COGI COJA COJE COJI COJO COLA CULO FALO \
                         FETO GETA GUEI GUEY JETA JOTO KACA KACO KAGA KAGO KAKA KAKO KOGE KOGI KOJA KOJE KOJI KOJO KOLA \
                         KULO LILO LOCA LOCO LOKA LOKO MAME MAMO MEAR MEAS MEON MIAR MION MOCO MOKO MULA MULO NACA NACO \
                         PEDA PEDO PENE PIPI PITO POPO PUTA PUTO QULO RATA ROBA ROBE ROBO RUIN SENO TETA VACA VAGA VAGO \
                         VAKA VUEI VUEY WUEI WUEY";
    WORDS.as_bytes().chunks(5).any(|w| w.starts_with(names))
}

/// The codes of the states, and `NE` for people born abroad.
fn is_state(code: &[u8]) -> bool {
    const STATES: &str = "AS BC BS CC CH CL CM CS DF DG GR GT HG JC MC MN MS NE NL NT OC PL QR QT SL SP SR TC TL TS VZ \
                          YN ZS";
    STATES.as_bytes().chunks(3).any(|s| s.starts_with(code))
}
