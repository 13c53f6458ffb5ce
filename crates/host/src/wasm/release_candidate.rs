//! Components that were built for Spin 4.0, whose WASI is a release candidate of 0.3.0. Imports are
//! linked in `linker`.
//!
//! The interfaces of the candidate are those of the final version: only the version in their names
//! differs. A linker looks for a compatible version, but a pre-release is compatible with nothing
//! else ([Semantic Versioning](https://semver.org), items 9 and 10). Build metadata, on the other
//! hand, is ignored, so that the candidate as build metadata is the same as the final version.

use memchr::memmem;

/// The version of the release candidate that Spin 4.0 has.
const CANDIDATE: &[u8] = b"@0.3.0-rc-2026-03-15";

/// The position of the hyphen in [`CANDIDATE`].
const HYPHEN: usize = b"@0.3.0".len();

/// Names the interfaces of the release candidate in a component as those of the final version.
pub(crate) fn finalize(wasm: &mut [u8]) {
    let found: Vec<usize> = memmem::find_iter(wasm, CANDIDATE).collect();
    for start in found {
        wasm[start + HYPHEN] = b'+';
    }
}

#[cfg(test)]
mod tests {
    use super::finalize;

    #[test]
    fn only_the_version_of_the_candidate_is_changed() {
        let mut wasm = *b"\x17wasi:http/types@0.3.0-rc-2026-03-15\0wasi:io/poll@0.2.6\0\
                          spin:up@0.3.0-rc-2025-09-16";
        finalize(&mut wasm);
        assert_eq!(
            wasm,
            *b"\x17wasi:http/types@0.3.0+rc-2026-03-15\0wasi:io/poll@0.2.6\0\
               spin:up@0.3.0-rc-2025-09-16"
        );
    }
}
