//! Makes Cargo notice new and removed migrations: the macro that embeds them only tracks the files it already knows.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
