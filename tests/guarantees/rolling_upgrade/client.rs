//! A client that sends 200 requests a second and verifies every response.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use local::demo::Tenant;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

/// The interval for 200 requests a second.
const REQUEST_INTERVAL: Duration = Duration::from_millis(5);

/// The maximum number of concurrent requests. On a machine too slow for the rate, the client waits.
const MAX_CONCURRENT_REQUESTS: usize = 64;

/// A signed-in client with its results so far.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: Arc<str>,
    token: Arc<str>,
    students: Arc<Vec<(String, String)>>,
    centre: Arc<str>,
    sent: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    seen: Arc<Mutex<Observed>>,
}

#[derive(Default)]
struct Observed {
    wrong: Vec<String>,
    payments: Vec<String>,
    centres: BTreeMap<String, String>,
}

/// The results of the client.
pub(crate) struct Tally {
    pub(crate) sent: u32,
    /// Every error and every wrong response.
    pub(crate) wrong: Vec<String>,
    payments: Vec<String>,
    centres: BTreeMap<String, String>,
}

impl Tally {
    pub(crate) fn rate(&self, time: Duration) -> f64 {
        f64::from(self.sent) / time.as_secs_f64()
    }

    /// The references of all acknowledged payments, in order.
    pub(crate) fn payments(&self) -> Vec<String> {
        let mut payments = self.payments.clone();
        payments.sort();
        payments
    }

    /// The code and the last name of each acknowledged centre, in order.
    pub(crate) fn centres(&self) -> Vec<String> {
        let name = |(code, name): (&String, &String)| format!("{code} {name}");
        self.centres.iter().map(name).collect()
    }
}

impl Client {
    /// Signs in as the tenant's administrator and records the data that must not change.
    pub(crate) async fn sign_in(url: &str, tenant: &Tenant) -> Result<Self> {
        let admin = tenant.users.iter().find(|user| user.role == "admin");
        let admin = admin.context("an administrator")?;
        let http = reqwest::Client::new();
        let answer: Value = http
            .post(format!("{url}/v1/auth/login"))
            .json(&json!({"tenant": tenant.slug, "email": admin.email, "password": admin.password}))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let token = answer["access_token"].as_str().context("a token")?;
        let mut client = Self {
            http,
            url: url.into(),
            token: token.into(),
            students: Arc::default(),
            centre: "".into(),
            sent: Arc::default(),
            is_over: Arc::default(),
            seen: Arc::default(),
        };
        client.students = Arc::new(students(&client.get("/v1/students?limit=100").await?));
        let centres = client.get("/v1/centres").await?;
        client.centre = centres["data"][0]["id"]
            .as_str()
            .context("a centre")?
            .into();
        Ok(client)
    }

    /// Sends requests until it is stopped, and waits for the last responses.
    pub(crate) async fn run(self) -> Result<Tally> {
        let permits = Arc::new(Semaphore::new(MAX_CONCURRENT_REQUESTS));
        let mut ticks = interval(REQUEST_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tasks = JoinSet::new();
        let mut sequence = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            ticks.tick().await;
            let permit = Arc::clone(&permits).acquire_owned().await?;
            let client = self.clone();
            tasks.spawn(async move {
                if let Err(error) = client.send_one(sequence).await {
                    client.note(|seen| seen.wrong.push(format!("{sequence}: {error:#}")));
                }
                drop(permit);
            });
            sequence += 1;
        }
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        let mut seen = Observed::default();
        self.note(|all| std::mem::swap(all, &mut seen));
        Ok(Tally {
            sent: u32::try_from(self.sent.load(Ordering::Relaxed))?,
            wrong: seen.wrong,
            payments: seen.payments,
            centres: seen.centres,
        })
    }

