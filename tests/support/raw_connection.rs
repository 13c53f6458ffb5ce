//! Sends bytes over a TCP connection, for requests that an HTTP client refuses to send.
//! Ordinary requests are sent in `application` and `reply`.

use crate::{Application, sent_values};
use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// Connects to the application.
pub async fn connect(app: &Application) -> Result<TcpStream> {
    let address = app
        .base_url
        .strip_prefix("http://")
        .context("the base URL is not plain HTTP")?;
    Ok(TcpStream::connect(address).await?)
}

/// Sends bytes and reads one response, up to its announced length or until the server closes the connection.
pub async fn send_and_read_one(app: &Application, bytes: &[u8]) -> Result<String> {
    let mut stream = connect(app).await?;
    record(app, bytes);
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    while !is_whole(&String::from_utf8_lossy(&answer)) {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends bytes and reads responses until the server closes the connection, as the last request asks it to.
pub async fn send_and_read_all(app: &Application, bytes: &[u8]) -> Result<String> {
    let mut stream = connect(app).await?;
    record(app, bytes);
    stream.write_all(bytes).await?;
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await?;
    Ok(String::from_utf8_lossy(&answers).into_owned())
}

/// Collects the values of the first request in the bytes. If it is malformed, what cannot be told
/// apart belongs to the body.
fn record(app: &Application, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut parts = line.split(' ');
    let method = parts.next().unwrap_or_default();
    let target = parts.next().unwrap_or_default();
    let Ok(base_url) = Url::parse(&app.base_url) else {
        return;
    };
    let url = base_url.join(target).unwrap_or(base_url);
    let headers = headers.lines().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name, value.trim().as_bytes()));
    sent_values::record(method, &url, headers, body.as_bytes());
}

/// Returns whether the body has its announced length.
fn is_whole(answer: &str) -> bool {
    answer.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        header_of(head, "content-length")
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: usize| body.len() >= length)
    })
}

/// Splits a response into head and body.
pub fn split_head(answer: &str) -> Result<(&str, &str)> {
    answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("no response: {answer:?}"))
}

/// Returns a header of a response's head.
pub fn header_of<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
