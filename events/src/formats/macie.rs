//! Amazon Macie findings: sensitive data in S3 objects, and policy findings about buckets.
//!
//! Macie reports counts by type, which is all that is taken; where it lists occurrences, only the name of the column
//! or path is used.

use super::Format;
use crate::json::{at, count, instant, items, text};
use crate::naming::{check_length, check_lengths};
use crate::{
    AssetRef, AssetType, DataFinding, DecodeError, Event, EventKey, EventKind, FindingOrigin, Statement, VersionScheme,
};
use serde_json::Value;

/// The format. Fields: <https://docs.aws.amazon.com/macie/latest/APIReference/findings-describe.html>.
pub struct Macie;

const NAME: &str = "macie";

/// How sure a Macie finding is taken to be. Macie gives no confidence; most of its identifiers need a keyword nearby
/// or a check digit.
const CONFIDENCE: f32 = 0.8;

impl Format for Macie {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        let finding = match document.get("detail-type") {
            Some(kind) if kind == "Macie Finding" => document.get("detail"),
            Some(_) => None,
            None => Some(document),
        };
        finding.is_some_and(is_finding)
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        let finding = match document.get("detail-type") {
            Some(_) => document.get("detail").ok_or_else(|| DecodeError::missing(NAME, "detail"))?,
            None => document,
        };
        let kind = text(finding, &["type"]).ok_or_else(|| DecodeError::missing(NAME, "type"))?;
        let mut event = Event::new(key, NAME, EventKind::Dlp);
        event.event_type = Some(kind.to_owned());
        event.event_time = ["updatedAt", "createdAt"].iter().find_map(|k| instant(finding, &[k]));
        event.producer = Some("macie.amazonaws.com".to_owned());
        event.principal =
            text(finding, &["policyDetails", "actor", "userIdentity", "iamUser", "arn"]).map(str::to_owned);
        let asset = affected(finding);
        if let Some(asset) = &asset {
            check_length(NAME, &asset.namespace).and_then(|()| check_length(NAME, &asset.name))?;
            check_lengths(NAME, [asset.version.as_ref().map(|v| v.version.as_str()), job(finding), severity(finding)])?;
        }
        event.statements = asset.map_or_else(Vec::new, |asset| statements(finding, &asset));
        Ok(event)
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "id",
            "accountId",
            "region",
            "type",
            "createdAt",
            "updatedAt",
            "classificationDetails.jobArn",
            "classificationDetails.jobId",
            "classificationDetails.detailedResultsLocation",
            "classificationDetails.result.customDataIdentifiers.detections.*.arn",
            "classificationDetails.result.customDataIdentifiers.detections.*.name",
            "resourcesAffected.s3Bucket.arn",
            "resourcesAffected.s3Bucket.name",
            "resourcesAffected.s3Bucket.createdAt",
            "resourcesAffected.s3Bucket.owner.*",
            "resourcesAffected.s3Object.bucketArn",
            "resourcesAffected.s3Object.key",
            "resourcesAffected.s3Object.path",
            "resourcesAffected.s3Object.eTag",
            "resourcesAffected.s3Object.versionId",
            "resourcesAffected.s3Object.lastModified",
            "account",
            "time",
            "resources.*",
            "detail.id",
            "detail.accountId",
            "detail.createdAt",
            "detail.updatedAt",
            "detail.classificationDetails.jobArn",
            "detail.classificationDetails.jobId",
            "detail.resourcesAffected.s3Bucket.arn",
            "detail.resourcesAffected.s3Bucket.name",
            "detail.resourcesAffected.s3Bucket.owner.*",
            "detail.resourcesAffected.s3Object.bucketArn",
            "detail.resourcesAffected.s3Object.key",
            "detail.resourcesAffected.s3Object.path",
            "detail.resourcesAffected.s3Object.eTag",
            "detail.resourcesAffected.s3Object.versionId",
        ]
    }
}

fn is_finding(document: &Value) -> bool {
    let ours = |kind: &str| kind.starts_with("SensitiveData:") || kind.starts_with("Policy:IAMUser/S3");
    text(document, &["type"]).is_some_and(ours) && document.get("resourcesAffected").is_some_and(Value::is_object)
}

fn job(finding: &Value) -> Option<&str> {
    text(finding, &["classificationDetails", "jobId"])
}

