//! Microsoft Purview audit records: data loss prevention matches, and interactions with Copilot.
//!
//! A match names the item (a file in SharePoint or OneDrive, a file on a device, a message) and counts by sensitive
//! information type. Counts are taken; the values that the records of some tenants quote are not.

use super::Format;
use crate::json::{at, count, float, instant, items, text};
use crate::naming::{check_length, check_lengths, percent_decoded};
use crate::{
    Access, AccessAction, AssetRef, AssetType, DataFinding, DecodeError, Event, EventKey, EventKind, FindingOrigin,
    Statement,
};
use serde_json::Value;

/// The format. Fields: <https://learn.microsoft.com/en-us/office/office-365-management-api/office-365-management-activity-api-schema>.
pub struct Purview;

const NAME: &str = "purview";

/// Operations that are about a match, in lower case: the feed writes them in several cases.
const DLP_OPERATIONS: [&str; 3] = ["dlprulematch", "dlpruleundo", "dlpinfo"];

impl Format for Purview {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recognises(&self, document: &Value) -> bool {
        let Some(operation) = document.get("Operation").and_then(Value::as_str) else { return false };
        let ours = DLP_OPERATIONS.iter().any(|o| o.eq_ignore_ascii_case(operation)) || is_copilot(operation);
        ours && (document.get("Workload").is_some() || document.get("RecordType").is_some())
    }

    fn decode(&self, document: &Value, key: EventKey) -> Result<Event, DecodeError> {
        let operation = text(document, &["Operation"]).ok_or_else(|| DecodeError::missing(NAME, "Operation"))?;
        let mut event = Event::new(key, NAME, EventKind::Dlp);
        event.event_type = Some(operation.to_owned());
        event.event_time = instant(document, &["CreationTime"]);
        event.producer = text(document, &["Workload"]).map(str::to_owned);
        event.principal = text(document, &["UserId"]).map(str::to_owned);
        if is_copilot(operation) {
            event.statements = accesses(document);
            event.kind = if event.statements.is_empty() { EventKind::Audit } else { EventKind::Access };
        } else {
            let Some(asset) = item(document) else { return Ok(event) };
            check_length(NAME, &asset.namespace).and_then(|()| check_length(NAME, &asset.name))?;
            for rule in rules(document) {
                check_lengths(NAME, [text(rule, &["RuleName"]), text(rule, &["Severity"])])?;
            }
            let undone = !operation.eq_ignore_ascii_case("dlprulematch");
            event.statements = findings(document, &asset, undone);
        }
        Ok(event)
    }

    fn identity_fields(&self) -> &'static [&'static str] {
        &[
            "Id",
            "IncidentId",
            "ObjectId",
            "OrganizationId",
            "CreationTime",
            "UserId",
            "UserKey",
            "ClientIP",
            "Workload",
            "PolicyDetails.*.PolicyId",
            "PolicyDetails.*.PolicyName",
            "PolicyDetails.*.Rules.*.RuleId",
            "PolicyDetails.*.Rules.*.RuleName",
            "PolicyDetails.*.Rules.*.ConditionsMatched.SensitiveInformation.*.SensitiveType",
            "PolicyDetails.*.Rules.*.ConditionsMatched.SensitiveInformation.*.SensitiveInformationTypeName",
            "SharePointMetaData.FilePathUrl",
            "SharePointMetaData.FileOwner",
            "SharePointMetaData.FileName",
            "SharePointMetaData.From",
            "SharePointMetaData.SiteCollectionGuid",
            "SharePointMetaData.SiteCollectionUrl",
            "SharePointMetaData.UniqueID",
            "ExchangeMetaData.MessageID",
            "ExchangeMetaData.From",
            "ExchangeMetaData.To.*",
            "ExchangeMetaData.CC.*",
            "ExchangeMetaData.BCC.*",
            "EndpointMetaData.DeviceName",
            "EndpointMetaData.TargetFilePath",
            "EndpointMetaData.SensitiveInfoTypeData.*.SensitiveInfoTypeId",
            "EndpointMetaData.SensitiveInfoTypeData.*.SensitiveInfoTypeName",
            "CopilotEventData.ThreadId",
            "CopilotEventData.AccessedResources.*.ID",
            "CopilotEventData.AccessedResources.*.Name",
            "CopilotEventData.AccessedResources.*.SiteUrl",
            "CopilotEventData.Contexts.*.Id",
            "CopilotEventData.Messages.*.Id",
        ]
    }
}

