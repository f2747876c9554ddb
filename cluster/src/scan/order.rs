//! What an executor is told of the inputs that it scans: where they are, what of them is its share, and by what it knows
//! that they are those that were meant.

use lineward_classifiers::scan::share::Share;
use lineward_classifiers::scan::{LinksLeftOut, ScanInput};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A share with its input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) share: Share,
    /// Where the input is, for every process.
    #[serde(with = "path_digits")]
    place: PathBuf,
    in_bucket: bool,
    size_bytes: u64,
    /// What changes when an object's content does, as it was where the scan was asked for.
    version: Option<String>,
    /// What its columns are called: which of the maps of its group.
    called: Option<usize>,
}

/// Shares that are scanned together.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) orders: Vec<Order>,
    /// What columns are called, by their names in files: once for all files of a table.
    called: Vec<HashMap<String, String>>,
}

impl Group {
    /// The shares of some inputs.
    pub(super) fn of<'a>(shares: impl Iterator<Item = (&'a Share, &'a ScanInput)>) -> Self {
        let mut group = Self::default();
        let mut known: Vec<&Arc<HashMap<String, String>>> = Vec::new();
        for (share, input) in shares {
            let called = input.called.as_ref().map(|called| {
                let place = known.iter().position(|known| Arc::ptr_eq(known, called));
                place.unwrap_or_else(|| {
                    known.push(called);
                    group.called.push((**called).clone());
                    known.len() - 1
                })
            });
            group.orders.push(Order::of(share, input, called));
        }
        group
    }

    /// What the columns of each of the inputs are called.
    pub(super) fn called(&self) -> Vec<Option<Arc<HashMap<String, String>>>> {
        let maps: Vec<_> = self.called.iter().cloned().map(Arc::new).collect();
        self.orders.iter().map(|order| order.called.and_then(|at| maps.get(at)).cloned()).collect()
    }
}

/// Where an input is: an absolute path, or its URL.
pub(super) fn place(input: &ScanInput) -> PathBuf {
    match input.source {
        Some(_) => input.path.clone(),
        None => std::path::absolute(&input.path).unwrap_or_else(|_| input.path.clone()),
    }
}

impl Order {
    fn of(share: &Share, input: &ScanInput, called: Option<usize>) -> Self {
        Self {
            share: share.clone(),
            place: place(input),
            in_bucket: input.source.is_some(),
            size_bytes: input.size_bytes,
            version: input.source.as_ref().and_then(|source| source.version()),
            called,
        }
    }

    /// The input; where it is not what it was where the scan was asked for, with that as its problem.
    pub(super) fn input(&self) -> ScanInput {
        self.found().unwrap_or_else(|problem| ScanInput {
            problem: Some(problem),
            ..ScanInput::file(self.place.clone(), self.size_bytes)
        })
    }

    fn found(&self) -> Result<ScanInput, String> {
        const DO: &str = "every executor has to read the inputs under the same path: put them on a file system that all \
                          share, or in a bucket";
        if self.in_bucket {
            let listed =
                lineward_pipelines::scan_inputs(std::slice::from_ref(&self.place), &mut LinksLeftOut::default());
            let found = listed.into_iter().find(|input| input.path == self.place);
            return self.as_it_was(found.ok_or_else(|| format!("it is not there for an executor; {DO}"))?);
        }
        match std::fs::metadata(&self.place) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(format!("it is not there for an executor; {DO}")),
            Ok(found) if found.is_file() && found.len() != self.size_bytes => Err(format!(
                "it has another size for an executor than where the scan was asked for: it was changed meanwhile, or it \
                 is another file; {DO}"
            )),
            // What else keeps it from being read is told of the input, as everywhere.
            _ => Ok(ScanInput::file(self.place.clone(), self.size_bytes)),
        }
    }

    /// An object, if it is the one that was listed where the scan was asked for.
    fn as_it_was(&self, found: ScanInput) -> Result<ScanInput, String> {
        if let Some(problem) = found.problem {
            return Err(format!("an executor cannot reach it: {problem}"));
        }
        let version = found.source.as_ref().and_then(|source| source.version());
        match (found.size_bytes, &version) == (self.size_bytes, &self.version) {
            true => Ok(found),
            false => Err("it was changed after the scan was asked for; scan it again".to_owned()),
        }
    }
}

