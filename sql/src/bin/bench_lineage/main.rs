//! Lineage questions over a made-up estate of any size: `bench_lineage make FOLDER EDGES`, then
//! `bench_lineage ask FOLDER`. `benches/bench_lineage.sh` runs both and asks the same of other engines. `questions` asks at
//! random only, for a test that compares the answers; `fresh` only measures how long a new epoch takes to be seen, `first`
//! how long the first answer takes; `query` any question, several times in one session.

#![allow(clippy::print_stdout, missing_docs)]

mod ask;
mod make;
mod recursive;
mod walk;

use std::error::Error;
use std::path::Path;

/// As `lineward` has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match words.as_slice() {
        ["make", folder, edges] => runtime.block_on(make::make(Path::new(folder), edges.parse()?)),
        ["questions", folder] => runtime.block_on(ask::questions(Path::new(folder))),
        ["fresh", folder] => runtime.block_on(ask::fresh_alone(Path::new(folder))),
        ["first", folder] => runtime.block_on(ask::first_alone(Path::new(folder))),
        ["ask", folder] => runtime.block_on(ask::ask(Path::new(folder))),
        ["query", folder, query] => runtime.block_on(ask::query(Path::new(folder), query)),
        _ => Err("bench_lineage make FOLDER EDGES | ask FOLDER | query FOLDER SQL".into()),
    }
}

/// Numbers that look random and are the same in every run.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }
}
