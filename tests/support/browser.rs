//! Drives a page in headless Chromium over the DevTools protocol and records the requests that it makes.
//! The assertions on a page are in the tests that open it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use chromiumoxide::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide::cdp::browser_protocol::network::{
    EventRequestWillBeSent, EventResponseReceived, Headers, SetExtraHttpHeadersParams,
};
use chromiumoxide::cdp::browser_protocol::page::PrintToPdfParams;
use chromiumoxide::{Browser, BrowserConfig, Handler, Page};
use futures::{Stream, StreamExt};
use serde_json::json;
use tokio::task::JoinHandle;

/// The time limit of every wait, which leaves room for a machine that is busy with other tests.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The interval at which a condition on a page is evaluated.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The path of the browser in Debian's package.
const EXECUTABLE: &str = "/usr/bin/chromium";

/// A page in the browser, with its requests and responses so far.
pub struct Tab {
    page: Page,
    requested: EventTexts,
    responses: EventTexts,
}

/// Texts of the browser's events, in their order.
#[derive(Clone, Default)]
struct EventTexts(Arc<Mutex<Vec<String>>>);

impl EventTexts {
    fn read(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Records a text for each event until the stream of events ends.
    fn record<T>(
        &self,
        mut events: impl Stream<Item = T> + Send + Unpin + 'static,
        text: impl Fn(T) -> String + Send + 'static,
    ) where
        T: Send + 'static,
    {
        let texts = self.clone();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let text = text(event);
                texts
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
            }
        });
    }
}

/// Runs a test on an empty page of a new browser, and stops the browser afterwards.
///
/// # Errors
///
/// When the browser does not start, or the test fails.
pub async fn with_tab(test: impl AsyncFnOnce(&Tab) -> Result<()>) -> Result<()> {
    let profile = tempfile::tempdir()?;
    let (mut browser, handler) = launch(profile.path()).await?;
    let driver = drive(handler);
    let result = match Tab::open(&browser).await {
        Ok(tab) => test(&tab).await,
        Err(error) => Err(error),
    };
    if browser.close().await.is_err() {
        browser.kill().await;
    }
    browser.wait().await?;
    driver.abort();
    result
}

async fn launch(profile: &Path) -> Result<(Browser, Handler)> {
    ensure!(
        Path::new(EXECUTABLE).exists(),
        "there is no {EXECUTABLE}: run scripts/test-tools.sh"
    );
    let config = BrowserConfig::builder()
        .chrome_executable(EXECUTABLE)
        .user_data_dir(profile)
        .launch_timeout(TIMEOUT)
        .request_timeout(TIMEOUT)
        // Tests may run as root, under which the sandbox does not start.
        .no_sandbox()
        .args(["disable-gpu", "disable-quic", "disable-component-update"])
        // No name resolves, so that the page can reach only this machine.
        .arg(("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
        .build()
        .map_err(|reason| anyhow!(reason))?;
    Browser::launch(config)
        .await
        .context("the browser does not start")
}

/// Reads the browser's messages until it stops.
fn drive(mut handler: Handler) -> JoinHandle<()> {
    tokio::spawn(async move { while handler.next().await.is_some() {} })
}

impl Tab {
    async fn open(browser: &Browser) -> Result<Tab> {
        let page = browser.new_page("about:blank").await?;
        let (requested, responses) = (EventTexts::default(), EventTexts::default());
        requested.record(
            page.event_listener::<EventRequestWillBeSent>().await?,
            |event| event.request.url.clone(),
        );
        responses.record(
            page.event_listener::<EventResponseReceived>().await?,
            |event| format!("{} {}", event.response.status, event.response.url),
        );
        Ok(Tab {
            page,
            requested,
            responses,
        })
    }

    /// Sends this access token with every request of the page.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn sign_in(&self, token: &str) -> Result<()> {
        let headers = json!({"authorization": format!("Bearer {token}")});
        self.page
            .execute(SetExtraHttpHeadersParams::new(Headers::new(headers)))
            .await?;
        Ok(())
    }

    /// Sets the size of the page in CSS pixels.
    ///
    /// # Errors
    ///
    /// When the browser does not answer.
    pub async fn resize(&self, width: i64, height: i64) -> Result<()> {
        self.page
            .execute(SetDeviceMetricsOverrideParams::new(
                width, height, 1.0, false,
            ))
            .await?;
        Ok(())
    }

    /// Prints the page as PDF.
    ///
    /// # Errors
    ///
    /// When it can't be printed.
    pub async fn print(&self) -> Result<Vec<u8>> {
        let printing = PrintToPdfParams::builder()
            .prefer_css_page_size(true)
            .build();
        Ok(self.page.pdf(printing).await?)
    }

    /// Opens a URL.
    ///
    /// # Errors
    ///
    /// When the page cannot be loaded.
    pub async fn go(&self, address: &str) -> Result<()> {
        self.page.goto(address).await?;
        Ok(())
    }

    /// Evaluates a JavaScript expression on the page.
    ///
    /// # Errors
    ///
    /// When it fails, or its value has another type.
    pub async fn value<T: serde::de::DeserializeOwned>(&self, expression: &str) -> Result<T> {
        let value = self.page.evaluate(expression).await;
        value
            .and_then(|value| Ok(value.into_value()?))
            .with_context(|| expression.to_owned())
    }

    /// Waits until a JavaScript expression is true on the page.
    ///
    /// # Errors
    ///
    /// When it fails, or is still false at the time limit.
    pub async fn until(&self, condition: &str) -> Result<()> {
        let wait = async {
            while !self.value::<bool>(condition).await? {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            Ok(())
        };
        match tokio::time::timeout(TIMEOUT, wait).await {
            Ok(result) => result,
            Err(_) => {
                let text: String = self.value("document.body.innerText").await?;
                Err(anyhow!("never true: {condition}\n\n{text}"))
            }
        }
    }

    /// Clicks the element that a selector finds as soon as it can be clicked.
    ///
    /// # Errors
    ///
    /// When it cannot be clicked within the time limit.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.until(&format!(
            "(() => {{
              const found = document.querySelector({selector:?});
              return found !== null && !found.disabled && found.getClientRects().length > 0;
            }})()"
        ))
        .await?;
        self.page.find_element(selector).await?.click().await?;
        Ok(())
    }

    /// Types into the field that a selector finds, once it is there.
    ///
    /// # Errors
    ///
    /// When there is no such field within the time limit.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.click(selector).await?;
        self.page
            .find_element(selector)
            .await?
            .type_str(text)
            .await?;
        Ok(())
    }

    /// Returns every URL that the page has requested.
    pub fn requested_urls(&self) -> Vec<String> {
        self.requested.read()
    }

    /// Waits until the page has received a response with this status from this URL, written as `200 http://...`.
    ///
    /// # Errors
    ///
    /// When no such response arrives.
    pub async fn wait_for_response(&self, response: &str) -> Result<()> {
        let wait = async {
            while !self.responses.read().iter().any(|found| found == response) {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(TIMEOUT, wait)
            .await
            .with_context(|| format!("no {response} among {:?}", self.responses.read()))
    }
}