/// Paths as they travel: digits of their bytes, since the name of a file need not be text.
mod path_digits {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes(path)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let digits = String::deserialize(deserializer)?;
        hex::decode(digits).map(|bytes| name(bytes).into()).map_err(D::Error::custom)
    }

    #[cfg(unix)]
    fn bytes(path: &Path) -> Vec<u8> {
        std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec()
    }

    #[cfg(unix)]
    fn name(bytes: Vec<u8>) -> OsString {
        std::os::unix::ffi::OsStringExt::from_vec(bytes)
    }

    #[cfg(windows)]
    fn bytes(path: &Path) -> Vec<u8> {
        std::os::windows::ffi::OsStrExt::encode_wide(path.as_os_str()).flat_map(u16::to_le_bytes).collect()
    }

    #[cfg(windows)]
    fn name(bytes: Vec<u8>) -> OsString {
        let wide: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        std::os::windows::ffi::OsStringExt::from_wide(&wide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(place: PathBuf, size_bytes: u64) -> Order {
        let share = Share { input: 0, parts: 0..u64::MAX };
        Order { share, place, in_bucket: false, size_bytes, version: None, called: None }
    }

    #[test]
    fn an_input_that_is_not_there_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let problem = |name: &str, size_bytes| order(folder.path().join(name), size_bytes).input().problem;
        std::fs::write(folder.path().join("a.txt"), "four").expect("written");
        assert_eq!(problem("a.txt", 4), None);
        for (name, size_bytes, told) in [("b.txt", 4, "is not there for an executor"), ("a.txt", 5, "another size")] {
            let problem = problem(name, size_bytes).expect(name);
            assert!(problem.contains(told) && problem.contains("in a bucket"), "{problem}");
        }
    }

    #[derive(Debug)]
    struct Versioned(&'static str);

    impl lineward_classifiers::readers::Source for Versioned {
        fn size_bytes(&self) -> u64 {
            4
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<usize> {
            Ok(0)
        }

        fn version(&self) -> Option<String> {
            Some(self.0.to_owned())
        }
    }

    #[test]
    fn an_object_is_the_one_that_was_listed() {
        let found = |size_bytes, version, problem: Option<&str>| ScanInput {
            source: Some(Arc::new(Versioned(version))),
            problem: problem.map(str::to_owned),
            ..ScanInput::file("s3://bucket/a.txt".into(), size_bytes)
        };
        let order = Order { in_bucket: true, version: Some("one".to_owned()), ..order("s3://bucket/a.txt".into(), 4) };
        assert!(order.as_it_was(found(4, "one", None)).is_ok());
        for (other, told) in [
            (found(5, "one", None), "it was changed"),
            (found(4, "two", None), "it was changed"),
            (found(4, "one", Some("access denied")), "cannot reach it: access denied"),
        ] {
            let problem = order.as_it_was(other).expect_err(told);
            assert!(problem.contains(told), "{problem}");
        }
    }

    #[test]
    fn a_name_that_is_no_text_travels() {
        #[cfg(unix)]
        let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"/a/caf\xe9.txt".to_vec());
        #[cfg(windows)]
        let name: std::ffi::OsString = std::os::windows::ffi::OsStringExt::from_wide(&[0x61, 0xd800, 0x62]);
        let text = crate::tables::written(&order(name.clone().into(), 1)).expect("it is written");
        let read: Order = serde_json::from_str(&text).expect("it is read");
        assert_eq!(read.place.as_os_str(), name);
    }

    #[test]
    fn a_place_is_absolute() {
        assert!(place(&ScanInput::file("a/b.txt".into(), 1)).is_absolute());
    }

    #[test]
    fn what_columns_are_called_travels_once_for_all_files_of_a_table() {
        let table = Arc::new(HashMap::from([("col-1".to_owned(), "ssn".to_owned())]));
        let file = |name: &str, called: Option<&Arc<HashMap<String, String>>>| ScanInput {
            called: called.cloned(),
            ..ScanInput::file(name.into(), 1)
        };
        let other = Arc::new((*table).clone());
        let inputs = [file("a", Some(&table)), file("b", None), file("c", Some(&table)), file("d", Some(&other))];
        let shares = inputs.each_ref().map(|_| Share { input: 0, parts: 0..1 });
        let text = crate::tables::written(&Group::of(shares.iter().zip(&inputs))).expect("it is written");
        let group: Group = serde_json::from_str(&text).expect("it is read");
        assert_eq!((group.orders.len(), group.called.len()), (4, 2));
        let called = group.called();
        assert_eq!(called.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(called[2].as_ref(), Some(&table));
    }
}
