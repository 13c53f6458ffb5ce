//! Tests a statement as a page in a browser: its layout on A4 and the escaping of texts.

use anyhow::Result;
use serde::Deserialize;
use tests::{Application, Session, browser::with_tab, queries, role, run, run_python};
use uuid::Uuid;

use crate::finance::statement_of_account::{Family, PATH, family, statement};

const SCRIPT: &str = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">";
/// The number of entries in the long statement.
const ENTRIES: i32 = 200;
/// The width of A4 at 96 pixels per inch.
const WIDTH: i64 = 794;

/// Creates a family whose statement is hard to print, with long names and references without spaces and large amounts.
async fn family_with_long_texts(app: &Application, admin: &Session) -> Result<Family> {
    let family = family(app, admin).await?;
    queries::execute(
        app,
        "update lms.users as u
        set name = repeat('Wolfeschlegelsteinhausenbergerdorff', 5)
        where u.id = $1 or u.id in (select user_id from lms.students where id = any (array[$2, $3]::uuid[]))",
        &[&family.parent, &family.child, &family.sibling],
    )
    .await?;
    queries::execute(
        app,
        "update lms.centres set name = repeat('Llanfairpwllgwyngyll', 9) where id = $1",
        &[&family.other_centre],
    )
    .await?;
    let client = app.superuser().await?;
    let tenant = app.demo.tenants[0].id;
    client
        .execute(
            "select set_config('app.tenant_id', $1, false)",
            &[&tenant.to_string()],
        )
        .await?;
    client
        .execute(
            "insert into lms.finance_records (
              tenant_id, centre_id, student_id, amount, currency, type, method, reference, effective_on
            )
            select
              $1, $2, $3,
              999999999999999 - n,
              case when n % 2 = 0 then 'KWD' else 'EUR' end,
              'payment', 'transfer',
              case when n = 1 then $5 else repeat('REFERENCE', 22) end,
              '2026-03-01'::date + n / 10
            from generate_series(1, $4::integer) as n",
            &[&tenant, &family.other_centre, &family.sibling, &ENTRIES, &SCRIPT],
        )
        .await?;
    Ok(family)
}

fn query(parent: Uuid) -> String {
    format!("?user_id={parent}&from=2026-03-01&to=2026-03-31")
}

#[test]
fn the_pages_content_security_policy_forbids_requests_and_scripts() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family(app, &admin).await?;
        let page = statement(app, &admin, &query(family.parent), "text/html")
            .await?
            .expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert!(
            page.text.contains("No records were posted"),
            "{}",
            page.text
        );
        Ok(())
    });
}

#[test]
fn every_cell_fits_and_every_text_is_shown_as_text() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family_with_long_texts(app, &admin).await?;
        with_tab(async |tab| {
            tab.sign_in(&admin.token).await?;
            tab.resize(WIDTH, 1123).await?;
            let address = format!("{}{PATH}{}", app.base_url, query(family.parent));
            tab.go(&address).await?;
            let [scroll, client]: [i64; 2] = tab
                .value(
                    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
                )
                .await?;
            assert!(scroll <= client && client == WIDTH, "{scroll} of {client}");
            // Content that is wider than its cell would overlap the next cell.
            let cells: usize = tab
                .value("document.querySelectorAll('th, td, dd').length")
                .await?;
            assert!(cells > 6 * usize::try_from(ENTRIES)?, "{cells}");
            let wide: Vec<String> = tab
                .value(
                    "[...document.querySelectorAll('h1, h2, p, dd, th, td')]
                    .filter(cell => cell.scrollWidth > cell.clientWidth
                      || cell.getBoundingClientRect().right > document.documentElement.clientWidth)
                    .map(cell => cell.outerHTML)",
                )
                .await?;
            assert!(wide.is_empty(), "{wide:?}");

            let text: String = tab.value("document.body.innerText").await?;
            assert!(text.contains(SCRIPT), "{text}");
            let (title, scripts): (String, usize) = tab
                .value("[document.title, document.querySelectorAll('script, img').length]")
                .await?;
            assert!(
                title.starts_with("Statement of account") && scripts == 0,
                "{title} {scripts}"
            );
            let language: String = tab.value("document.documentElement.lang").await?;
            assert_eq!(language, "en");
            let other_origins: Vec<String> = tab
                .requested_urls()
                .into_iter()
                .filter(|url| {
                    !url.starts_with(&format!("{}/", app.base_url)) && url != "about:blank"
                })
                .collect();
            assert!(other_origins.is_empty(), "{other_origins:?}");
            Ok(())
        })
        .await
    });
}

#[test]
fn the_page_prints_on_a4_with_its_header_on_every_page() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let family = family_with_long_texts(app, &admin).await?;
        with_tab(async |tab| {
            tab.sign_in(&admin.token).await?;
            tab.go(&format!("{}{PATH}{}", app.base_url, query(family.parent)))
                .await?;
            let printed = tab.print().await?;
            let pages = read(&printed).await?;
            assert!(pages.len() > 10, "{}", pages.len());
            for page in &pages {
                assert!(
                    (page.width - 595.0).abs() < 1.0 && (page.height - 842.0).abs() < 1.0,
                    "{} x {}",
                    page.width,
                    page.height
                );
                for head in ["Date", "No.", "Student", "Description", "Amount", "Balance"] {
                    assert!(page.text.contains(head), "{head}: {}", page.text);
                }
            }
            let all: String = pages.iter().map(|page| page.text.as_str()).collect();
            for number in 0..ENTRIES / 10 {
                let day = format!("2026-03-{:02}", number + 1);
                assert!(all.contains(&day), "{day}");
            }
            Ok(())
        })
        .await
    });
}

/// A page of a printed file, with its size in points.
#[derive(Deserialize)]
struct Page {
    width: f64,
    height: f64,
    text: String,
}

async fn read(printed: &[u8]) -> Result<Vec<Page>> {
    let file = tempfile::Builder::new().suffix(".pdf").tempfile()?;
    std::fs::write(file.path(), printed)?;
    let pages = run_python("printed_pages.py", [file.path()]).await?;
    Ok(serde_json::from_str(&pages)?)
}
