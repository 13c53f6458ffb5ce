//! The sink's page. What came from elsewhere is escaped by the template.

use askama::Template;

use super::Sent;

/// The page with messages.
#[derive(Template)]
#[template(path = "sink.html")]
pub(super) struct Page {
    pub(super) messages: Vec<Sent>,
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn what_was_sent_is_text_and_not_markup() {
        let sent = Sent {
            key: "k".to_owned(),
            channel: "email",
            to: "<b>ana@aurora.example</b>".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            text: "1 < 2 & \"3\"".to_owned(),
            at: Utc::now(),
            doubles: 2,
        };
        let page = Page {
            messages: vec![sent],
        }
        .render()
        .unwrap();
        assert!(
            !page.contains("<script>") && !page.contains("<b>"),
            "{page}"
        );
        assert!(page.contains("1 &#60; 2 &#38;") && page.contains("2 times again"));
        let empty = Page {
            messages: Vec::new(),
        };
        assert!(empty.render().unwrap().contains("Nothing yet."));
    }
}
