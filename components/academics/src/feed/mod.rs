//! The caller's calendar as a feed that other programs subscribe to (`/v1/calendar/feed`). The
//! calendar as JSON is in [`crate::calendar`].
//!
//! The URL of a feed holds a secret, because calendar programs do not sign in. The secret opens
//! this calendar and nothing else, is stored only as its SHA-256, and stops working when it is
//! replaced or revoked.

mod calendar;
mod ics_writer;
mod series;
mod subscription;
mod time;
mod token;
mod zone;

pub(crate) use subscription::READ;
pub(crate) use token::{CREATE, GET, REVOKE};
