//! Tests the links of the documentation, and the commands of its first steps.

mod links;
mod shell_blocks;
