//! What the limits of the decoders left encoded, in words: no problem, yet what is there was not looked at.

use super::count;
use lineward_classifiers::decoders::{DEPTH_MAX, Undecoded};

/// What was left encoded; `None` where nothing was.
pub(crate) fn undecoded(left: Undecoded) -> Option<String> {
    if left.count() == 0 {
        return None;
    }
    let deep =
        (left.too_deep > 0).then(|| format!("{} nested deeper than {DEPTH_MAX}", super::thousands(left.too_deep)));
    let large = (left.too_large > 0).then(|| format!("{} larger than is decoded", super::thousands(left.too_large)));
    let why = [deep, large].into_iter().flatten().collect::<Vec<_>>().join(", ");
    Some(format!("{} not looked into: {why}", count(left.count(), "encoded part")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_apart() {
        for (too_deep, too_large, expected) in [
            (0, 0, None),
            (1, 0, Some("1 encoded part not looked into: 1 nested deeper than 3")),
            (0, 2, Some("2 encoded parts not looked into: 2 larger than is decoded")),
            (
                1_000,
                1,
                Some("1,001 encoded parts not looked into: 1,000 nested deeper than 3, 1 larger than is decoded"),
            ),
        ] {
            assert_eq!(undecoded(Undecoded { too_deep, too_large }).as_deref(), expected);
        }
    }
}
