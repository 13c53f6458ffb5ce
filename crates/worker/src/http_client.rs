//! The HTTP client that sends notifications and webhook messages.
//! The addresses that it connects to are checked in `notifications::endpoint` and `webhooks::sender`.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

/// A client that follows no redirect and uses no proxy, so that it connects to the given host and to no other.
pub(crate) fn client(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(timeout / 3)
        .timeout(timeout)
        .user_agent(concat!("lms/", env!("CARGO_PKG_VERSION")))
}
