//! Renders the calendar of one user in iCalendar form (RFC 5545) from its series. It reads no clock
//! and no database, so the same series always give the same text, and the entity tag is computed
//! from that text.
//!
//! The syntax of lines and parameters is in `ics_writer`, and the description of time zones is in
//! `zone`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeZone, Utc};
use platform::values::zones::Zone;
use recurrence::instant;

use super::ics_writer::IcsWriter;
use super::series::{Rescheduled, Series};
use super::time::{format_local, format_utc};
use super::zone;

const PRODUCT: &str = concat!("-//LMS//Calendar ", env!("CARGO_PKG_VERSION"), "//EN");

/// The interval at which a reader should ask again.
const REFRESH_INTERVAL: &str = "PT1H";

/// Renders the whole calendar.
///
/// # Errors
///
/// A line for the operator when a series is in an unknown time zone.
pub(super) fn render(all: &[Series]) -> Result<String, String> {
    let mut events = Vec::with_capacity(all.len());
    let mut zones: BTreeMap<&str, (Zone, NaiveDateTime)> = BTreeMap::new();
    for series in all {
        let name = series.schedule.time_zone.as_str();
        let zone = recurrence::zone(name)
            .ok_or_else(|| format!("class {} is in an unknown time zone", series.id))?;
        let event = Event { series, zone };
        let since = event.since();
        zones
            .entry(name)
            .and_modify(|(_, first)| *first = since.min(*first))
            .or_insert((zone, since));
        events.push(event);
    }
    let mut writer = IcsWriter::default();
    writer.component("VCALENDAR", |writer| {
        writer.property("VERSION", "2.0");
        writer.property("PRODID", PRODUCT);
        writer.property("CALSCALE", "GREGORIAN");
        writer.property("NAME", "Classes");
        writer.property("X-WR-CALNAME", "Classes");
        writer.property_with("REFRESH-INTERVAL", ("VALUE", "DURATION"), REFRESH_INTERVAL);
        writer.property("X-PUBLISHED-TTL", REFRESH_INTERVAL);
        for (zone, since) in zones.into_values() {
            zone::write(writer, zone, since);
        }
        for event in events {
            event.write(writer);
        }
    });
    Ok(writer.finish())
}

/// A series in its time zone.
struct Event<'a> {
    series: &'a Series,
    zone: Zone,
}

