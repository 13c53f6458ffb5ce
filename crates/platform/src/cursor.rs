//! Cursors: where a list goes on. Opaque to clients, they hold the sort order and the last row's keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use crate::listing::SortKey;
use crate::validation;

/// Longest cursor that is looked at, in bytes.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    sort: String,
    after: Vec<String>,
}

/// The keys behind which the list goes on; none when the cursor isn't one of this list in this order.
pub fn decode(text: &str, sort: &str, keys: &[SortKey]) -> Option<Value> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let cursor: Cursor = serde_json::from_slice(&bytes).ok()?;
    if cursor.sort != sort || cursor.after.len() != keys.len() {
        return None;
    }
    // A cursor is not signed: whatever it holds is checked like any other input.
    let sound = cursor
        .after
        .iter()
        .zip(keys)
        .all(|(value, key)| validation::scalar(key.field.kind, value).is_ok());
    sound.then(|| Value::from(cursor.after))
}
