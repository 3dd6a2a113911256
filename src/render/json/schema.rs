//! JSON Schema of what `--json` writes.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::doctor::DoctorV1;
use super::explain::ExplainV1;
use super::policy::PolicyV1;
use super::report::ReportV1;
use super::rules::RulesV1;

/// The schema (draft 2020-12) of one of [`super::super::SCHEMAS`].
pub fn schema(name: &str) -> Option<Value> {
    match name {
        "report" => Some(of::<ReportV1<'static>>()),
        "explain" => Some(of::<ExplainV1>()),
        "doctor" => Some(of::<DoctorV1>()),
        "policy" => Some(of::<PolicyV1>()),
        "rules" => Some(of::<RulesV1>()),
        _ => None,
    }
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
