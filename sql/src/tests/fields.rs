//! Tags of fields, from OpenLineage events with column lineage to what `effective_field_tags` says.

use super::clearing::{HMAC, VISIT, Ward, estate, hashed, policy, run, scan};
use lineward_store::POLICY_SOURCE;

/// What happened to the tag in each field.
async fn fields(ward: &Ward, kind: &str) -> Vec<String> {
    ward.ask(&format!(
        "SELECT name, field, CASE WHEN array_has(contradicted, 'PII.US_SSN') THEN 'contradicted'
            WHEN array_has(own, 'PII.US_SSN') THEN 'own' WHEN array_has(inherited, 'PII.US_SSN') THEN 'inherited'
            WHEN array_has(cleared, 'PII.US_SSN') THEN 'cleared' END
         FROM effective_field_tags WHERE asset_type = '{kind}' ORDER BY name, field"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_has_the_tags_that_reach_it() {
    let mut ward = Ward::new(estate()).await;
    let before = fields(&ward, "DATASET").await;
    assert!(before.contains(&"clean | ssn_transformation | inherited".to_owned()), "{before:?}");
    // Nothing of it goes through the other columns, however the data set is tagged.
    assert!(!before.iter().any(|row| row.contains("visit")), "{before:?}");
    ward.say(vec![policy("hashed", hashed())], POLICY_SOURCE).await;
    assert_eq!(
        fields(&ward, "DATASET").await,
        [
            "beside | ssn_transformation | cleared",
            "clean | ssn_transformation | cleared",
            // What is read of it elsewhere, under a name that its own column lineage leaves out.
            "clean | NULL | cleared",
            // Seen in a field that column lineage leaves out, after it was masked.
            "leaky | note | contradicted",
            "leaky | ssn_transformation | cleared",
            "leaky | NULL | cleared",
            "patients | ssn | own",
            "plain | ssn_transformation | inherited",
            "plain | NULL | inherited",
            "rot13 | ssn_transformation | inherited",
            "two | NULL | inherited",
        ]
    );
    // What a model learned has no fields.
    let models = ["m-clean | NULL | cleared", "m-leaky | NULL | inherited", "m-rot13 | NULL | inherited"];
    let with_two = models.iter().copied().chain(["m-two | NULL | inherited"]);
    assert_eq!(fields(&ward, "MODEL").await, with_two.collect::<Vec<_>>());
}

/// A scan of a folder tells what it found by file; what it calls a column may be none of the names that lineage has.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_in_files_and_under_other_names_is_not_lost() {
    let at = |hour: usize| format!("2026-01-10T{hour:02}:00:00Z");
    let mut in_file = scan("scan-2", &at(2), "leaky", &[("note", "US_SSN")]);
    in_file["files"][0]["name"] = "part-0.parquet".into();
    let mut ward = Ward::new(vec![
        scan("scan-1", &at(0), "patients", &[("SSN", "US_SSN")]),
        scan("scan-3", &at(0), "heads", &[("column_1", "US_SSN")]),
        run("r-leaky", &at(1), "patients", "leaky", &[HMAC]),
        run("r-heads", &at(1), "heads", "headed", &[("ssn", "IDENTITY", false, "")]),
        in_file,
    ])
    .await;
    ward.say(vec![policy("hashed", hashed())], POLICY_SOURCE).await;
    assert_eq!(
        fields(&ward, "DATASET").await,
        [
            "headed | NULL | inherited",
            "heads | column_1 | own",
            "leaky | note | contradicted",
            "leaky | ssn_transformation | cleared",
            "leaky | NULL | cleared",
            "patients | SSN | own",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_said_of_columns_may_be_in_any() {
    let at = |hour: usize| format!("2026-01-10T{hour:02}:00:00Z");
    let ward = Ward::new(vec![
        scan("scan-1", &at(0), "patients", &[("ssn", "US_SSN")]),
        run("r-unsaid", &at(1), "patients", "unsaid", &[]),
        run("r-named", &at(1), "patients", "named", &[HMAC, VISIT]),
        run("r-on", &at(2), "unsaid", "on", &[("ssn", "IDENTITY", false, "")]),
    ])
    .await;
    assert_eq!(
        fields(&ward, "DATASET").await,
        [
            "named | ssn_transformation | inherited",
            "on | NULL | inherited",
            "patients | ssn | own",
            "unsaid | NULL | inherited",
        ]
    );
    let whole = "SELECT count(*) FROM effective_field_tags AS f JOIN effective_tags AS v ON v.version_id = f.version_id
        WHERE f.field IS NULL AND f.complete = v.complete";
    assert_eq!(ward.ask(whole).await, ["2"]);
}
