//! One's classes as a calendar that other programs subscribe to (`/v1/calendar/feed`).
//!
//! The address of a calendar holds a secret, because calendar programs don't sign in. It opens this calendar and nothing else,
//! is stored as its SHA-256 alone, and ends when it is replaced or revoked.

mod calendar;
mod series;
mod sheet;
mod subscription;
mod time;
mod token;
mod zone;

pub(crate) use subscription::READ;
pub(crate) use token::{MAKE, REVOKE, SHOW};
