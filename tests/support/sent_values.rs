//! Collects the values that a test sends to an application, and finds them in logs. The logs
//! themselves are in `logs_of_test`.
//!
//! Every request of a test passes here: those of `reply::send`, and those of `raw_connection`.
//! These are its values: the texts and the unknown names in a JSON body; the parts of any other
//! body, such as the fields of CSV; the parameters of the query; the segments of the path; the
//! headers other than `X-Request-Id` and `traceparent`, which logs have on purpose. Of a value that
//! a line may show with escapes, the parts between these are searched, and of a long one its
//! beginning.
//!
//! Some values may be in a log all the same, and are not searched: those with less than
//! [`MIN_LENGTH`] characters; numbers, dates and times; words of the OpenAPI document, such as the
//! names of fields, enumerated values and media types; the slugs of the demo tenants, by which the
//! worker names them. Ids are searched, but may be in events of the worker, which name classes and requests, and
//! as the member `tenant_id`. The member `route` is from the manifest, whatever else it equals.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use aho_corasick::AhoCorasick;
use anyhow::{Result, bail};
use local::openapi::COMPONENTS;
use platform::declare::openapi;
use serde_json::Value;
use url::{Url, form_urlencoded};
use uuid::Uuid;

/// The length from which a value is searched, in characters.
const MIN_LENGTH: usize = 8;

/// The length up to which a value is searched, in characters.
const MAX_LENGTH: usize = 64;

/// The number of values that are taken from one body, because a large file has rows of one kind.
const MAX_VALUES_OF_BODY: usize = 1_000;

/// Headers that are in logs.
const LOGGED_HEADERS: [&str; 2] = ["traceparent", "x-request-id"];

/// The values that are sent to each origin.
static OF_ORIGINS: LazyLock<Mutex<HashMap<String, Arc<SentValues>>>> =
    LazyLock::new(Mutex::default);

/// The words of the OpenAPI document, in lower case.
static VOCABULARY: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let mut words = BTreeSet::new();
    add_words(&openapi::document(&COMPONENTS, ""), &mut words);
    words
});

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The values that one test has sent, with the place in which each was sent first.
#[derive(Default)]
pub(crate) struct SentValues {
    places: Mutex<HashMap<String, String>>,
    /// Values that are not searched.
    excluded: BTreeSet<String>,
}

impl SentValues {
    /// Begins without values, and never takes the given ones.
    pub(crate) fn without(excluded: impl IntoIterator<Item = String>) -> Arc<Self> {
        Arc::new(Self {
            places: Mutex::default(),
            excluded: excluded.into_iter().collect(),
        })
    }

    /// Takes the values of all requests to this base URL from now on.
    pub(crate) fn take_from(self: &Arc<Self>, base_url: &str) {
        lock(&OF_ORIGINS).insert(base_url.to_owned(), Arc::clone(self));
    }

