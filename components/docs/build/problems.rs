//! Renders `docs/reference/problems/*.md` as the HTML pages to which the `type` of a problem leads.
//! Packing them is in `main`.

use std::error::Error;
use std::fs;

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd, html};

const SOURCE: &str = "../../docs/reference/problems";
const TEMPLATE: &str = "page/problem.html";

/// Returns the path and the HTML of each page. The index is at `/problems`.
pub(crate) fn pages() -> Result<Vec<(String, String)>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed={TEMPLATE}");
    let template = fs::read_to_string(TEMPLATE)?;
    let mut pages = Vec::new();
    for entry in fs::read_dir(SOURCE)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.ok_or_else(|| format!("{} has no name", path.display()))?;
        let page = render(&fs::read_to_string(&path)?);
        let page = template
            .replace("{{ title }}", title(stem))
            .replace("{{ content }}", &page);
        pages.push((address(stem), page));
    }
    // The order of a directory differs from machine to machine.
    pages.sort();
    Ok(pages)
}

fn title(stem: &str) -> &str {
    match stem {
        "README" => "All",
        stem => stem,
    }
}

fn address(stem: &str) -> String {
    match stem {
        "README" => "/problems".to_owned(),
        stem => format!("/problems/{stem}"),
    }
}

/// Renders a page. Links between these pages lead to their paths; a link to a page that is not
/// served is reduced to its text.
fn render(markdown: &str) -> String {
    let mut served = Vec::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES;
    let events = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            let target = target(&dest_url);
            served.push(target.is_some());
            target.map(link)
        }
        Event::End(TagEnd::Link) => served.pop()?.then_some(event),
        event => Some(event),
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

fn target(link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let stem = link.strip_suffix(".md")?;
    (!stem.contains('/')).then(|| address(stem))
}

fn link(address: String) -> Event<'static> {
    Event::Start(Tag::Link {
        link_type: LinkType::Inline,
        dest_url: CowStr::from(address),
        title: CowStr::from(""),
        id: CowStr::from(""),
    })
}
