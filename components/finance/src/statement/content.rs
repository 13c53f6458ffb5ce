//! The content of a statement, read from the JSON that the database returns. Amounts stay texts.
//! The forms of a statement are in `file` and `page`.

use platform::http::problem::Problem;
use serde::Deserialize;

/// A statement of account.
#[derive(Debug, Deserialize)]
pub(super) struct Content {
    pub(super) tenant: Tenant,
    pub(super) holder: Holder,
    pub(super) students: Vec<Student>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) issued_at: String,
    pub(super) accounts: Vec<Account>,
}

/// The organisation that issues the statement.
#[derive(Debug, Deserialize)]
pub(super) struct Tenant {
    pub(super) name: String,
}

/// The holder of the account.
#[derive(Debug, Deserialize)]
pub(super) struct Holder {
    pub(super) name: Option<String>,
}

/// A person named in the statement.
#[derive(Debug, Deserialize)]
pub(super) struct Student {
    pub(super) name: Option<String>,
    pub(super) centre: String,
}

/// The entries and balances in one currency.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) currency: String,
    pub(super) brought_forward: String,
    pub(super) entries: Vec<Entry>,
    pub(super) paid_in: String,
    pub(super) paid_out: String,
    pub(super) carried_forward: String,
}

/// A finance record.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) effective_on: String,
    pub(super) centre: String,
    pub(super) student: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) method: String,
    pub(super) reference: Option<String>,
    pub(super) amount: String,
    pub(super) balance: String,
    pub(super) reverses: Option<u64>,
    pub(super) reversed_by: Option<u64>,
}

impl Content {
    /// Returns the time of issue, to the minute.
    pub(super) fn issued(&self) -> String {
        let minute = self.issued_at.get(..16).unwrap_or(&self.issued_at);
        format!("{} UTC", minute.replace('T', " "))
    }

    /// Reads the content.
    ///
    /// # Errors
    ///
    /// When the database returned something else.
    pub(super) fn read(json: &str) -> Result<Content, Problem> {
        serde_json::from_str(json).map_err(|error| Problem::unreadable(&error))
    }
}

/// Returns a statement of one entry with this reference and this amount, for tests.
#[cfg(test)]
pub(super) fn sample(reference: &str, amount: &str) -> String {
    serde_json::json!({
        "tenant": {"id": "t", "name": "Aurora"},
        "holder": {"user_id": "u", "name": "Ada Byron"},
        "students": [{"student_id": "s", "name": "Ada Byron", "centre_id": "c", "centre": "Riverside"}],
        "from": "2026-03-01",
        "to": "2026-03-31",
        "issued_at": "2026-04-01T08:00:00.000000Z",
        "accounts": [{
            "currency": "EUR",
            "brought_forward": "100.00",
            "entries": [{
                "finance_record_id": "r",
                "number": 7,
                "effective_on": "2026-03-05",
                "centre_id": "c",
                "centre": "Riverside",
                "student_id": "s",
                "student": "Ada Byron",
                "type": "payment",
                "method": "cash",
                "reference": reference,
                "amount": amount,
                "balance": "87.50",
                "reverses": 3,
                "reversed_by": null,
            }],
            "paid_in": "0.00",
            "paid_out": "12.50",
            "carried_forward": "87.50",
        }],
    })
    .to_string()
}