fn severity(finding: &Value) -> Option<&str> {
    text(finding, &["severity", "description"])
}

fn statements(finding: &Value, asset: &AssetRef) -> Vec<Statement> {
    let severity = severity(finding);
    let result = at(finding, &["classificationDetails", "result"]).unwrap_or(&Value::Null);
    let coverage = coverage(result, asset.size_bytes);
    let found = |detector: String, entity: &str, categories: Vec<String>, detection: &Value| {
        Statement::Finding(DataFinding {
            asset: asset.clone(),
            field: only_field(detection),
            entity: entity.to_owned(),
            categories,
            detector,
            detector_version: None,
            match_count: count(detection, &["count"]).unwrap_or(1),
            distinct_count: None,
            confidence: CONFIDENCE,
            coverage,
            origin: FindingOrigin::Imported,
            policy: job(finding).map(str::to_owned),
            severity: severity.map(str::to_owned),
            profile: None,
        })
    };
    let mut statements = vec![Statement::Asset(asset.clone())];
    for group in items(result, &["sensitiveData"]) {
        let category = text(group, &["category"]).unwrap_or_default();
        for detection in items(group, &["detections"]) {
            let Some(kind) = text(detection, &["type"]) else { continue };
            let (entity, health) = entity(kind);
            statements.push(found(format!("macie:{kind}"), entity, categories(category, health), detection));
        }
    }
    // What a custom identifier stands for is known to its author only: no category.
    for detection in items(result, &["customDataIdentifiers", "detections"]) {
        let Some(name) = text(detection, &["name"]).or_else(|| text(detection, &["arn"])) else { continue };
        statements.push(found(format!("macie:custom:{name}"), name, Vec::new(), detection));
    }
    statements
}

/// The object, or for a policy finding the bucket.
fn affected(finding: &Value) -> Option<AssetRef> {
    let bucket = at(finding, &["resourcesAffected", "s3Bucket"])?;
    let arn = text(bucket, &["arn"]).and_then(|arn| arn.strip_prefix("arn:aws:s3:::"));
    let namespace = format!("s3://{}", text(bucket, &["name"]).or(arn)?);
    let object = at(finding, &["resourcesAffected", "s3Object"]);
    let Some(key) = object.and_then(|o| text(o, &["key"])) else {
        return Some(AssetRef::new(AssetType::Dataset, &namespace, "/"));
    };
    let object = object.unwrap_or(&Value::Null);
    let mut asset = AssetRef::new(AssetType::File, &namespace, key);
    asset.size_bytes = count(object, &["size"]);
    Some(match text(object, &["versionId"]) {
        Some(version) if version != "null" => asset.at(VersionScheme::S3VersionId, version),
        _ => asset,
    })
}

/// Share of the object that Macie looked at.
fn coverage(result: &Value, size_bytes: Option<i64>) -> f32 {
    match (count(result, &["sizeClassified"]), size_bytes) {
        (Some(classified), Some(size)) if size > 0 => ((classified as f64 / size as f64) as f32).min(1.0),
        _ => 1.0,
    }
}

/// The column or path in which all listed occurrences are, where it is only one.
fn only_field(detection: &Value) -> Option<String> {
    let cells = items(detection, &["occurrences", "cells"]).iter().map(|c| text(c, &["columnName"]));
    let records = items(detection, &["occurrences", "records"]).iter().map(|r| text(r, &["jsonPath"]));
    let mut names = cells.chain(records);
    let first = names.next()??;
    // Macie writes paths as `$.a.b`; fields of a schema are `a.b`.
    names.all(|name| name == Some(first)).then(|| first.trim_start_matches("$.").to_owned())
}

fn categories(category: &str, health: bool) -> Vec<String> {
    let named = match category {
        "PERSONAL_INFORMATION" => Some("pii"),
        "FINANCIAL_INFORMATION" => Some("financial"),
        "CREDENTIALS" => Some("credential"),
        _ => None,
    };
    named.into_iter().chain(health.then_some("phi")).map(str::to_owned).collect()
}

