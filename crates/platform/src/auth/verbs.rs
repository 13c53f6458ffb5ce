//! The most frequent sets of plain verbs in resources and grants. Actions are added to a grant by
//! `Grant::with_verbs`.

use crate::auth::policy::Verb;

/// Reads rows.
pub const READ: &[Verb] = &[Verb::List, Verb::Get];
/// Reads rows, and all of them as a file.
pub const READ_EXPORT: &[Verb] = &[Verb::List, Verb::Get, Verb::Export];
/// Reads rows and creates new ones.
pub const READ_CREATE: &[Verb] = &[Verb::List, Verb::Get, Verb::Create];
/// Reads rows and changes them.
pub const READ_UPDATE: &[Verb] = &[Verb::List, Verb::Get, Verb::Update];
/// Does everything with single rows.
pub const EDIT: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
];
/// Does everything with single rows and with files.
pub const PLAIN: &[Verb] = &[
    Verb::List,
    Verb::Get,
    Verb::Create,
    Verb::Update,
    Verb::Delete,
    Verb::Restore,
    Verb::Import,
    Verb::Export,
];