    /// Fails if a line of a log contains a value.
    pub(crate) fn ensure_absent(&self, log: &str) -> Result<()> {
        if log.is_empty() {
            return Ok(());
        }
        let places = lock(&self.places);
        let values: Vec<&String> = places.keys().collect();
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&values)?;
        for found in search.find_overlapping_iter(log) {
            let value = values[found.pattern().as_usize()];
            let start = log[..found.start()].rfind('\n').map_or(0, |end| end + 1);
            let line = log[start..].lines().next().unwrap_or_default();
            let before = &log[start..found.start()];
            if is_meant(value, before, line) {
                continue;
            }
            bail!("a log has the value of {}: {line}", places[value]);
        }
        Ok(())
    }

    fn add(&self, value: &str, place: impl Fn() -> String) {
        let parts = value.split(|c: char| c.is_control() || matches!(c, '"' | '\\'));
        for part in parts {
            let part = part.trim();
            let end = part.char_indices().nth(MAX_LENGTH).map(|(end, _)| end);
            let part = &part[..end.unwrap_or(part.len())];
            if !is_searched(part) || self.excluded.contains(part) {
                continue;
            }
            let mut places = lock(&self.places);
            if !places.contains_key(part) {
                places.insert(part.to_owned(), place());
            }
        }
    }

    fn add_body(&self, request: &str, media_type: &str, body: &[u8]) {
        let mut left = MAX_VALUES_OF_BODY;
        if let Ok(json) = serde_json::from_slice::<Value>(body) {
            self.add_json(request, &json, &mut String::new(), &mut left);
        } else if media_type == "application/x-www-form-urlencoded" {
            for (name, value) in form_urlencoded::parse(body).take(left) {
                self.add(&value, || format!("the field {name} of {request}"));
            }
        } else {
            let text = String::from_utf8_lossy(body);
            for part in text.split([',', '\n']).take(left) {
                self.add(part, || format!("the body of {request}"));
            }
        }
    }

    fn add_json(&self, request: &str, value: &Value, pointer: &mut String, left: &mut usize) {
        let length = pointer.len();
        match value {
            Value::String(text) if *left > 0 => {
                *left -= 1;
                self.add(text, || format!("{pointer} of {request}"));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let _ = write!(pointer, "/{index}");
                    self.add_json(request, item, pointer, left);
                    pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.add(name, || format!("a name in {pointer} of {request}"));
                    let _ = write!(pointer, "/{name}");
                    self.add_json(request, member, pointer, left);
                    pointer.truncate(length);
                }
            }
            _ => {}
        }
    }
}

/// Takes the values of a request, if it is sent to an application of a test.
pub(crate) fn record<'a>(
    method: &str,
    url: &Url,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    body: &[u8],
) {
    let origin = url.origin().ascii_serialization();
    let Some(values) = lock(&OF_ORIGINS).get(&origin).map(Arc::clone) else {
        return;
    };
    let request = format!("{method} {}", url.path());
    for segment in url.path().split('/') {
        values.add(segment, || format!("the path of {request}"));
    }
    for (name, value) in url.query_pairs() {
        values.add(&value, || format!("the parameter {name} of {request}"));
        values.add(&name, || format!("a parameter of {request}"));
    }
    let mut media_type = String::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let text = String::from_utf8_lossy(value);
        if name == "content-type" {
            media_type = text.split(';').next().unwrap_or_default().to_owned();
        }
        if LOGGED_HEADERS.contains(&name.as_str()) {
            continue;
        }
        // A token is looked for without its scheme.
        let scheme = (name == "authorization").then(|| text.split_once(' '));
        let value = scheme.flatten().map_or(&*text, |(_, token)| token);
        values.add(value, || format!("the header {name} of {request}"));
    }
    values.add_body(&request, &media_type, body);
}

/// Returns whether a value may be in no log.
fn is_searched(value: &str) -> bool {
    let is_number_or_time = value
        .chars()
        .all(|c| !c.is_alphabetic() || matches!(c, 'T' | 'Z' | 'W'));
    let is_phone = value.starts_with('+') && value[1..].bytes().all(|byte| byte.is_ascii_digit());
    value.chars().count() >= MIN_LENGTH
        && (is_phone || !is_number_or_time)
        && !VOCABULARY.contains(&value.to_lowercase())
}

/// Returns whether a value is meant to be in its place: after `before`, in `line`.
fn is_meant(value: &str, before: &str, line: &str) -> bool {
    let is_id = Uuid::try_parse(value).is_ok();
    match member(before) {
        Some("route") => true,
        Some("tenant_id") => is_id,
        _ => is_id && is_of_worker(line),
    }
}

/// Returns the name of the member whose value begins in the text and goes on behind it, as
/// `name="value"` or `"name":"value"`.
fn member(text: &str) -> Option<&str> {
    let (name, _) = text.rsplit_once('"')?;
    let name = name
        .strip_suffix('=')
        .or_else(|| name.strip_suffix("\":"))?;
    name.rsplit([' ', '"']).next()
}

