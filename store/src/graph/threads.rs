//! Work that is shared among threads: as many as there are processors, where there is enough of it.

use std::num::NonZero;

/// As many threads as there are processors.
pub(super) fn count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Threads for so many items, one of which alone is less than it takes to start a thread: one below `worth`.
pub(super) fn of(items: usize, worth: usize) -> usize {
    if items < worth { 1 } else { count() }
}

/// Items for each thread, at least one.
pub(super) fn share(items: usize, worth: usize) -> usize {
    items.div_ceil(of(items, worth)).max(1)
}

/// What each part comes to, in the order of the parts, each by a thread of its own; this one does the first.
pub(super) fn each<P: Clone + Send, T: Send>(parts: Vec<P>, work: impl Fn(P) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let mut parts = parts.into_iter();
        let first = parts.next();
        let work = &work;
        let others: Vec<_> = parts.map(|part| (part.clone(), scope.spawn(move || work(part)))).collect();
        let mut done: Vec<T> = first.map(work).into_iter().collect();
        // What a thread did not bring to its end is done here.
        done.extend(others.into_iter().map(|(part, other)| other.join().unwrap_or_else(|_| work(part))));
        done
    })
}

/// Two things at once, the second by a thread of its own.
pub(super) fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl Fn() -> B + Sync) -> (A, B) {
    std::thread::scope(|scope| {
        let second = &second;
        let beside = scope.spawn(second);
        let first = first();
        (first, beside.join().unwrap_or_else(|_| second()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_done_in_their_order_and_none_is_left_out() {
        for items in [0, 1, 2, 7, 1_000] {
            let all: Vec<usize> = (0..items).collect();
            for size in [1, 3, share(items, 10)] {
                let parts: Vec<&[usize]> = all.chunks(size).collect();
                assert_eq!(each(parts, <[usize]>::to_vec).concat(), all, "{items} in parts of {size}");
            }
        }
    }
}
