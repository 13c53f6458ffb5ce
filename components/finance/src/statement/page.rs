//! A statement as a page to print. The template escapes every text that it shows. The content is in
//! `content`.

use askama::Template;
use platform::http::problem::{Kind, Problem};

use super::content::Content;

#[derive(Template)]
#[template(path = "statement.html")]
struct Page {
    content: Content,
}

/// Renders the page.
pub(super) fn write(json: &str) -> Result<String, Problem> {
    let content = Content::read(json)?;
    Page { content }.render().map_err(|error| {
        Problem::new(Kind::Internal).cause(format!("cannot write the statement: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::content::sample;

    #[test]
    fn every_text_stays_text() {
        let page = write(&sample("<script>alert(1)</script>", "<b>1</b>")).unwrap();
        assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        for shown in [
            "&#60;script&#62;alert(1)&#60;/script&#62;",
            "Payment, cash, Riverside",
            "Reversal of No. 3",
            "<dd>2026-04-01 08:00 UTC</dd>",
            "Balance carried forward",
        ] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        assert!(!page.contains("Reversed by"));
    }

    #[test]
    fn the_page_asks_for_nothing() {
        let page = write(&sample("", "1.00")).unwrap();
        for asking in [
            "http", "src=", "url(", "@import", "<link", "<script", "onload",
        ] {
            assert!(!page.contains(asking), "{asking}");
        }
    }

    #[test]
    fn without_entries_it_says_so() {
        let empty = r#"{"tenant": {"name": "A"}, "holder": {"name": null}, "students": [], "from": "2026-03-01",
            "to": "2026-03-31", "issued_at": "2026-04-01T08:00:00Z", "accounts": []}"#;
        let page = write(empty).unwrap();
        assert!(page.contains("No records were posted") && page.contains("(not shown)"));
    }
}
