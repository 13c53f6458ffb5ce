//! Refreshing the materialized views behind the analytics, for the operator and for the worker.
//! The requests that read them live in the components.

use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::{Serialize, Serializer};
use tokio_postgres::Client;

use crate::connection::explain;

/// A materialized view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
pub enum View {
    /// Assessments, points and badges of each student
    #[serde(rename = "mv_student_progress")]
    #[value(name = "mv_student_progress")]
    StudentProgress,
    /// Students and classes of each tutor
    #[serde(rename = "mv_tutor_load")]
    #[value(name = "mv_tutor_load")]
    TutorLoad,
    /// Money of each centre by month
    #[serde(rename = "mv_centre_financials")]
    #[value(name = "mv_centre_financials")]
    CentreFinancials,
}

impl View {
    /// Every view, in the order in which they are refreshed.
    pub const ALL: [View; 3] = [
        View::StudentProgress,
        View::TutorLoad,
        View::CentreFinancials,
    ];

    /// The view's name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::StudentProgress => "mv_student_progress",
            Self::TutorLoad => "mv_tutor_load",
            Self::CentreFinancials => "mv_centre_financials",
        }
    }
}

/// A view that was refreshed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Refreshed {
    /// The view.
    pub view: View,
    /// The duration, including the wait for another refresh of the view.
    #[serde(rename = "seconds", serialize_with = "in_seconds")]
    pub took: Duration,
}

fn in_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

impl Display for Refreshed {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (name, seconds) = (self.view.name(), self.took.as_secs_f64());
        write!(out, "{name}: refreshed in {seconds:.2} s")
    }
}

/// Refreshes a view in a transaction of its own. Meanwhile the view can be read and its sources can be written.
///
/// # Errors
///
/// When the database fails, or the login lacks the privilege.
pub async fn refresh(client: &Client, view: View) -> Result<Refreshed> {
    let begin = Instant::now();
    client
        .execute("select lms.refresh_view($1)", &[&view.name()])
        .await
        .map_err(explain)
        .with_context(|| format!("cannot refresh {}", view.name()))?;
    Ok(Refreshed {
        view,
        took: begin.elapsed(),
    })
}
