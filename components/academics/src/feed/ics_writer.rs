//! Writes iCalendar text: components and their properties, one after the other. The content of a
//! calendar is decided in `calendar`.
//!
//! The crate `icalendar` folds, escapes and quotes. Its component types are not used, because they
//! add a `UID` to each component and the present time as `DTSTAMP`, even to time zones. RFC 5545
//! does not allow that there, and a strong entity tag needs a text that does not change.

use icalendar::Property;

/// The text of a calendar while it is written.
#[derive(Default)]
pub(super) struct IcsWriter(String);

impl IcsWriter {
    /// Writes a component with its content.
    pub(super) fn component(&mut self, kind: &'static str, write: impl FnOnce(&mut IcsWriter)) {
        self.property("BEGIN", kind);
        write(self);
        self.property("END", kind);
    }

    /// Writes a property without parameters.
    pub(super) fn property(&mut self, name: &'static str, value: impl Into<String>) {
        self.push(Property::new(name, value));
    }

    /// Writes a property with one parameter.
    pub(super) fn property_with(
        &mut self,
        name: &'static str,
        parameter: (&str, &str),
        value: impl Into<String>,
    ) {
        self.push(
            Property::new(name, value)
                .append_parameter(parameter)
                .done(),
        );
    }

    fn push(&mut self, property: Property) {
        // Writing to a string never fails.
        if let Ok(line) = TryInto::<String>::try_into(property) {
            self.0.push_str(&line);
        }
    }

    /// Returns the whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut IcsWriter)) -> String {
        let mut writer = IcsWriter::default();
        write(&mut writer);
        writer.finish()
    }

    #[test]
    fn components_stand_in_each_other() {
        let text = written(|writer| {
            writer.component("VCALENDAR", |writer| {
                writer.component("VEVENT", |writer| writer.property("UID", "7"));
            });
        });
        assert_eq!(
            text,
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:7\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
    }

    #[test]
    fn text_is_escaped_and_cannot_become_a_property() {
        let text = written(|writer| writer.property("SUMMARY", "a,b;c\\d\nATTENDEE:x"));
        assert_eq!(text, "SUMMARY:a\\,b\\;c\\\\d\\nATTENDEE:x\r\n");
    }

    #[test]
    fn lines_are_folded_at_75_octets_and_never_inside_a_character() {
        for length in 60..90 {
            let summary = format!("{}{}", "x".repeat(length), "é 日本語 ".repeat(30));
            let text = written(|writer| writer.property("SUMMARY", summary.trim_end()));
            assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
            let unfolded = text.replace("\r\n ", "");
            assert_eq!(unfolded, format!("SUMMARY:{}\r\n", summary.trim_end()));
        }
    }

    #[test]
    fn parameters_stand_behind_the_name() {
        let text = written(|writer| {
            writer.property_with("EXDATE", ("TZID", "Europe/London"), "20260302T160000");
        });
        assert_eq!(text, "EXDATE;TZID=Europe/London:20260302T160000\r\n");
    }
}