impl Event<'_> {
    fn write(&self, writer: &mut IcsWriter) {
        let (series, schedule) = (self.series, &self.series.schedule);
        let rule = self.rule();
        if rule.is_none() && series.added.is_empty() {
            self.write_single(writer);
            return;
        }
        let takes_place = series.is_ongoing || series.last.is_some();
        writer.component("VEVENT", |writer| {
            self.write_identity(writer);
            self.write_local(writer, "DTSTART", schedule.start);
            self.write_local(writer, "DTEND", schedule.end);
            if let Some(rule) = rule {
                writer.property("RRULE", rule);
            }
            for start in &series.added {
                self.write_local(writer, "RDATE", self.nominal(*start));
            }
            for start in self.excepted() {
                self.write_local(writer, "EXDATE", start);
            }
            self.write_description(writer, series.room.as_deref(), takes_place);
        });
        // A class that is over as a whole is written without exceptions.
        for lesson in series.rescheduled.iter().filter(|_| takes_place) {
            writer.component("VEVENT", |writer| {
                self.write_identity(writer);
                self.write_local(writer, "RECURRENCE-ID", self.nominal(lesson.original_start));
                self.write_times(writer, lesson);
                self.write_description(writer, lesson.room.as_deref(), true);
            });
        }
    }

    /// Writes a class that does not recur at the time it was rescheduled to, because it has no
    /// series to be an exception from.
    fn write_single(&self, writer: &mut IcsWriter) {
        let (series, schedule) = (self.series, &self.series.schedule);
        let lesson = series.rescheduled.first();
        writer.component("VEVENT", |writer| {
            self.write_identity(writer);
            if let Some(lesson) = lesson {
                self.write_times(writer, lesson);
            } else {
                self.write_local(writer, "DTSTART", schedule.start);
                self.write_local(writer, "DTEND", schedule.end);
            }
            let room = lesson.map_or(series.room.as_deref(), |lesson| lesson.room.as_deref());
            self.write_description(writer, room, series.last.is_some());
        });
    }

    /// Writes the properties that identify the event and its revision.
    fn write_identity(&self, writer: &mut IcsWriter) {
        let changed_at = format_utc(self.series.changed_at);
        writer.property("UID", self.series.id.as_str());
        writer.property("DTSTAMP", changed_at.as_str());
        writer.property("LAST-MODIFIED", changed_at);
        writer.property("SEQUENCE", self.series.sequence.to_string());
    }

    /// Writes the properties that describe the event and its place.
    fn write_description(&self, writer: &mut IcsWriter, room: Option<&str>, takes_place: bool) {
        writer.property("SUMMARY", one_line(&self.summary()));
        let place: Vec<&str> = [room, self.series.centre.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        if !place.is_empty() {
            writer.property("LOCATION", one_line(&place.join(", ")));
        }
        if let Some(url) = &self.series.meeting_url {
            writer.property("URL", url.as_str());
        }
        if let Some(until) = self.series.planned_until {
            let day = until.with_timezone(&self.zone).date_naive();
            writer.property(
                "DESCRIPTION",
                format!("Planned until {day}. Later lessons are not yet certain."),
            );
            writer.property("X-LMS-PLANNED-UNTIL", format_utc(until));
        }
        let status = if takes_place {
            "CONFIRMED"
        } else {
            "CANCELLED"
        };
        writer.property("STATUS", status);
    }

    /// Returns the title of the event. It names nobody but a parent's own children, and those by
    /// their first names.
    fn summary(&self) -> String {
        let series = self.series;
        let mut summary = series.subject.clone().unwrap_or_else(|| "Class".to_owned());
        if let Some(level) = &series.level {
            summary = format!("{summary}, {level}");
        }
        if !series.children.is_empty() {
            summary = format!("{summary} ({})", series.children.join(", "));
        }
        summary
    }

    fn write_local(&self, writer: &mut IcsWriter, name: &'static str, local: NaiveDateTime) {
        writer.property_with(name, ("TZID", self.zone.name()), format_local(local));
    }

    /// Writes the times to which an occurrence was rescheduled. They are local times of the zone,
    /// unless the local time would name another instant, as in the second of two hours that the
    /// clocks go through twice.
    fn write_times(&self, writer: &mut IcsWriter, lesson: &Rescheduled) {
        let local = |time: DateTime<Utc>| time.with_timezone(&self.zone).naive_local();
        let times = [("DTSTART", lesson.starts_at), ("DTEND", lesson.ends_at)];
        let is_plain = times
            .iter()
            .all(|(_, time)| instant(self.zone, local(*time)) == *time);
        for (name, time) in times {
            if is_plain {
                self.write_local(writer, name, local(time));
            } else {
                writer.property(name, format_utc(time));
            }
        }
    }

    /// Returns the recurrence rule as it is stored. For a class that is over, the rule ends with
    /// the last occurrence that took place, because the stored rule may have no end.
    fn rule(&self) -> Option<String> {
        let stored = self.explicit_rule()?;
        if self.series.is_ongoing {
            return Some(stored);
        }
        let last = match self.series.last {
            Some(last) => last,
            None => instant(self.zone, self.series.schedule.start),
        };
        let is_end = |part: &str| part.starts_with("UNTIL=") || part.starts_with("COUNT=");
        let mut parts: Vec<&str> = stored.split(';').filter(|part| !is_end(part)).collect();
        let until = format!("UNTIL={}", format_utc(last));
        parts.push(&until);
        Some(parts.join(";"))
    }

    /// Returns the stored rule. If the rule names weeks of the year alone, the weekday of the start
    /// is added (RFC 5545, section 3.3.10), because some readers would otherwise take all seven
    /// days.
    fn explicit_rule(&self) -> Option<String> {
        let schedule = &self.series.schedule;
        let stored = schedule.recurring.as_ref()?.rule.as_str();
        let has = |name: &str| stored.split(';').any(|part| part.starts_with(name));
        let is_open =
            has("BYWEEKNO=") && !has("BYDAY=") && !has("BYMONTHDAY=") && !has("BYYEARDAY=");
        Some(if is_open {
            let day = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
                [schedule.start.weekday().num_days_from_monday() as usize];
            format!("{stored};BYDAY={day}")
        } else {
            stored.to_owned()
        })
    }

    /// Returns the starts of the rule that are left out, each once.
    fn excepted(&self) -> Vec<NaiveDateTime> {
        let excepted = self.series.schedule.recurring.iter();
        let mut starts: Vec<NaiveDateTime> = excepted
            .flat_map(|recurring| recurring.except.iter().copied())
            .chain(
                self.series
                    .cancelled
                    .iter()
                    .map(|start| self.nominal(*start)),
            )
            .collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Returns the local time that the rule names for a start. Where the clocks skip that time,
    /// they show another one.
    fn nominal(&self, start: DateTime<Utc>) -> NaiveDateTime {
        let shown = start.with_timezone(&self.zone).naive_local();
        let usual = shown.date().and_time(self.series.schedule.start.time());
        let is_skipped = self.zone.from_local_datetime(&usual).earliest().is_none();
        if is_skipped && instant(self.zone, usual) == start {
            usual
        } else {
            shown
        }
    }

    /// Returns the first local time for which the zone is needed.
    fn since(&self) -> NaiveDateTime {
        let rescheduled = self.series.rescheduled.iter();
        rescheduled
            .map(|lesson| lesson.starts_at)
            .chain(self.series.added.iter().copied())
            .map(|time| time.with_timezone(&self.zone).naive_local())
            .fold(self.series.schedule.start, NaiveDateTime::min)
    }
}

/// Joins a text into one line, because some readers show only the first.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