    pub(crate) fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Waits until this many more requests have been sent.
    pub(crate) async fn wait_for_requests(&self, count: usize) -> Result<()> {
        let goal = self.sent.load(Ordering::Relaxed) + count;
        let waiting = async {
            while self.sent.load(Ordering::Relaxed) < goal {
                sleep(REQUEST_INTERVAL).await;
            }
        };
        timeout(Duration::from_secs(300), waiting)
            .await
            .context("the client sends too few requests")
    }

    /// Performs one turn of the mix: of every ten, seven read, and three write and read back.
    async fn send_one(&self, sequence: usize) -> Result<()> {
        match sequence % 10 {
            0 | 1 => self.create_payment(sequence).await,
            2 => self.create_centre(sequence).await,
            3 | 4 => self.verify_one(sequence).await,
            _ => self.verify_list().await,
        }
    }

    async fn verify_list(&self) -> Result<()> {
        let listed = students(&self.get("/v1/students?limit=100").await?);
        anyhow::ensure!(listed == *self.students, "other students: {listed:?}");
        Ok(())
    }

    async fn verify_one(&self, sequence: usize) -> Result<()> {
        let (id, tutor) = &self.students[sequence % self.students.len()];
        let read_back = self.get(&format!("/v1/students/{id}")).await?;
        anyhow::ensure!(
            &text(&read_back, "id") == id && &text(&read_back, "assigned_tutor_id") == tutor,
            "another student: {read_back}"
        );
        Ok(())
    }

    async fn create_payment(&self, sequence: usize) -> Result<()> {
        let reference = format!("load-{sequence:06}");
        let body = json!({"centre_id": *self.centre, "type": "expense", "amount": "1.25", "method": "card", "reference": reference});
        let created = self
            .send(Method::POST, "/v1/finance-records", Some(body))
            .await?;
        anyhow::ensure!(
            text(&created, "reference") == reference,
            "another payment: {created}"
        );
        self.note(|seen| seen.payments.push(reference));
        let path = format!("/v1/finance-records/{}", text(&created, "id"));
        let read_back = self.get(&path).await?;
        anyhow::ensure!(
            read_back["amount"] == created["amount"],
            "{read_back}, and not {created}"
        );
        Ok(())
    }

    async fn create_centre(&self, sequence: usize) -> Result<()> {
        let code = format!("load-{sequence:06}");
        let body = json!({"name": "New", "code": code, "time_zone": "UTC", "currency": "EUR"});
        let created = self.send(Method::POST, "/v1/centres", Some(body)).await?;
        self.note(|seen| seen.centres.insert(code.clone(), "New".to_owned()));
        let path = format!("/v1/centres/{}", text(&created, "id"));
        let name = format!("Renamed {sequence}");
        self.send(Method::PATCH, &path, Some(json!({"name": name})))
            .await?;
        self.note(|seen| seen.centres.insert(code.clone(), name.clone()));
        let read_back = self.get(&path).await?;
        anyhow::ensure!(
            text(&read_back, "name") == name && text(&read_back, "code") == code,
            "another centre: {read_back}"
        );
        Ok(())
    }

    async fn get(&self, path: &str) -> Result<Value> {
        self.send(Method::GET, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let request_line = format!("{method} {path}");
        let mut request: RequestBuilder = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        request = match method {
            Method::POST => request.header("idempotency-key", Uuid::now_v7().to_string()),
            Method::PATCH => request.header("if-match", "*"),
            _ => request,
        };
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.with_context(|| request_line.clone())?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| request_line.clone())?;
        anyhow::ensure!(status.is_success(), "{request_line}: {status} {text}");
        serde_json::from_str(&text).context(request_line)
    }

    fn note<T>(&self, change: impl FnOnce(&mut Observed) -> T) {
        if let Ok(mut seen) = self.seen.lock() {
            change(&mut seen);
        }
    }
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// Returns id and tutor of each student in a list.
fn students(list: &Value) -> Vec<(String, String)> {
    let rows = list["data"].as_array().into_iter().flatten();
    rows.map(|row| (text(row, "id"), text(row, "assigned_tutor_id")))
        .collect()
}
