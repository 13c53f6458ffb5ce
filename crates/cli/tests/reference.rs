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
         same.\n\nWith `--json`, each command prints its answer as [one JSON document](../command-answers.md).\n\n| command | purpose |\n|---|---|\n",
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

/// The names of all commands without subcommands, such as `lms tenant list`.
fn full_names(command: &Command, prefix: &str) -> Vec<String> {
    let name = format!("{prefix}{}", command.get_name());
    if !command.has_subcommands() {
        return vec![name];
    }
    let prefix = format!("{name} ");
    command
        .get_subcommands()
        .flat_map(|command| full_names(command, &prefix))
        .collect()
}

#[test]
fn every_command_has_an_example_of_its_answer_or_refuses_json() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/command-answers.md");
    let page = fs::read_to_string(path).unwrap();
    let sections: BTreeMap<&str, &str> = page
        .split("\n## `")
        .skip(1)
        .map(|section| section.split_once("`\n").unwrap())
        .collect();
    for example in page.split("```json\n").skip(1) {
        let example = example.split("```").next().unwrap();
        let parsed = serde_json::from_str::<serde_json::Value>(example);
        assert!(parsed.is_ok_and(|value| value.is_object()), "{example}");
    }
    for name in full_names(&cli::command(), "") {
        let is_told = match name.as_str() {
            "lms worker" => sections.contains_key("lms worker --once"),
            // The section of `lms tenant show` says that these answer the same.
            "lms tenant create" | "lms tenant suspend" | "lms tenant resume" => {
                sections["lms tenant show"].contains(&format!("`{name}`"))
            }
            "lms up" | "lms serve" | "lms cell up" | "lms completions" => {
                page.contains(&format!("`{name}`"))
            }
            name => sections
                .get(name)
                .is_some_and(|text| text.contains("```json")),
        };
        assert!(is_told, "no example of the answer of {name}");
    }
}
