//! A check of `lms doctor`, its finding, and their printed form.
//! The checks themselves are made in the parent module and in `local::doctor`.

use std::fmt::{self, Display, Formatter};

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// The finding of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Everything is as it should be.
    Good(String),
    /// The check was not made, and this is not a fault.
    Skipped(String),
    /// Something is wrong. The second text says how to repair it.
    Bad(String, String),
}

/// A check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The subject of the check.
    pub subject: &'static str,
    /// The finding.
    pub finding: Finding,
}

impl Check {
    /// A check that has found everything as it should be.
    pub fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Good(text.into()),
        }
    }

    /// A check that was not made.
    pub fn skipped(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Skipped(text.into()),
        }
    }

    /// A check that has found something wrong, with the way to repair it.
    pub fn bad(subject: &'static str, fault: impl Into<String>, repair: impl Into<String>) -> Self {
        Self {
            subject,
            finding: Finding::Bad(fault.into(), repair.into()),
        }
    }

    /// A check of a subject, which may have failed itself.
    pub fn of(subject: &'static str, finding: anyhow::Result<Finding>) -> Self {
        let finding = finding.unwrap_or_else(|error| {
            Finding::Bad(
                format!("{error:#}"),
                "run `lms migrate`, and check again".to_owned(),
            )
        });
        Self { subject, finding }
    }

    /// Returns whether something is wrong.
    pub fn is_bad(&self) -> bool {
        matches!(self.finding, Finding::Bad(..))
    }
}

impl Display for Check {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let subject = self.subject;
        match &self.finding {
            Finding::Good(text) => write!(formatter, "ok    {subject}: {text}"),
            Finding::Skipped(text) => write!(formatter, "skip  {subject}: {text}"),
            Finding::Bad(fault, repair) => write!(
                formatter,
                "FAIL  {subject}: {fault}\n      to repair it: {repair}"
            ),
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (status, detail, repair) = match &self.finding {
            Finding::Good(text) => ("ok", text, None),
            Finding::Skipped(text) => ("skipped", text, None),
            Finding::Bad(fault, repair) => ("failed", fault, Some(repair)),
        };
        let mut members = serializer.serialize_struct("Check", 4)?;
        members.serialize_field("subject", self.subject)?;
        members.serialize_field("status", status)?;
        members.serialize_field("detail", detail)?;
        members.serialize_field("repair", &repair)?;
        members.end()
    }
}
