//! Tests the reference page in a browser: its content, and a request sent from it.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{
    Application,
    browser::{Tab, with_tab},
    role, run,
};

/// Returns the method and path of every operation of the document.
fn documented() -> Result<BTreeSet<String>> {
    let document: Value = serde_json::from_str(include_str!("../../../openapi/openapi.json"))?;
    let paths = document["paths"].as_object().context("no paths")?;
    let methods = ["get", "put", "post", "delete", "options", "head", "patch"];
    Ok(paths
        .iter()
        .flat_map(|(path, item)| {
            let found = methods.iter().filter(|method| item[**method].is_object());
            found.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect())
}

async fn open(app: &Application, tab: &Tab) -> Result<()> {
    tab.go(&format!("{}/docs", app.base_url)).await?;
    tab.until("document.querySelector('.opblock') !== null")
        .await
}

/// Asserts that every request of the page went to the application that serves it.
#[track_caller]
fn assert_same_origin_requests(app: &Application, tab: &Tab) {
    let urls = tab.requested_urls();
    assert!(urls.len() >= 5, "{urls:?}");
    let own = format!("{}/", app.base_url);
    for address in urls {
        let is_own = address.starts_with(&own) || address.starts_with("data:");
        assert!(is_own, "the page requested {address}");
    }
}

#[test]
fn the_page_lists_every_operation_of_the_document() {
    run(async |app| {
        with_tab(async |tab| {
            open(app, tab).await?;
            let shown: Vec<String> = tab
                .value(
                    "[...document.querySelectorAll('.opblock')].map(block =>
                      block.querySelector('.opblock-summary-method').textContent + ' ' +
                      block.querySelector('.opblock-summary-path').dataset.path)",
                )
                .await?;
            let documented = documented()?;
            assert_eq!(shown.len(), documented.len());
            assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), documented);
            assert_same_origin_requests(app, tab);
            Ok(())
        })
        .await
    });
}

#[test]
fn a_request_from_the_page_has_the_token_and_shows_its_response() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        with_tab(async |tab| {
            open(app, tab).await?;
            tab.click(".auth-wrapper .btn.authorize").await?;
            tab.type_into(".auth-container input", &admin.token).await?;
            tab.click(".auth-btn-wrapper .btn.authorize").await?;
            tab.until("document.querySelector('.auth-container input') === null")
                .await?;
            tab.click(".auth-btn-wrapper .btn-done").await?;
            tab.until("document.querySelector('.auth-container') === null")
                .await?;

            let block = ".opblock:has([data-path='/v1/auth/me'])";
            tab.click(&format!("{block} .opblock-summary-control"))
                .await?;
            tab.click(&format!("{block} .btn.execute")).await?;
            let answer = format!("{block} .live-responses-table .response");
            tab.until(&format!("document.querySelector({answer:?}) !== null"))
                .await?;
            let status: String = tab
                .value(&format!(
                    "document.querySelector({:?}).textContent",
                    format!("{answer} .response-col_status")
                ))
                .await?;
            assert!(status.starts_with("200"), "{status}");
            let body: String = tab
                .value(&format!("document.querySelector({answer:?}).textContent"))
                .await?;
            assert!(body.contains(&admin.user.to_string()), "{body}");
            tab.wait_for_response(&format!("200 {}/v1/auth/me", app.base_url))
                .await?;
            assert_same_origin_requests(app, tab);
            Ok(())
        })
        .await
    });
}
