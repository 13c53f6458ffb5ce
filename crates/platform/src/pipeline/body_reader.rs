//! Reads the body of a request as it arrives, within limits of size and time. The limits of each
//! request are decided in `pipeline::resolve`.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::http::problem::{Kind, Problem};
use crate::pipeline::import;

/// The time for which a body may stall, and the total time after which its rate is limited.
const STALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The minimum rate of a body: each of these bytes allows for one more second.
const MIN_BYTES_PER_SECOND: usize = 1024;
/// The minimum rate of a file, which is higher because memory is held for its rows while it is
/// read.
const MIN_FILE_BYTES_PER_SECOND: usize = 64 * 1024;

/// Reads a body.
pub struct BodyReader {
    limit: usize,
    taken: usize,
    sink: BodySink,
    /// True if the body has a content coding, none of which is supported.
    has_content_coding: bool,
}

/// The destination of the body's bytes while they arrive.
enum BodySink {
    Bytes(Vec<u8>),
    File {
        reader: Box<import::Reader>,
        /// The hash of the file, if an idempotency key needs it.
        digest: Option<Sha256>,
    },
}

/// The body, once it has been read.
pub enum Body {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// A file to import.
    File(ImportedFile),
}

/// A file to import.
pub struct ImportedFile {
    /// The rows as the argument of the statement that inserts them, and their row numbers.
    pub(crate) batch: import::ImportBatch,
    /// The SHA-256 of the file; empty if no idempotency key needs it.
    pub(crate) digest: Vec<u8>,
}

impl BodyReader {
    /// Creates a reader that keeps the bytes.
    pub fn bytes(limit: usize) -> BodyReader {
        BodyReader {
            limit,
            taken: 0,
            sink: BodySink::Bytes(Vec::new()),
            has_content_coding: false,
        }
    }

    /// Creates a reader that keeps the rows of a file and, if there is an idempotency key, its
    /// hash.
    pub fn file(limit: usize, reader: import::Reader, has_key: bool) -> BodyReader {
        BodyReader {
            limit,
            taken: 0,
            sink: BodySink::File {
                reader: Box::new(reader),
                digest: has_key.then(Sha256::new),
            },
            has_content_coding: false,
        }
    }

    /// Makes the reader refuse any content, if the body has a content coding such as `gzip`.
    #[must_use]
    pub fn with_content_coding(self, has_content_coding: bool) -> BodyReader {
        BodyReader {
            has_content_coding,
            ..self
        }
    }

    /// Checks the length that the client announced.
    ///
    /// # Errors
    ///
    /// 413 when it is too large, 415 when the body has a content coding.
    pub fn check_content_length(&mut self, length: usize) -> Result<(), Problem> {
        if self.has_content_coding && length > 0 {
            return Err(unsupported_content_coding());
        }
        if length > self.limit {
            return Err(self.too_large());
        }
        if let BodySink::Bytes(bytes) = &mut self.sink {
            bytes.reserve_exact(length);
        }
        Ok(())
    }

    /// Returns the time to wait for the next piece of a body, given the time since its first.
    pub fn next_timeout(&self, elapsed: Duration) -> Duration {
        let rate = match self.sink {
            BodySink::Bytes(_) => MIN_BYTES_PER_SECOND,
            BodySink::File { .. } => MIN_FILE_BYTES_PER_SECOND,
        };
        let allowed = Duration::from_secs((self.taken / rate) as u64);
        STALL_TIMEOUT.min((STALL_TIMEOUT + allowed).saturating_sub(elapsed))
    }

