//! Tests that every link of the documentation leads to a file, and to the heading that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

/// The directories that have pages, relative to the root of the repository.
const PLACES: [&str; 4] = [".", "deploy", "docs", "migrations"];

/// Adds the pages of a directory to those found, and if `below`, those of its subdirectories.
fn pages(directory: &Path, below: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(tests::root().join(directory))? {
        let entry = entry?;
        let path = directory.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if below {
                pages(&path, below, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(normal(&path));
        }
    }
    Ok(())
}

/// Returns the path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}

/// Returns the anchor that GitHub gives a heading: lower case, hyphens for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let characters = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    characters
        .collect::<String>()
        .to_lowercase()
        .replace(' ', "-")
}

/// Returns the links and the anchors of a page.
fn read(markdown: &str) -> (Vec<String>, Vec<String>) {
    let (mut links, mut anchors) = (Vec::new(), Vec::new());
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link {
                link_type: LinkType::Email,
                ..
            }) => {}
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(dest_url.into_string());
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                anchors.extend(heading.take().map(|text| anchor(&text)));
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    (links, anchors)
}

#[test]
fn every_link_leads_somewhere() -> Result<()> {
    let mut paths = Vec::new();
    for place in PLACES {
        pages(Path::new(place), place != ".", &mut paths)?;
    }
    let mut read_pages = BTreeMap::new();
    for path in paths {
        let text = fs::read_to_string(tests::root().join(&path))?;
        read_pages.insert(path, read(&text));
    }
    let mut broken = Vec::new();
    let mut followed = 0;
    for (page, (links, _)) in &read_pages {
        for link in links.iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                normal(&page.parent().context("a directory")?.join(path))
            };
            let has_anchor = anchor.is_empty()
                || read_pages
                    .get(&target)
                    .is_some_and(|(_, anchors)| anchors.iter().any(|known| known == anchor));
            if !tests::root().join(&target).exists() || !has_anchor {
                broken.push(format!("{}: {link}", page.display()));
            }
            followed += 1;
        }
    }
    assert!(followed > 200, "only {followed} links were found");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
    Ok(())
}
