//! A thousand random questions (a version, a direction, a time) about made-up estates of several sizes have the answers
//! that PostgreSQL's recursive query and igraph give.

use crate::lineward::beside;
use crate::postgres::Postgres;
use crate::readers::python;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// Edges of the estates: a fifth as many versions.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

struct Asked {
    questions: Vec<Value>,
    answers: Vec<Vec<i64>>,
}

#[test]
fn random_questions_have_the_answers_that_others_give() {
    let (postgres, python) = (Postgres::new(), python());
    if postgres.is_none() && python.is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for edges in SIZES {
        let estate = folder.path().join(edges.to_string());
        bench(&["make", estate.to_str().expect("UTF-8"), &edges.to_string()]);
        bench(&["questions", estate.to_str().expect("UTF-8")]);
        let asked = asked(&estate);
        let rows: usize = asked.answers.iter().map(Vec::len).sum();
        assert!(asked.questions.len() == 1_000 && rows > 5_000, "{rows} rows at {edges} edges are too few to judge by");
        if let Some(postgres) = &postgres {
            compare(&asked, &by_postgres(postgres, &estate, &asked), "PostgreSQL", edges);
        }
        if let Some(python) = &python {
            compare(&asked, &by_igraph(python, &estate), "igraph", edges);
        }
        fs::remove_dir_all(&estate).expect("removed");
    }
}

fn bench(arguments: &[&str]) {
    let output = Command::new(beside("bench_lineage")).args(arguments).output().expect("it starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn asked(estate: &Path) -> Asked {
    let said: Value =
        serde_json::from_slice(&fs::read(estate.join("questions.json")).expect("the questions")).expect("JSON");
    let questions = said["asked"].as_array().expect("a list").clone();
    let ids = fs::read(estate.join("random.ids")).expect("the answers");
    let mut ids = ids.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes));
    let count = |q: &Value| q["rows"].as_u64().expect("a number") as usize;
    let answers = questions.iter().map(|q| ids.by_ref().take(count(q)).collect()).collect();
    Asked { questions, answers }
}

fn compare(asked: &Asked, theirs: &[Vec<i64>], who: &str, edges: usize) {
    for (at, ours) in asked.answers.iter().enumerate() {
        let (question, theirs) = (&asked.questions[at], &theirs[at]);
        assert!(ours == theirs, "{edges} edges, {question}: {} versions, {} by {who}", ours.len(), theirs.len());
    }
}

/// All questions by one recursive query.
fn by_postgres(postgres: &Postgres, estate: &Path, asked: &Asked) -> Vec<Vec<i64>> {
    postgres.file("hops.csv", &hops(&estate.join("hops.parquet")));
    let line = |(at, q): (usize, &Value)| format!("{at},{},{},{}\n", q["up"], q["seed"], q["at"]);
    postgres.file("questions.csv", &asked.questions.iter().enumerate().map(line).collect::<String>());
    let place = |name: &str| format!("'{}'", postgres.folder().join(name).display());
    let walk = |up: bool, here: &str, there: &str| {
        format!(
            "WITH RECURSIVE r AS (SELECT id, seed AS v, at FROM q WHERE up = {up} UNION SELECT id, {there}, at FROM r \
             JOIN hops ON {here} = v WHERE valid_from <= at AND valid_to > at) SELECT r.id, r.v FROM r JOIN q ON \
             q.id = r.id WHERE r.v <> q.seed"
        )
    };
    postgres.run(&format!(
        "DROP TABLE IF EXISTS hops;\n\nDROP TABLE IF EXISTS q;\n\n\
         CREATE TABLE hops (src int, dst int, valid_from bigint, valid_to bigint);\n\n\
         CREATE TABLE q (id int, up bool, seed int, at bigint);\n\n\
         COPY hops FROM {} CSV;\n\nCOPY q FROM {} CSV;\n\nCREATE INDEX ON hops (src);\n\nCREATE INDEX ON hops (dst);\n\n\
         ANALYZE hops;\n\nCOPY ({}) TO {} CSV;\n\nCOPY ({}) TO {} CSV;\n\n",
        place("hops.csv"),
        place("questions.csv"),
        walk(true, "dst", "src"),
        place("up.csv"),
        walk(false, "src", "dst"),
        place("down.csv"),
    ));
    let mut answers = vec![Vec::new(); asked.questions.len()];
    for (question, version) in postgres.pairs("up.csv").into_iter().chain(postgres.pairs("down.csv")) {
        answers[question as usize].push(version);
    }
    answers.iter_mut().for_each(|answer| answer.sort_unstable());
    answers
}

/// The hops as the estate's maker wrote them: source, destination, times.
fn hops(file: &Path) -> String {
    let mut text = String::new();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).expect("the hops")).expect("Parquet");
    for batch in reader.build().expect("Parquet") {
        let batch = batch.expect("rows");
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().values();
        let (src, dst, from, to) = (column(0), column(1), column(2), column(3));
        for i in 0..batch.num_rows() {
            writeln!(text, "{},{},{},{}", src[i], dst[i], from[i], to[i]).expect("a line");
        }
    }
    text
}

fn by_igraph(python: &Path, estate: &Path) -> Vec<Vec<i64>> {
    let script = lineward_tests::folder().join("tests/e2e/questions.py");
    let output = Command::new(python).arg(script).arg(estate).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("lists of numbers")
}
