//! The logs that are written while a test runs: those of the hosts and workers in this process, and
//! that of PostgreSQL. At the end of the test they may contain no value that it has sent.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use local::demo::Demo;
use tokio_postgres::Client;

use crate::captured_log;
use crate::sent_values::SentValues;

/// The logs of one test. If the test panics, dropping them prints the warnings and errors.
pub(crate) struct LogsOfTest {
    sent: Arc<SentValues>,
    begin: usize,
    server_log: PathBuf,
    server_begin: usize,
}

impl LogsOfTest {
    /// Begins with what is logged from now on.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub(crate) async fn begin(client: &Client, demo: &Demo) -> Result<Self> {
        let row = client.query_one("show data_directory", &[]).await?;
        let server_log = PathBuf::from(row.get::<_, String>(0)).join("server.log");
        let slugs = demo.tenants.iter().map(|tenant| tenant.slug.clone());
        Ok(Self {
            sent: SentValues::without(slugs),
            begin: captured_log::end(),
            server_begin: fs::read(&server_log)?.len(),
            server_log,
        })
    }

    /// The values that the test sends.
    pub(crate) fn sent(&self) -> &Arc<SentValues> {
        &self.sent
    }

    /// Ends the test with its result. If it has passed, its logs are searched.
    ///
    /// # Errors
    ///
    /// When it has failed, or a log contains a value that it has sent.
    pub(crate) fn end(self, result: Result<()>) -> Result<()> {
        let begin = self.begin;
        let sent = Arc::clone(&self.sent);
        self.end_with_previous_release(result)?;
        sent.ensure_absent(&captured_log::since(begin))
    }

    /// Ends a test that the previous release has served as well, whose components name paths with
    /// ids in the log. Only the server's log is searched.
    ///
    /// # Errors
    ///
    /// When the test has failed, or the log contains a value that it has sent.
    pub(crate) fn end_with_previous_release(self, result: Result<()>) -> Result<()> {
        if result.is_err() {
            self.print();
            return result;
        }
        self.sent.ensure_absent(&self.server_log()?)
    }

    /// Returns what the server has logged meanwhile. Each start of a server begins its log anew. A
    /// test that restores its server may have removed the log.
    fn server_log(&self) -> Result<String> {
        let log = match fs::read(&self.server_log) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let begin = if log.len() < self.server_begin {
            0
        } else {
            self.server_begin
        };
        Ok(String::from_utf8_lossy(&log[begin..]).into_owned())
    }

    /// Prints the warnings and errors, which tests that ran meanwhile may have caused, too.
    fn print(&self) {
        for line in captured_log::since(self.begin).lines() {
            let level = line.split_ascii_whitespace().nth(1);
            if matches!(level, Some("WARN" | "ERROR")) {
                eprintln!("{line}");
            }
        }
    }
}

impl Drop for LogsOfTest {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.print();
        }
    }
}