/// Our entity for a managed data identifier and whether it is health data; the identifier itself where none maps.
/// Identifiers: <https://docs.aws.amazon.com/macie/latest/user/managed-data-identifiers.html>.
fn entity(kind: &str) -> (&str, bool) {
    let entity = match kind {
        "AWS_CREDENTIALS"
        | "GCP_API_KEY"
        | "HTTP_BASIC_AUTH_HEADER"
        | "HTTP_COOKIE"
        | "JSON_WEB_TOKEN"
        | "OPENSSH_PRIVATE_KEY"
        | "PGP_PRIVATE_KEY"
        | "PKCS"
        | "PUTTY_PRIVATE_KEY"
        | "STRIPE_CREDENTIALS" => "CREDENTIAL",
        "CREDIT_CARD_NUMBER" | "CREDIT_CARD_MAGNETIC_STRIPE" => "CREDIT_CARD",
        "USA_BANK_ACCOUNT_NUMBER" | "US_BANK_ACCOUNT_NUMBER" => "US_BANK_NUMBER",
        "NAME" => "PERSON",
        "EMAIL_ADDRESS" => "EMAIL_ADDRESS",
        "PHONE_NUMBER" => "PHONE_NUMBER",
        "ADDRESS" => "ADDRESS",
        "DATE_OF_BIRTH" => "DATE_OF_BIRTH",
        "USA_SOCIAL_SECURITY_NUMBER" => "US_SSN",
        "USA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER" => "US_ITIN",
        "USA_PASSPORT_NUMBER" => "US_PASSPORT",
        "DRIVERS_LICENSE" | "USA_DRIVERS_LICENSE" | "US_DRIVERS_LICENSE" => "US_DRIVER_LICENSE",
        "UK_NATIONAL_INSURANCE_NUMBER" => "UK_NINO",
        "INDIA_AADHAAR_NUMBER" => "IN_AADHAAR",
        "INDIA_PERMANENT_ACCOUNT_NUMBER" => "IN_PAN",
        "AUSTRALIA_TAX_FILE_NUMBER" => "AU_TFN",
        "SPAIN_NIE_NUMBER" => "ES_NIE",
        "SPAIN_NIF_NUMBER" => "ES_NIF",
        "VEHICLE_IDENTIFICATION_NUMBER" => "VIN",
        "UK_NHS_NUMBER" => return ("UK_NHS", true),
        "USA_MEDICARE_BENEFICIARY_IDENTIFIER" => return ("US_MBI", true),
        "USA_NATIONAL_PROVIDER_IDENTIFIER" => return ("US_NPI", true),
        "USA_DRUG_ENFORCEMENT_AGENCY_NUMBER" => return ("MEDICAL_LICENSE", true),
        "USA_HEALTH_INSURANCE_CLAIM_NUMBER"
        | "USA_HEALTHCARE_PROCEDURE_CODE"
        | "USA_NATIONAL_DRUG_CODE"
        | "MEDICAL_DEVICE_UDI"
        | "CANADA_HEALTH_NUMBER"
        | "FINLAND_EUROPEAN_HEALTH_INSURANCE_NUMBER"
        | "FRANCE_HEALTH_INSURANCE_NUMBER" => return (kind, true),
        other => other,
    };
    (entity, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn identifiers_map_to_the_vocabulary() {
        for (kind, expected) in [
            ("USA_SOCIAL_SECURITY_NUMBER", ("US_SSN", false)),
            ("UK_NHS_NUMBER", ("UK_NHS", true)),
            ("MEDICAL_DEVICE_UDI", ("MEDICAL_DEVICE_UDI", true)),
            ("SOMETHING_NEW", ("SOMETHING_NEW", false)),
        ] {
            assert_eq!(entity(kind), expected);
        }
    }

    #[test]
    fn a_field_is_named_only_if_it_is_the_only_one() {
        let cells = |names: &[&str]| {
            let cells: Vec<_> = names.iter().map(|n| json!({"columnName": n, "row": 2})).collect();
            json!({"occurrences": {"cells": cells}})
        };
        assert_eq!(only_field(&cells(&["ssn", "ssn"])).as_deref(), Some("ssn"));
        assert_eq!(only_field(&cells(&["ssn", "name"])), None);
        assert_eq!(only_field(&cells(&[])), None);
        let record = json!({"occurrences": {"records": [{"jsonPath": "$.patient.name", "recordIndex": 0}]}});
        assert_eq!(only_field(&record).as_deref(), Some("patient.name"));
    }
}
