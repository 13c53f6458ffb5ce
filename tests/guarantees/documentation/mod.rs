//! The documentation: its links lead somewhere, and its first steps run as they are printed.

mod links;
mod shell_blocks;
