//! A page in headless Chromium, driven by its DevTools protocol, with a note of everything that it asks for.

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

/// More than a page may take for anything, also on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a condition on a page is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Where Debian's package puts it.
const EXECUTABLE: &str = "/usr/bin/chromium";

/// A page, and the browser that shows it.
pub struct Tab {
    page: Page,
    asked: Notes,
    answered: Notes,
}

/// What events said, in their order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn read(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Notes a text of each event for as long as there are events.
    fn take<T>(
        &self,
        mut events: impl Stream<Item = T> + Send + Unpin + 'static,
        text: impl Fn(T) -> String + Send + 'static,
    ) where
        T: Send + 'static,
    {
        let notes = self.clone();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let text = text(event);
                notes
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
            }
        });
    }
}

/// Runs a test on an empty page of a new browser, and ends the browser afterwards.
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
        .launch_timeout(PATIENCE)
        .request_timeout(PATIENCE)
        // Tests may run as root, under which the sandbox does not start.
        .no_sandbox()
        .args(["disable-gpu", "disable-quic", "disable-component-update"])
        // Whatever the page asks for, only this machine can answer.
        .arg(("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
        .build()
        .map_err(|reason| anyhow!(reason))?;
    Browser::launch(config)
        .await
        .context("the browser does not start")
}

/// The browser's messages are read for as long as it lives.
fn drive(mut handler: Handler) -> JoinHandle<()> {
    tokio::spawn(async move { while handler.next().await.is_some() {} })
}

impl Tab {
    async fn open(browser: &Browser) -> Result<Tab> {
        let page = browser.new_page("about:blank").await?;
        let (asked, answered) = (Notes::default(), Notes::default());
        asked.take(
            page.event_listener::<EventRequestWillBeSent>().await?,
            |event| event.request.url.clone(),
        );
        answered.take(
            page.event_listener::<EventResponseReceived>().await?,
            |event| format!("{} {}", event.response.status, event.response.url),
        );
        Ok(Tab {
            page,
            asked,
            answered,
        })
    }

    /// Lets everything that the page asks for carry this token.
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

    /// Gives the page a size, in pixels at 96 of them for an inch.
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

    /// The page as it prints itself, as PDF.
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

    /// Goes to an address.
    ///
    /// # Errors
    ///
    /// When nothing answers there.
    pub async fn go(&self, address: &str) -> Result<()> {
        self.page.goto(address).await?;
        Ok(())
    }

    /// The value of a JavaScript expression on the page.
    ///
    /// # Errors
    ///
    /// When it fails, or gives something else.
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
    /// When it stays false.
    pub async fn until(&self, condition: &str) -> Result<()> {
        let seen = async {
            while !self.value::<bool>(condition).await? {
                tokio::time::sleep(LOOK).await;
            }
            Ok(())
        };
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(result) => result,
            Err(_) => {
                let text: String = self.value("document.body.innerText").await?;
                Err(anyhow!("never true: {condition}\n\n{text}"))
            }
        }
    }

    /// Clicks on the element that a selector finds, once it can be clicked.
    ///
    /// # Errors
    ///
    /// When it never can.
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
    /// When it is not.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.click(selector).await?;
        self.page
            .find_element(selector)
            .await?
            .type_str(text)
            .await?;
        Ok(())
    }

    /// Every address that the page has asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.read()
    }

    /// Waits until the page has got an answer with this status from this address, as in `200 http://...`.
    ///
    /// # Errors
    ///
    /// When it gets none.
    pub async fn until_answered(&self, answer: &str) -> Result<()> {
        let seen = async {
            while !self.answered.read().iter().any(|seen| seen == answer) {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen)
            .await
            .with_context(|| format!("no {answer} among {:?}", self.answered.read()))
    }
}