/// Returns whether a line of the log is an event of the worker, as text or as JSON.
fn is_of_worker(line: &str) -> bool {
    let target = line.split_ascii_whitespace().nth(2).unwrap_or_default();
    target.starts_with("worker") || line.contains("\"target\":\"worker")
}

/// Adds the names and the enumerated values of a document, and the segments of its paths.
fn add_words(document: &Value, words: &mut BTreeSet<String>) {
    match document {
        Value::Array(items) => items.iter().for_each(|item| add_words(item, words)),
        Value::Object(members) => {
            for (name, member) in members {
                words.insert(name.to_lowercase());
                words.extend(name.split('/').map(str::to_lowercase));
                if let ("enum", Value::Array(values)) = (name.as_str(), member) {
                    words.extend(
                        values
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_lowercase),
                    );
                }
                add_words(member, words);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(method: &str, target: &str, token: &str, body: &[u8]) -> Arc<SentValues> {
        let values = SentValues::without(["aurora-tutoring".to_owned()]);
        let base_url = format!("http://{}.example", Uuid::now_v7().simple());
        values.take_from(&base_url);
        let url = Url::parse(&format!("{base_url}{target}")).unwrap();
        let headers = [
            ("Authorization", format!("Bearer {token}")),
            ("X-Request-Id", "request-of-a-test".to_owned()),
        ];
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        record(method, &url, headers, body);
        values
    }

    #[test]
    fn a_line_with_a_value_is_found_with_its_place() {
        let id = "018f0000-0000-7000-8000-000000000001";
        let body = json!({
            "name": "Ada \"Lovelace\" Byron",
            "contacts": [{"phone": "+441632960000", "kind": "guardian"}],
            "tenant": "aurora-tutoring",
            "starts_at": "2026-09-01T08:30:00Z",
        });
        let target = format!("/v1/users/{id}?email=ada%40example.com&limit=20");
        let values = sent(
            "POST",
            &target,
            "eyJhbGciOiJIUzI1NiJ9",
            body.to_string().as_bytes(),
        );
        let places = [
            ("LOVELACE is here", "/name"),
            ("call +441632960000", "/contacts/0/phone"),
            ("to ada@example.com", "the parameter email"),
            ("with eyJhbGciOiJIUzI1NiJ9.", "the header authorization"),
            (id, "the path"),
            (&format!("status=200 user_id=\"{id}\""), "the path"),
            (
                &format!("route=\"/v1/users/...\" path=\"{id}\""),
                "the path",
            ),
        ];
        for (text, place) in places {
            let log = format!("T  INFO host: first\nT ERROR host: {text}\nT  INFO host: last\n");
            let error = values.ensure_absent(&log).unwrap_err().to_string();
            assert!(error.contains(place) && error.contains("ERROR"), "{error}");
            assert!(
                !error.contains("first") && !error.contains("last"),
                "{error}"
            );
        }
        for line in [
            "T INFO worker::jobs: aurora-tutoring: the class 018f0000-0000-7000-8000-000000000001",
            "T INFO access: answered tenant_id=\"018f0000-0000-7000-8000-000000000001\"",
            "{\"tenant_id\":\"018f0000-0000-7000-8000-000000000001\",\"target\":\"access\"}",
            "T INFO access: answered request_id=\"request-of-a-test\" route=\"/v1/users/...\"",
            "T INFO access: answered route=\"/v1/ada@example.com/...\" status=200",
            "T WARN host: guardian limit 2026-09-01T08:30:00Z",
        ] {
            values.ensure_absent(line).unwrap();
        }
    }

    #[test]
    fn the_fields_of_other_bodies_are_values() {
        for body in [
            "name,email\nGrace Hopper,1\n",
            "{\"name\": \"Grace Hopper\"",
        ] {
            let values = sent("POST", "/v1/users/import", "", body.as_bytes());
            assert!(
                values.ensure_absent("about Grace Hopper").is_err(),
                "{body}"
            );
            values.ensure_absent("about Ada Lovelace").unwrap();
        }
    }
}
