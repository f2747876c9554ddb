//! Which calls of MLflow's REST API say something about runs and models, and what is recorded of each.
//!
//! Metrics, searches, artifacts and traces are not among them. API: <https://mlflow.org/docs/latest/rest-api.html>.

use axum::http::Method;
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

/// A call that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// Makes what the answer holds under a name, or gives it that name. Who makes it again has two of it, or an error.
    Made(&'static str),
    /// Changes what the answer holds under a name; can be made again.
    Changed(&'static str),
    /// Changes the run that the request names.
    Run,
    /// The same, where it has parameters or tags.
    Batch,
    /// The same, and cannot be made twice.
    RunOnce,
    /// Something that a webhook would tell: entity and action.
    Told(&'static str, &'static str),
}

/// What is recorded of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Recorded {
    /// A document.
    Document(Value),
    /// The run with an id, which has to be asked for.
    Run(String),
    /// Nothing: the call says nothing about lineage.
    Nothing,
    /// The request or the answer is not what the API describes.
    Odd,
}

impl Call {
    /// The call that a method and a path are, without a query.
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let rest = path.strip_prefix("/api/").or_else(|| path.strip_prefix("/ajax-api/"))?;
        let (_version, rest) = rest.split_once('/')?;
        let name = rest.strip_prefix("preview/").unwrap_or(rest).strip_prefix("mlflow/")?;
        Some(match (method.as_str(), name) {
            ("POST", "runs/create") => Self::Made("run"),
            ("POST", "registered-models/create") => Self::Made("registered_model"),
            ("POST", "model-versions/create") => Self::Made("model_version"),
            ("POST", "logged-models") => Self::Made("model"),
            ("PATCH", "registered-models/update") => Self::Changed("registered_model"),
            ("POST", "registered-models/rename") => Self::Made("registered_model"),
            ("PATCH", "model-versions/update") | ("POST", "model-versions/transition-stage") => {
                Self::Changed("model_version")
            }
            // Tags of a logged model, below its id, are answered with nothing.
            ("PATCH", name) if name.strip_prefix("logged-models/").is_some_and(|id| !id.contains('/')) => {
                Self::Changed("model")
            }
            ("POST", "runs/update" | "runs/log-inputs" | "runs/outputs" | "runs/log-model") => Self::Run,
            ("POST", "runs/log-parameter" | "runs/set-tag") => Self::Run,
            ("POST", "runs/delete-tag") => Self::RunOnce,
            ("POST", "runs/log-batch") => Self::Batch,
            ("DELETE", "registered-models/delete") => Self::Told("registered_model", "deleted"),
            ("DELETE", "model-versions/delete") => Self::Told("model_version", "deleted"),
            ("POST", "registered-models/alias") => Self::Told("model_version_alias", "created"),
            ("DELETE", "registered-models/alias") => Self::Told("model_version_alias", "deleted"),
            _ => return None,
        })
    }

    /// Whether the client may be asked to make the call again.
    pub fn may_be_repeated(self) -> bool {
        !matches!(self, Self::Made(_) | Self::RunOnce | Self::Told(..))
    }

    /// What is recorded of a call that the tracking server has carried out.
    pub fn recorded(self, request: &Value, answer: &Value) -> Recorded {
        let run = || {
            let id = ["run_id", "run_uuid"].iter().find_map(|key| request[*key].as_str()).filter(|id| !id.is_empty());
            id.map_or(Recorded::Odd, |id| Recorded::Run(id.to_owned()))
        };
        let has = |key: &str| request[key].as_array().is_some_and(|all| !all.is_empty());
        match self {
            Self::Made(name) | Self::Changed(name) if answer[name].is_object() => {
                Recorded::Document(json!({ name: answer[name] }))
            }
            Self::Made(_) | Self::Changed(_) => Recorded::Odd,
            Self::Run | Self::RunOnce => run(),
            Self::Batch if has("params") || has("tags") => run(),
            Self::Batch => Recorded::Nothing,
            Self::Told(entity, action) if request["name"].is_string() => Recorded::Document(json!({
                "entity": entity, "action": action, "data": request,
                "timestamp": Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            })),
            Self::Told(..) => Recorded::Odd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_known_by_method_and_path() {
        for (method, path, call) in [
            (Method::POST, "/api/2.0/mlflow/runs/create", Some(Call::Made("run"))),
            (Method::POST, "/ajax-api/2.0/mlflow/runs/update", Some(Call::Run)),
            (Method::POST, "/api/2.0/preview/mlflow/runs/update", Some(Call::Run)),
            (Method::PATCH, "/api/2.0/mlflow/logged-models/m-1", Some(Call::Changed("model"))),
            (Method::PATCH, "/api/2.0/mlflow/logged-models/m-1/tags", None),
            (Method::POST, "/api/2.0/mlflow/runs/delete-tag", Some(Call::RunOnce)),
            (Method::GET, "/api/2.0/mlflow/runs/update", None),
            (Method::POST, "/api/2.0/mlflow/runs/search", None),
            (Method::POST, "/api/2.0/mlflow/runs/log-metric", None),
            (Method::PUT, "/api/2.0/mlflow-artifacts/artifacts/1/model.pkl", None),
            (Method::POST, "/mlflow/runs/update", None),
            (Method::POST, "/", None),
        ] {
            assert_eq!(Call::of(&method, path), call, "{method} {path}");
        }
    }

    #[test]
    fn what_is_recorded() {
        let run = Recorded::Run("r".into());
        for (call, request, answer, expected) in [
            (Call::Run, json!({"run_id": "r"}), json!({}), run.clone()),
            (Call::Run, json!({"run_uuid": "r"}), json!({}), run.clone()),
            (Call::Run, json!({"run_id": ""}), json!({}), Recorded::Odd),
            (Call::Batch, json!({"run_id": "r", "metrics": [{}]}), json!({}), Recorded::Nothing),
            (Call::Batch, json!({"run_id": "r", "params": [{}]}), json!({}), run.clone()),
            (Call::Batch, json!({"run_id": "r", "tags": [{}]}), json!({}), run),
            (
                Call::Made("run"),
                json!({}),
                json!({"run": {"a": 1}, "b": 2}),
                Recorded::Document(json!({"run": {"a": 1}})),
            ),
            (Call::Changed("model"), json!({}), Value::Null, Recorded::Odd),
            (Call::Told("model_version", "deleted"), Value::Null, json!({}), Recorded::Odd),
        ] {
            assert_eq!(call.recorded(&request, &answer), expected, "{call:?} {request}");
        }
        let told = Call::Told("model_version", "deleted").recorded(&json!({"name": "m", "version": "2"}), &Value::Null);
        let Recorded::Document(told) = told else { panic!("{told:?}") };
        assert_eq!((&told["entity"], &told["data"]["version"]), (&json!("model_version"), &json!("2")));
    }
}
