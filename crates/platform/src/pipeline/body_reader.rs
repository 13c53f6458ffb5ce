//! The body of a request, taken in as it arrives and within its limit. Who may send how much is said by the
//! pipeline.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::http::problem::{Kind, Problem};
use crate::pipeline::import;

/// How long a body may stand still, and what it may take in all before its rate counts.
const GRACE: Duration = Duration::from_secs(15);

/// Bytes of a body that are good for one more second.
const RATE: usize = 1024;
/// The same of a file: while it is read, memory is held for its rows.
const RATE_OF_FILE: usize = 64 * 1024;

/// Takes a body in.
pub struct Intake {
    limit: usize,
    taken: usize,
    kept: Kept,
    /// It comes in a coding that nothing here undoes.
    is_coded: bool,
}

/// What is kept of the body while it arrives.
enum Kept {
    Bytes(Vec<u8>),
    File {
        reader: Box<import::Reader>,
        /// The hash of the file, where an idempotency key needs it.
        digest: Option<Sha256>,
    },
}

/// What a body has become.
pub enum Body {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// The rows of a file that is imported.
    Rows(Rows),
}

/// The rows of a file that is imported.
pub struct Rows {
    /// The argument of the statement that inserts them, and where they stand.
    pub(crate) gathered: import::Gathered,
    /// The SHA-256 of the file; empty when nobody asks for it.
    pub(crate) digest: Vec<u8>,
}

impl Intake {
    /// Keeps the bytes.
    pub fn bytes(limit: usize) -> Intake {
        Intake {
            limit,
            taken: 0,
            kept: Kept::Bytes(Vec::new()),
            is_coded: false,
        }
    }

    /// Keeps the rows of a file and, if there is an idempotency key, its hash.
    pub fn file(limit: usize, reader: import::Reader, has_key: bool) -> Intake {
        Intake {
            limit,
            taken: 0,
            kept: Kept::File {
                reader: Box::new(reader),
                digest: has_key.then(Sha256::new),
            },
            is_coded: false,
        }
    }

    /// Has it refuse whatever comes, if that is in a coding such as `gzip`.
    #[must_use]
    pub fn coded(self, is_coded: bool) -> Intake {
        Intake { is_coded, ..self }
    }

    /// Hears of the length that the client says its body has.
    ///
    /// # Errors
    ///
    /// 413 when it is too large, 415 when it is coded.
    pub fn announce(&mut self, length: usize) -> Result<(), Problem> {
        if self.is_coded && length > 0 {
            return Err(coded());
        }
        if length > self.limit {
            return Err(self.too_large());
        }
        if let Kept::Bytes(bytes) = &mut self.kept {
            bytes.reserve_exact(length);
        }
        Ok(())
    }

    /// How long to wait for the next piece of a body that began to come so long ago.
    pub fn patience(&self, elapsed: Duration) -> Duration {
        let rate = match self.kept {
            Kept::Bytes(_) => RATE,
            Kept::File { .. } => RATE_OF_FILE,
        };
        let earned = Duration::from_secs((self.taken / rate) as u64);
        GRACE.min((GRACE + earned).saturating_sub(elapsed))
    }

    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// 413 as soon as the limit is passed, 415 when it is coded; for a file, what is wrong with it as soon as that is known.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        if self.is_coded && !piece.is_empty() {
            return Err(coded());
        }
        self.taken += piece.len();
        if self.taken > self.limit {
            return Err(self.too_large());
        }
        match &mut self.kept {
            Kept::Bytes(bytes) => bytes.extend_from_slice(piece),
            Kept::File { reader, digest } => {
                if let Some(digest) = digest {
                    digest.update(piece);
                }
                reader.take(piece)?;
            }
        }
        Ok(())
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// What is wrong with a file.
    pub fn finish(self) -> Result<Body, Problem> {
        Ok(match self.kept {
            Kept::Bytes(bytes) => Body::Bytes(bytes),
            Kept::File { reader, digest } => Body::Rows(Rows {
                gathered: reader.finish()?,
                digest: digest.map_or_else(Vec::new, |digest| digest.finalize().to_vec()),
            }),
        })
    }

    fn too_large(&self) -> Problem {
        Problem::new(Kind::TooLarge).detail(format!("This takes at most {} bytes.", self.limit))
    }
}

fn coded() -> Problem {
    Problem::new(Kind::UnsupportedMediaType)
        .detail("Send the body as it is: no Content-Encoding but identity is read here.")
        .header("accept-encoding", "identity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ADMIN, LAMPS};

    fn file(has_key: bool) -> Intake {
        let reader = import::Reader::new(&LAMPS, &ADMIN, false);
        Intake::file(100, reader, has_key)
    }

    #[test]
    fn bytes_are_kept_up_to_the_limit() {
        let mut intake = Intake::bytes(5);
        intake.take(b"ab").unwrap();
        intake.take(b"cde").unwrap();
        assert!(matches!(intake.finish(), Ok(Body::Bytes(bytes)) if bytes == b"abcde"));
        let mut intake = Intake::bytes(5);
        intake.take(b"abc").unwrap();
        assert_eq!(intake.take(b"def").unwrap_err().status(), 413);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_comes() {
        for mut intake in [Intake::bytes(100), file(false)] {
            intake.announce(100).unwrap();
            assert_eq!(intake.announce(101).unwrap_err().status(), 413);
        }
    }

    #[test]
    fn a_coded_body_is_refused_and_no_body_is_not() {
        for mut intake in [Intake::bytes(100).coded(true), file(false).coded(true)] {
            intake.announce(0).unwrap();
            intake.take(b"").unwrap();
            assert_eq!(intake.announce(1).unwrap_err().status(), 415);
            assert_eq!(intake.take(b"x").unwrap_err().status(), 415);
        }
    }

    #[test]
    fn a_file_is_refused_as_soon_as_it_is_too_large_or_wrong() {
        let mut intake = file(false);
        intake.take(b"name\n").unwrap();
        assert_eq!(intake.take(&[b'\n'; 96]).unwrap_err().status(), 413);
        let mut intake = file(false);
        intake.take(b"name,col").unwrap();
        assert_eq!(intake.take(b"our\nA").unwrap_err().status(), 400);
    }

    #[test]
    fn who_sends_slowly_is_waited_for_no_longer_than_what_came_is_good_for() {
        let seconds = Duration::from_secs;
        let mut intake = Intake::bytes(1024 * 1024);
        assert_eq!(intake.patience(seconds(0)), GRACE);
        assert_eq!(intake.patience(seconds(14)), seconds(1));
        intake.take(b"x").unwrap();
        assert_eq!(intake.patience(seconds(16)), seconds(0));
        intake.take(&[b'x'; 10 * 1024]).unwrap();
        assert_eq!(intake.patience(seconds(16)), seconds(9));
        assert_eq!(intake.patience(seconds(3)), GRACE);
    }

    #[test]
    fn the_hash_of_a_file_is_that_of_all_its_bytes_and_taken_only_for_a_key() {
        for (has_key, expected) in [
            (true, Sha256::digest(b"name\n\nA\n").to_vec()),
            (false, Vec::new()),
        ] {
            let mut intake = file(has_key);
            intake.take(b"name\n\n").unwrap();
            intake.take(b"A\n").unwrap();
            let Ok(Body::Rows(rows)) = intake.finish() else {
                panic!("the file was not read");
            };
            assert_eq!(rows.digest, expected);
        }
    }
}