    /// Reads the next piece.
    ///
    /// # Errors
    ///
    /// 413 as soon as the limit is exceeded, 415 when the body has a content coding; for a file,
    /// its error as soon as that is known.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Problem> {
        if self.has_content_coding && !piece.is_empty() {
            return Err(unsupported_content_coding());
        }
        self.taken += piece.len();
        if self.taken > self.limit {
            return Err(self.too_large());
        }
        match &mut self.sink {
            BodySink::Bytes(bytes) => bytes.extend_from_slice(piece),
            BodySink::File { reader, digest } => {
                if let Some(digest) = digest {
                    digest.update(piece);
                }
                reader.take(piece)?;
            }
        }
        Ok(())
    }

    /// Returns the whole body.
    ///
    /// # Errors
    ///
    /// The error of a file.
    pub fn finish(self) -> Result<Body, Problem> {
        Ok(match self.sink {
            BodySink::Bytes(bytes) => Body::Bytes(bytes),
            BodySink::File { reader, digest } => Body::File(ImportedFile {
                batch: reader.finish()?,
                digest: digest.map_or_else(Vec::new, |digest| digest.finalize().to_vec()),
            }),
        })
    }

    fn too_large(&self) -> Problem {
        Problem::new(Kind::TooLarge)
            .detail(format!("The body must have at most {} bytes.", self.limit))
    }
}

fn unsupported_content_coding() -> Problem {
    Problem::new(Kind::UnsupportedMediaType)
        .detail("Send the body without a `Content-Encoding`, or with `identity`.")
        .header("accept-encoding", "identity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{ADMIN, LAMPS};

    fn file(has_key: bool) -> BodyReader {
        let reader = import::Reader::new(&LAMPS, &ADMIN, false);
        BodyReader::file(100, reader, has_key)
    }

    #[test]
    fn bytes_are_kept_up_to_the_limit() {
        let mut reader = BodyReader::bytes(5);
        reader.take(b"ab").unwrap();
        reader.take(b"cde").unwrap();
        assert!(matches!(reader.finish(), Ok(Body::Bytes(bytes)) if bytes == b"abcde"));
        let mut reader = BodyReader::bytes(5);
        reader.take(b"abc").unwrap();
        assert_eq!(reader.take(b"def").unwrap_err().status(), 413);
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_comes() {
        for mut reader in [BodyReader::bytes(100), file(false)] {
            reader.check_content_length(100).unwrap();
            assert_eq!(reader.check_content_length(101).unwrap_err().status(), 413);
        }
    }

    #[test]
    fn a_coded_body_is_refused_and_no_body_is_not() {
        for mut reader in [
            BodyReader::bytes(100).with_content_coding(true),
            file(false).with_content_coding(true),
        ] {
            reader.check_content_length(0).unwrap();
            reader.take(b"").unwrap();
            assert_eq!(reader.check_content_length(1).unwrap_err().status(), 415);
            assert_eq!(reader.take(b"x").unwrap_err().status(), 415);
        }
    }

    #[test]
    fn a_file_is_refused_as_soon_as_it_is_too_large_or_wrong() {
        let mut reader = file(false);
        reader.take(b"name\n").unwrap();
        assert_eq!(reader.take(&[b'\n'; 96]).unwrap_err().status(), 413);
        let mut reader = file(false);
        reader.take(b"name,col").unwrap();
        assert_eq!(reader.take(b"our\nA").unwrap_err().status(), 400);
    }

    #[test]
    fn a_slow_body_gets_no_more_time_than_its_bytes_allow() {
        let seconds = Duration::from_secs;
        let mut reader = BodyReader::bytes(1024 * 1024);
        assert_eq!(reader.next_timeout(seconds(0)), STALL_TIMEOUT);
        assert_eq!(reader.next_timeout(seconds(14)), seconds(1));
        reader.take(b"x").unwrap();
        assert_eq!(reader.next_timeout(seconds(16)), seconds(0));
        reader.take(&[b'x'; 10 * 1024]).unwrap();
        assert_eq!(reader.next_timeout(seconds(16)), seconds(9));
        assert_eq!(reader.next_timeout(seconds(3)), STALL_TIMEOUT);
    }

    #[test]
    fn the_hash_of_a_file_is_that_of_all_its_bytes_and_taken_only_for_a_key() {
        for (has_key, expected) in [
            (true, Sha256::digest(b"name\n\nA\n").to_vec()),
            (false, Vec::new()),
        ] {
            let mut reader = file(has_key);
            reader.take(b"name\n\n").unwrap();
            reader.take(b"A\n").unwrap();
            let Ok(Body::File(file)) = reader.finish() else {
                panic!("the file was not read");
            };
            assert_eq!(file.digest, expected);
        }
    }
}
