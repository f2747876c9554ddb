//! Trains the tagger of names from sentences it makes itself and writes its weights.
//!
//! `cargo run --release -p lineward-classifiers --example train_ner -- classifiers/src/ner/weights.bin [SENTENCES]`
//!
//! The sentences are templates filled with names from the tagger's word lists and with made-up ones. Templates whose
//! number leaves a remainder of 0 by 8 are kept for the test, whose score is printed, and never trained on. The same
//! arguments give the same bytes.
#![allow(clippy::print_stdout)]

mod fill;
mod templates;

use fill::Filler;
use lineward_classifiers::ner::Tagger;
use lineward_classifiers::ner::train::{Score, Sentence, Trainer, score};

const KINDS: [&str; 5] = ["person", "place", "organisation", "address", "date"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name the file to write the weights to")?;
    let count: usize = arguments.next().map_or(Ok(500_000), |n| n.parse())?;
    let mut trainer = Trainer::new(7);
    let mut filler = Filler::new(11);
    for _ in 0..count {
        trainer.learn(&filler.sentence(false));
    }
    let weights = trainer.weights();
    let tagger = Tagger::with_weights(&weights).ok_or("the trainer stores what the tagger cannot read")?;
    let mut filler = Filler::new(4_711);
    let test: Vec<Sentence> = (0..6_000).map(|_| filler.sentence(true)).collect();
    println!("{:14} {:>7} {:>7} {:>7} {:>7}", "kind", "spans", "recall", "prec.", "exact");
    for (name, s) in KINDS.iter().zip(score(&tagger, &test)) {
        println!("{name:14} {:>7} {:>7.3} {:>7.3} {:>7.3}", s.wanted, s.recall(), s.precision(), exact(&s));
    }
    std::fs::write(path, weights)?;
    Ok(())
}

fn exact(s: &Score) -> f64 {
    s.exact as f64 / s.wanted.max(1) as f64
}
