//! The length of a password, counted in characters of its normal form. The hashes are computed by
//! the component `passwords`.

/// The minimum number of characters of a password.
pub const MIN_CHARACTERS: usize = 12;
/// The maximum number of characters of a password.
pub const MAX_CHARACTERS: usize = 128;
