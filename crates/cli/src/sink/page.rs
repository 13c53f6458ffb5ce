//! The sink's page. What came from elsewhere is escaped by the template.

use maud::{DOCTYPE, Markup, html};

use super::Sent;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
article{border-top:1px solid #ccc;padding:1rem 0}h2{font-size:1rem;margin:0}\
p{margin:.25rem 0;white-space:pre-wrap;overflow-wrap:anywhere}small{color:#555}";

/// The page with all messages.
pub(super) fn render(messages: &[Sent]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Notifications" }
                style { (STYLE) }
            }
            body {
                h1 { "Notifications" }
                p { "What would have been sent, newest first. Nothing leaves this machine, and nothing is kept when it stops." }
                @if messages.is_empty() {
                    p { "Nothing yet." }
                }
                @for message in messages {
                    article {
                        h2 { (message.subject) }
                        p { (message.text) }
                        small {
                            (message.channel) " to " (message.to) ", " (message.at.format("%Y-%m-%d %H:%M:%S UTC"))
                            @if message.doubles > 0 {
                                ", and " (message.doubles) " times again"
                            }
                        }
                    }
                }
            }
        }
    }
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
        let page = render(&[sent]).into_string();
        assert!(
            !page.contains("<script>") && !page.contains("<b>"),
            "{page}"
        );
        assert!(page.contains("1 &lt; 2 &amp;") && page.contains("2 times again"));
        assert!(render(&[]).into_string().contains("Nothing yet."));
    }
}
