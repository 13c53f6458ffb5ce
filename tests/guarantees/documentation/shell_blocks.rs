//! Runs the shell blocks of the README and of the tutorial in order in one shell, as a newcomer
//! would paste them.

use std::fs;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use tests::{Application, run};
use tokio::process::Command;

/// The address of the service on the pages, which is replaced by that of the test's application.
const PRINTED_ADDRESS: &str = "http://127.0.0.1:3000";

/// Blocks that are not run, because they start the service or the tests, which run already.
const STARTING: [&str; 2] = ["make run", "make test"];

fn blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "sh" => {
                open = Some(String::new());
            }
            Event::Text(text) => {
                if let Some(open) = &mut open {
                    open.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks.retain(|block| !STARTING.contains(&block.trim()));
    blocks
}

/// Runs the page's blocks in a directory that has `.lms/demo.json`, and returns what they print.
async fn paste(app: &Application, page: &str, least: usize) -> Result<String> {
    let path = tests::root().join(page);
    let blocks = blocks(&fs::read_to_string(path)?);
    ensure!(blocks.len() >= least, "{page} has {} blocks", blocks.len());
    let directory = tempfile::tempdir()?;
    let state = directory.path().join(".lms");
    fs::create_dir(&state)?;
    app.demo.write(&state)?;
    let script = blocks.join("\n").replace(PRINTED_ADDRESS, &app.base_url);
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .await
        .context("bash does not start")?;
    ensure!(
        output.status.success(),
        "{page}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_first_requests_of_the_readme_are_answered_as_it_says() {
    run(async |app| {
        let printed = paste(app, "README.md", 5).await?;
        let starts = |hour: &str| {
            printed
                .matches(&format!("T{hour}:00:00.000000Z scheduled"))
                .count()
        };
        assert_eq!((starts("15"), starts("14")), (4, 4), "{printed}");
        assert!(printed.contains(r#""amount": "125.50""#), "{printed}");
        Ok(())
    });
}

#[test]
fn the_tutorial_ends_with_a_lesson_that_is_cancelled_on_the_calendar() {
    run(async |app| {
        let page = "docs/tutorial/a-class-on-a-calendar.md";
        let printed = paste(app, page, 10).await?;
        for expected in [
            r#""type": "/problems/conflict""#,
            "RRULE:FREQ=WEEKLY",
            "EXDATE",
            "The centre is closed.",
        ] {
            assert!(printed.contains(expected), "{expected}: {printed}");
        }
        Ok(())
    });
}
