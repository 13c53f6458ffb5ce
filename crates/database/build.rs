//! Rebuilds this crate when a migration is added or removed, because the macro that embeds them tracks existing files alone.
//! They are embedded in `migrate::files`.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
