//! The page of the dev outbox, whose template escapes the messages.
//! It is served in `dev_outbox`.

use askama::Template;

use super::Message;

/// The page with messages.
#[derive(Template)]
#[template(path = "dev_outbox.html")]
pub(super) struct Page {
    pub(super) messages: Vec<Message>,
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

    #[test]
    fn a_message_is_shown_as_text_and_not_as_markup() {
        let message = Message {
            key: "k".to_owned(),
            channel: "email",
            to: "<b>ana@aurora.example</b>".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            text: "1 < 2 & \"3\"".to_owned(),
            at: Utc::now(),
            duplicates: 2,
        };
        let page = Page {
            messages: vec![message],
        }
        .render()
        .unwrap();
        assert!(
            !page.contains("<script>") && !page.contains("<b>"),
            "{page}"
        );
        assert!(page.contains("1 &#60; 2 &#38;") && page.contains("repeated 2 times"));
        let empty = Page {
            messages: Vec::new(),
        };
        assert!(empty.render().unwrap().contains("No messages yet."));
    }
}