fn is_copilot(operation: &str) -> bool {
    operation.eq_ignore_ascii_case("CopilotInteraction")
}

fn rules(document: &Value) -> impl Iterator<Item = &Value> {
    items(document, &["PolicyDetails"]).iter().flat_map(|policy| items(policy, &["Rules"]))
}

/// The item as an asset and its findings; a match that was undone leaves the asset alone.
fn findings(document: &Value, asset: &AssetRef, undone: bool) -> Vec<Statement> {
    let mut statements = vec![Statement::Asset(asset.clone())];
    if undone {
        return statements;
    }
    for rule in rules(document) {
        let name = text(rule, &["RuleName"]);
        let severity = text(rule, &["Severity"]);
        let found = items(rule, &["ConditionsMatched", "SensitiveInformation"]).iter();
        statements.extend(found.filter_map(|info| finding(info, asset, name, severity)));
    }
    // On devices the counts are with the item, not with the rule.
    if statements.len() == 1 {
        let found = items(document, &["EndpointMetaData", "SensitiveInfoTypeData"]).iter();
        statements.extend(found.filter_map(|info| finding(info, asset, None, None)));
    }
    statements
}

fn item(document: &Value) -> Option<AssetRef> {
    if let Some(url) = text(document, &["SharePointMetaData", "FilePathUrl"]) {
        return Some(file_at(url));
    }
    if let Some(device) = at(document, &["EndpointMetaData"]).filter(|d| d.is_object()) {
        let path = text(document, &["ObjectId"]).or_else(|| text(device, &["TargetFilePath"]))?;
        let name = text(device, &["DeviceName"]).unwrap_or("unknown").to_ascii_lowercase();
        return Some(AssetRef::new(AssetType::File, &format!("endpoint://{name}"), path));
    }
    let message = at(document, &["ExchangeMetaData"])?;
    let id = text(message, &["MessageID"])?;
    // The sender's domain; the address itself is a person's and no place.
    let domain =
        text(message, &["From"]).and_then(|from| from.rsplit_once('@')).map_or("unknown", |(_, domain)| domain);
    let namespace = format!("exchange://{}", domain.trim_end_matches('>').to_ascii_lowercase());
    Some(AssetRef::new(AssetType::File, &namespace, id))
}

fn file_at(url: &str) -> AssetRef {
    let mut asset = AssetRef::from_uri(AssetType::File, url);
    asset.name = percent_decoded(&asset.name).into_owned();
    asset
}

fn finding(info: &Value, asset: &AssetRef, policy: Option<&str>, severity: Option<&str>) -> Option<Statement> {
    let id = text(info, &["SensitiveType"]).or_else(|| text(info, &["SensitiveInfoTypeId"]));
    let name = text(info, &["SensitiveInformationTypeName"]).or_else(|| text(info, &["SensitiveInfoTypeName"]));
    let known = KNOWN.iter().find(|k| {
        id.is_some_and(|id| id.eq_ignore_ascii_case(k.id)) || name.is_some_and(|n| n.eq_ignore_ascii_case(k.name))
    });
    let entity = known.map(|k| k.entity).or(name).or(id)?;
    let categories = known.map_or(&[][..], |k| k.categories);
    Some(Statement::Finding(DataFinding {
        asset: asset.clone(),
        field: None,
        entity: entity.to_owned(),
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
        detector: format!("purview:{}", id.or(name)?),
        detector_version: None,
        match_count: count(info, &["Count"]).unwrap_or(1),
        distinct_count: count(info, &["UniqueCount"]),
        confidence: confidence(info),
        coverage: 1.0,
        origin: FindingOrigin::Imported,
        policy: policy.map(str::to_owned),
        severity: severity.map(str::to_owned),
        profile: None,
    }))
}

