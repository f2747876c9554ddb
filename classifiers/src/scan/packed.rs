//! Findings in few bytes, for the disk: written and read by one process, in their order.
//!
//! A finding takes little more room than its strings. What it shares with the one before it is not written again, nor is
//! what a detector always says. No other program and no later version reads it.

use crate::finding::{Category, Confidence, Finding};
use crate::spool::Spooled;
use std::collections::HashMap;
use std::io;

/// What is in a finding and not the same as in the one before.
mod bit {
    pub(super) const PATH: u8 = 1;
    pub(super) const FIELD: u8 = 1 << 1;
    pub(super) const HAS_FIELD: u8 = 1 << 2;
    pub(super) const ROW: u8 = 1 << 3;
    pub(super) const LINE: u8 = 1 << 4;
}

/// The value itself is never written.
impl Spooled for Finding {
    fn pack(findings: &[Self], out: &mut Vec<u8>) -> io::Result<()> {
        let mut kinds: HashMap<&str, u64> = HashMap::new();
        let mut before = None;
        for finding in findings {
            let new = kinds.len() as u64;
            let kind = *kinds.entry(&finding.detector).or_insert(new);
            put(out, finding, kind, kind == new, before);
            before = Some(finding);
        }
        Ok(())
    }

    fn unpack(bytes: &[u8]) -> io::Result<Vec<Self>> {
        let mut rest = Rest(bytes);
        let (mut kinds, mut findings) = (Vec::new(), Vec::new());
        while !rest.0.is_empty() {
            let finding = rest.finding(&mut kinds, findings.last());
            findings.push(finding.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "they are damaged"))?);
        }
        Ok(findings)
    }
}

/// What all findings of a detector say.
#[derive(Debug)]
struct Kind {
    detector: String,
    entity: String,
    categories: Vec<Category>,
}

fn put(out: &mut Vec<u8>, finding: &Finding, kind: u64, is_new: bool, before: Option<&Finding>) {
    let new_path = before.is_none_or(|b| b.path != finding.path);
    let new_field = before.is_none_or(|b| b.field != finding.field);
    let flag = |bit: u8, set: bool| if set { bit } else { 0 };
    out.push(
        flag(bit::PATH, new_path)
            | flag(bit::FIELD, new_field)
            | flag(bit::HAS_FIELD, finding.field.is_some())
            | flag(bit::ROW, finding.row.is_some())
            | flag(bit::LINE, finding.line.is_some()),
    );
    number(out, kind);
    if is_new {
        text(out, &finding.detector);
        text(out, &finding.entity);
        let position = |category: &Category| Category::ALL.iter().position(|known| known == category);
        number(out, finding.categories.len() as u64);
        out.extend(finding.categories.iter().filter_map(position).map(|position| position as u8));
    }
    if new_path {
        text(out, &finding.path);
    }
    if let Some(field) = finding.field.as_ref().filter(|_| new_field) {
        text(out, field);
    }
    finding.row.into_iter().chain(finding.line).for_each(|n| number(out, n));
    number(out, finding.start);
    number(out, finding.end);
    out.push(finding.confidence as u8);
    out.extend(finding.score.to_le_bytes());
    text(out, &finding.fingerprint);
    text(out, &finding.preview);
}

/// Seven bits a byte, the lowest first; the highest bit says that there is more.
fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// What is not read yet. Everything gives `None` where the bytes end too soon or are none that were written.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn finding(&mut self, kinds: &mut Vec<Kind>, before: Option<&Finding>) -> Option<Finding> {
        let has = self.byte()?;
        let kind = usize::try_from(self.number()?).ok()?;
        if kind == kinds.len() {
            kinds.push(self.kind()?);
        }
        let kind = kinds.get(kind)?;
        let path = if has & bit::PATH != 0 { self.text()? } else { before?.path.clone() };
        let field = match (has & bit::HAS_FIELD != 0, has & bit::FIELD != 0) {
            (false, _) => None,
            (true, true) => Some(self.text()?),
            (true, false) => before?.field.clone(),
        };
        let row = if has & bit::ROW != 0 { Some(self.number()?) } else { None };
        let line = if has & bit::LINE != 0 { Some(self.number()?) } else { None };
        let (start, end) = (self.number()?, self.number()?);
        let level = self.byte()?;
        Some(Finding {
            path,
            row,
            field,
            start,
            end,
            line,
            detector: kind.detector.clone(),
            entity: kind.entity.clone(),
            categories: kind.categories.clone(),
            confidence: Confidence::ALL.into_iter().find(|known| *known as u8 == level)?,
            score: f32::from_le_bytes(self.bytes(4)?.try_into().ok()?),
            fingerprint: self.text()?,
            preview: self.text()?,
            value: None,
        })
    }

    fn kind(&mut self) -> Option<Kind> {
        let (detector, entity, count) = (self.text()?, self.text()?, self.number()?);
        let categories = (0..count).map(|_| Category::ALL.get(usize::from(self.byte()?)).copied());
        Some(Kind { detector, entity, categories: categories.collect::<Option<_>>()? })
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.bytes(1)?[0])
    }

    fn number(&mut self) -> Option<u64> {
        let mut n = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.bytes(len)?.to_vec()).ok()
    }

    fn bytes(&mut self, count: usize) -> Option<&[u8]> {
        let (here, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        let base = Finding {
            path: "a.jsonl".into(),
            row: Some(0),
            field: Some("text".into()),
            start: 0,
            end: u64::MAX,
            line: Some(1),
            detector: "us-ssn".into(),
            entity: "US_SSN".into(),
            categories: vec![Category::Phi, Category::Pii],
            confidence: Confidence::High,
            score: 0.95,
            fingerprint: "3892dc36:452612d1ae81495b6945cbe517b7ded4".into(),
            preview: "5*********6".into(),
            value: None,
        };
        let other = Finding {
            detector: "iban".into(),
            entity: "IBAN_CODE".into(),
            categories: vec![Category::Financial],
            confidence: Confidence::Low,
            score: f32::MIN_POSITIVE,
            ..base.clone()
        };
        vec![
            base.clone(),
            Finding { row: Some(1 << 40), line: None, ..base.clone() },
            Finding { field: None, row: None, start: 127, end: 128, ..other.clone() },
            Finding { path: "zürich/b!c.txt".into(), preview: String::new(), ..other.clone() },
            Finding { field: Some(String::new()), confidence: Confidence::Medium, ..other },
            base,
        ]
    }

    fn packed(findings: &[Finding]) -> Vec<u8> {
        let mut out = Vec::new();
        Finding::pack(findings, &mut out).expect("packed");
        out
    }

    #[test]
    fn what_is_packed_comes_back() {
        let all = findings();
        for part in [&all[..], &[], &all[2..3], &all[1..]] {
            assert_eq!(Finding::unpack(&packed(part)).expect("readable"), part);
        }
    }

    #[test]
    fn what_ends_too_soon_is_an_error() {
        let (all, bytes) = (findings(), packed(&findings()));
        let mut ends = Vec::new();
        for cut in 1..bytes.len() {
            match Finding::unpack(&bytes[..cut]) {
                Ok(read) => {
                    assert_eq!(read[..], all[..read.len()]);
                    ends.push(read.len());
                }
                Err(e) => assert_eq!(e.kind(), io::ErrorKind::InvalidData),
            }
        }
        // No cut is without an error but those behind a whole finding.
        assert_eq!(ends, (1..all.len()).collect::<Vec<_>>());
    }
}
