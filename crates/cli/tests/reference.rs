//! The pages of docs/reference/lms/, one for each subcommand, generated from the definitions of the command line.
//! The definitions live in `cli::arguments`.

#![cfg(feature = "local")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::Command;
use clap_markdown::{MarkdownOptions, help_markdown_command_custom};

const INDEX: &str = "README.md";

/// The file names and contents of all pages, the index among them.
fn pages() -> BTreeMap<String, String> {
    let program = cli::command();
    let mut index = String::from(
        "# `lms`\n\nThe program of operators and developers. These pages are generated from its help texts; `lms help` shows the \
         same.\n\n| command | purpose |\n|---|---|\n",
    );
    let mut pages = BTreeMap::new();
    for command in program.get_subcommands() {
        let name = command.get_name();
        let about = command.get_about().map(ToString::to_string);
        index.push_str(&format!(
            "| [`lms {name}`]({name}.md) | {} |\n",
            about.unwrap_or_default()
        ));
        pages.insert(format!("{name}.md"), page(command));
    }
    pages.insert(INDEX.to_owned(), index);
    pages
}

fn page(command: &Command) -> String {
    let options = MarkdownOptions::new()
        .show_footer(false)
        .show_table_of_contents(false)
        .title(format!("`lms {}`", command.get_name()));
    let command = command
        .clone()
        .bin_name(format!("lms {}", command.get_name()));
    let page = help_markdown_command_custom(&command, &options);
    // The library begins each page with a line that says only that it contains help.
    let lines = page
        .lines()
        .filter(|line| !line.starts_with("This document contains the help content"));
    let page = lines.collect::<Vec<_>>().join("\n");
    format!("{}\n", page.trim_end().replace("\n\n\n", "\n\n"))
}

#[test]
fn every_subcommand_has_a_page_that_says_what_its_help_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/lms");
    let pages = pages();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (name, text) in &pages {
            fs::write(directory.join(name), text).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.insert(name, fs::read_to_string(path).unwrap());
    }
    assert_eq!(
        found, pages,
        "write them anew with UPDATE_GOLDEN=1 cargo test --release --workspace every_subcommand_has_a_page"
    );
}
