//! Ids by name, without the names: they stand in the rows already.
//!
//! What is kept of a name is its hash, 16 bytes an entry. Two names of one hash are told apart by asking whoever holds the
//! rows; hashes are seeded, so nobody can choose names that meet.

use super::Map;
use std::hash::Hash;

#[derive(Debug, Default)]
pub(super) struct Ids {
    seed: ahash::RandomState,
    first: Map<u64, i64>,
    /// Ids whose names have the hash of another.
    others: Vec<(u64, i64)>,
}

impl Ids {
    /// The id of a name; `is` says whether an id is the one of this name.
    pub(super) fn get<N: Hash + ?Sized>(&self, name: &N, is: impl Fn(i64) -> bool) -> Option<i64> {
        self.of_hash(self.seed.hash_one(name), is)
    }

    /// Adds the id of a name that has none.
    pub(super) fn insert<N: Hash + ?Sized>(&mut self, name: &N, id: i64) {
        self.insert_hash(self.seed.hash_one(name), id);
    }

    fn of_hash(&self, hash: u64, is: impl Fn(i64) -> bool) -> Option<i64> {
        let first = *self.first.get(&hash)?;
        if is(first) {
            return Some(first);
        }
        self.others.iter().find(|(other, id)| *other == hash && is(*id)).map(|(_, id)| *id)
    }

    fn insert_hash(&mut self, hash: u64, id: i64) {
        match self.first.entry(hash) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(id);
            }
            std::collections::hash_map::Entry::Occupied(_) => self.others.push((hash, id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_hash_are_told_apart() {
        let names = ["a", "b", "c"];
        let mut ids = Ids::default();
        (0..3).for_each(|id| ids.insert_hash(7, id));
        for (id, name) in names.iter().enumerate() {
            assert_eq!(ids.of_hash(7, |n| names[n as usize] == *name), Some(id as i64));
        }
        assert_eq!(ids.of_hash(7, |_| false), None);
        assert_eq!(ids.of_hash(8, |_| true), None);
    }

    #[test]
    fn a_name_leads_to_its_id() {
        let mut ids = Ids::default();
        let name = |id: i64| format!("name {id}");
        (0..1_000).for_each(|id| ids.insert(&name(id), id));
        assert!((0..1_000).all(|id| ids.get(&name(id), |n| n == id) == Some(id)));
        assert_eq!(ids.get("another", |_| false), None);
    }
}