/// Purview's confidence is a percentage of 65, 75, 85 or 100; records without it have passed the rule's own bar.
fn confidence(info: &Value) -> f32 {
    float(info, &["Confidence"]).map_or(0.75, |percent| (percent / 100.0) as f32).clamp(0.0, 1.0)
}

/// Reads of the files that Copilot used to answer.
fn accesses(document: &Value) -> Vec<Statement> {
    let principal = text(document, &["UserId"]);
    let resources = items(document, &["CopilotEventData", "AccessedResources"]).iter();
    let urls = resources.filter_map(|resource| {
        ["SiteUrl", "ID", "Name"].iter().filter_map(|k| text(resource, &[k])).find(|url| url.contains("://"))
    });
    let access = |url| {
        Statement::Access(Access {
            principal: principal.map(str::to_owned),
            role: None,
            action: AccessAction::Read,
            asset: file_at(url),
            bytes: None,
            error_code: None,
        })
    };
    urls.map(access).collect()
}

/// A sensitive information type that Microsoft ships: its id never changes, its name is that of the portal.
struct Known {
    id: &'static str,
    name: &'static str,
    entity: &'static str,
    categories: &'static [&'static str],
}

const fn known(
    id: &'static str,
    name: &'static str,
    entity: &'static str,
    categories: &'static [&'static str],
) -> Known {
    Known { id, name, entity, categories }
}

/// From <https://learn.microsoft.com/en-us/purview/sit-sensitive-information-type-entity-definitions>.
const KNOWN: [Known; 13] = [
    known("50842eb7-edc8-4019-85dd-5a5c1f2bb085", "Credit Card Number", "CREDIT_CARD", &["financial"]),
    known("cb353f78-2b72-4c3c-8827-92ebe4f69fdf", "ABA Routing Number", "ABA_ROUTING_NUMBER", &["financial"]),
    known("a2ce32a8-f935-4bb6-8e96-2a5157672e2c", "U.S. Bank Account Number", "US_BANK_NUMBER", &["financial"]),
    known(
        "e7dc4711-11b7-4cb0-b88b-2c394a771f0e",
        "International Banking Account Number (IBAN)",
        "IBAN_CODE",
        &["financial"],
    ),
    known("cb2ab58c-9cb8-4c81-baf8-a4e106791df4", "SWIFT Code", "SWIFT_CODE", &["financial"]),
    known("a44669fe-0d48-453d-a9b1-2cc83f2cba77", "U.S. Social Security Number (SSN)", "US_SSN", &["pii"]),
    known(
        "e55e2a32-f92d-4985-a35d-a0b269eb687b",
        "U.S. Individual Taxpayer Identification Number (ITIN)",
        "US_ITIN",
        &["pii"],
    ),
    known("178ec42a-18b4-47cc-85c7-d62c92fd67f8", "U.S. / U.K. Passport Number", "US_PASSPORT", &["pii"]),
    known("dfeb356f-61cd-459e-bf0f-7c6d28b458c6", "U.S. Driver's License Number", "US_DRIVER_LICENSE", &["pii"]),
    known("16c07343-c26f-49d2-a987-3daf717e94cc", "U.K. National Insurance Number (NINO)", "UK_NINO", &["pii"]),
    known("3192014e-2a16-44e9-aa69-4b20375c9a78", "U.K. National Health Service Number", "UK_NHS", &["pii", "phi"]),
    known(
        "9a5445ad-406e-43eb-8bd7-cac17ab6d0e4",
        "Drug Enforcement Agency (DEA) Number",
        "MEDICAL_LICENSE",
        &["pii", "phi"],
    ),
    known("1daa4ad5-e2dd-4ca4-a788-54722c09efb2", "IP Address", "IP_ADDRESS", &["pii"]),
];
