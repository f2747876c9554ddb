//! `exposure_paths`: the evidence for a model's having a tag.

use super::args::{Argument, Arguments, Takes};
use super::lineage_paths::{COLUMNS, PATHS, path_rows};
use super::{Function, models_trained_on, rows, walk};
use crate::Error;
use arrow::array::RecordBatch;
use lineward_store::graph::{View, What};

pub(super) static FUNCTION: Function = Function {
    name: "exposure_paths",
    summary: "The ways by which a tag got into a model, from the data it was seen in, shortest first, a row a hop. \
              Evaluation is no way in. Where something upstream of the model is not known or was never searched, \
              there may be more ways, and `complete` is false.",
    arguments: &[
        Argument {
            name: "tag",
            takes: Takes::Texts,
            required: true,
            summary: "a tag or asset as in `models_trained_on`",
        },
        Argument {
            name: "model",
            takes: Takes::Texts,
            required: true,
            summary: "a model, or any asset, as in `upstream`",
        },
        Argument { name: "max_paths", takes: Takes::Count, required: false, summary: "how many; 10 unless given" },
        Argument::AS_OF,
        Argument::RECORDED_AS_OF,
    ],
    columns: COLUMNS,
    example: "SELECT path_id, hop, src, dst, run_id, evidence FROM exposure_paths('PHI', 'model:summarizer')",
    how: "best first from the data the tag was seen in, by the number of hops that are left",
    answer,
};

fn answer(view: &View, arguments: &Arguments) -> Result<Vec<RecordBatch>, Error> {
    let targets = walk::seeds(view, arguments.texts("model"))?;
    let max = usize::try_from(arguments.count("max_paths").unwrap_or(PATHS)).unwrap_or(usize::MAX);
    let (mut whats, mut hiding) = (Vec::new(), true);
    for text in arguments.texts("tag") {
        let (what, _) = models_trained_on::what(view, text)?;
        // A tag may be in what nobody searched; where an asset went does not depend on that.
        hiding &= matches!(what, What::Versions(_));
        whats.push(what);
    }
    let found = view.exposure_paths(&whats, &targets, max);
    rows::batch(&FUNCTION, &path_rows(view, &found, &targets, hiding))
}
