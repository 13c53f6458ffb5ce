//! A statement as CSV (RFC 4180): a line for each entry, between the opening and the closing
//! balance. The content is in `content`.

use csv::{Terminator, Writer, WriterBuilder};
use platform::http::problem::{Kind, Problem};
use platform::values::formula::guarded;

use super::content::{Account, Content, Entry};

const HEADER: [&str; 13] = [
    "line",
    "currency",
    "effective_on",
    "number",
    "centre",
    "student",
    "type",
    "method",
    "reference",
    "amount",
    "balance",
    "reverses",
    "reversed_by",
];

/// Renders the file.
pub(super) fn write(json: &str) -> Result<String, Problem> {
    let content = Content::read(json)?;
    lines(&content).map_err(|cause| {
        Problem::new(Kind::Internal).cause(format!("cannot write the statement: {cause}"))
    })
}

fn lines(content: &Content) -> Result<String, Box<dyn std::error::Error>> {
    let mut file = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    file.write_record(HEADER)?;
    for account in &content.accounts {
        write_balance(
            &mut file,
            account,
            ["brought_forward", &content.from, &account.brought_forward],
        )?;
        for entry in &account.entries {
            write_entry(&mut file, account, entry)?;
        }
        write_balance(
            &mut file,
            account,
            ["carried_forward", &content.to, &account.carried_forward],
        )?;
    }
    Ok(String::from_utf8(file.into_inner()?)?)
}

/// Writes a line about the account as a whole: its kind, its day and its balance.
fn write_balance(
    file: &mut Writer<Vec<u8>>,
    account: &Account,
    [line, day, balance]: [&str; 3],
) -> csv::Result<()> {
    let currency = account.currency.as_str();
    file.write_record([
        line, currency, day, "", "", "", "", "", "", "", balance, "", "",
    ])
}

/// Writes an entry. Only texts that people have written can look like a formula.
fn write_entry(file: &mut Writer<Vec<u8>>, account: &Account, entry: &Entry) -> csv::Result<()> {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    file.write_record([
        "entry",
        &account.currency,
        &entry.effective_on,
        &entry.number.to_string(),
        &guarded(&entry.centre),
        &guarded(entry.student.as_deref().unwrap_or_default()),
        &entry.kind,
        &entry.method,
        &guarded(entry.reference.as_deref().unwrap_or_default()),
        &entry.amount,
        &entry.balance,
        &number(entry.reverses),
        &number(entry.reversed_by),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::content::sample;

    #[test]
    fn every_line_has_every_cell_and_no_formula() {
        let file = write(&sample("=HYPERLINK(\"x\")", "-12.50")).unwrap();
        let lines: Vec<&str> = file.split("\r\n").collect();
        assert_eq!(
            lines,
            [
                HEADER.join(","),
                "brought_forward,EUR,2026-03-01,,,,,,,,100.00,,".to_owned(),
                "entry,EUR,2026-03-05,7,Riverside,Ada Byron,payment,cash,\"'=HYPERLINK(\"\"x\"\")\",-12.50,87.50,3,"
                    .to_owned(),
                "carried_forward,EUR,2026-03-31,,,,,,,,87.50,,".to_owned(),
                String::new(),
            ]
        );
    }

    #[test]
    fn an_unreadable_statement_is_an_internal_error() {
        let problem = write("{}").unwrap_err();
        assert_eq!(problem.kind, Kind::Internal);
        assert!(problem.cause.is_some());
    }
}
