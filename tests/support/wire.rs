//! Bytes on a connection: for what a well-behaved client can't be brought to send. No test stands here.

use crate::Application;
use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to the application.
pub async fn connect(app: &Application) -> Result<TcpStream> {
    let address = app
        .base_url
        .strip_prefix("http://")
        .context("a plain address")?;
    Ok(TcpStream::connect(address).await?)
}

/// Sends bytes and reads one answer: as long as it says that it is, or until the server hangs up.
pub async fn exchange(app: &Application, bytes: &[u8]) -> Result<String> {
    let mut stream = connect(app).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    while !is_whole(&String::from_utf8_lossy(&answer)) {
        if stream.read_buf(&mut answer).await? == 0 {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Sends bytes and reads every answer until the server hangs up, which the last request asks it to.
pub async fn conversation(app: &Application, bytes: &[u8]) -> Result<String> {
    let mut stream = connect(app).await?;
    stream.write_all(bytes).await?;
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await?;
    Ok(String::from_utf8_lossy(&answers).into_owned())
}

/// Whether the announced body is there.
fn is_whole(answer: &str) -> bool {
    answer.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        header(head, "content-length")
            .and_then(|length| length.parse().ok())
            .is_some_and(|length: usize| body.len() >= length)
    })
}

/// Head and body of an answer.
pub fn parts(answer: &str) -> Result<(&str, &str)> {
    answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("no answer: {answer:?}"))
}

/// A header of an answer's head; none when it is missing.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
