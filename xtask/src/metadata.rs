//! What cargo knows of a workspace.

use crate::budget::{Budget, Error};
use serde_json::Value;

/// Asks cargo, with these options.
pub(crate) fn read(budget: Budget, options: &str) -> Result<Value, Error> {
    let text = budget.read(&format!("cargo metadata --locked --format-version 1 {options}"))?;
    serde_json::from_str(&text).map_err(|error| Error::Failed(format!("cargo metadata {options}: {error}")))
}

/// Returns what a list holds; nothing, where there's none.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns a text; an empty one, where there's none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
