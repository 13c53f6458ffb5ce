//! The calls that are measured: what each sends, on whose behalf, and how two connections differ.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clap::ValueEnum;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, request};
use http_body_util::Full;
use platform::auth::token::Claims;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::load::{Client, Source};
use super::person::Person;
use super::server::Server;
use super::{book, calendar, desk};

/// How many rows a list asks for.
pub(super) const PAGE: u32 = 20;

/// How many sign in at once while others read.
const SIGN_INS: usize = 64;

/// Strides that are prime to any number of accounts and users in use, so that requests wander over all of them.
const CONNECTION_STRIDE: usize = 7919;
const REQUEST_STRIDE: usize = 104_729;

/// A call under measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// One user by its id.
    Get,
    /// A page of twenty users.
    List,
    /// A page of twenty users, while many others sign in.
    ListBesideSignIns,
    /// Signing in with a password.
    SignIn,
    /// A new user. Last of these, for it changes what the others read.
    Create,
    /// The week of a tutor in a calendar with a million lessons.
    Week,
    /// The month of a student in that calendar.
    Month,
    /// Which of 500 tutors are free when, within two weeks.
    Slots,
    /// A new class, which must clash with nobody's lessons. Last, as above.
    Book,
    /// The balance of a centre with a million finance records.
    Balance,
    /// A new finance record there, with its lines, event and key. Last, as above.
    Record,
    /// The most urgent twenty of the open requests, of which there are many.
    Urgent,
}

/// Whose rows an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Those of all tenants that the database was filled with.
    Tenants,
    /// A calendar with a million lessons.
    Calendar,
    /// A book with a million finance records.
    Book,
    /// A million requests.
    Desk,
}

impl Ground {
    /// In the order in which they are measured.
    pub(super) const ALL: [Ground; 4] = [
        Ground::Tenants,
        Ground::Calendar,
        Ground::Book,
        Ground::Desk,
    ];
}

/// Somebody who has signed in.
pub(super) struct Account {
    pub(super) person: Person,
    pub(super) token: String,
    /// What the token says.
    pub(super) claims: Claims,
}

impl Operation {
    /// As tables write it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get by id",
            Self::List => "list of 20",
            Self::ListBesideSignIns => "list of 20 beside 64 sign-ins",
            Self::Create => "create",
            Self::SignIn => "sign-in",
            Self::Week => "tutor's week",
            Self::Month => "student's month",
            Self::Slots => "free slots",
            Self::Book => "booking",
            Self::Balance => "balance of a centre",
            Self::Record => "finance record",
            Self::Urgent => "open requests",
        }
    }

    /// Whose rows it works on.
    pub(super) fn ground(self) -> Ground {
        match self {
            Self::Get | Self::List | Self::ListBesideSignIns | Self::SignIn | Self::Create => {
                Ground::Tenants
            }
            Self::Week | Self::Month | Self::Slots | Self::Book => Ground::Calendar,
            Self::Balance | Self::Record => Ground::Book,
            Self::Urgent => Ground::Desk,
        }
    }

    /// Requests per second at so many connections that it should reach, as a share of the native service's.
    pub(super) fn rate_target(self, connections: usize) -> Option<f64> {
        match self {
            Self::Get | Self::List => (connections == 32).then_some(1.0),
            Self::Week | Self::Month | Self::Slots | Self::Book | Self::Record => Some(0.8),
            Self::ListBesideSignIns
            | Self::SignIn
            | Self::Create
            | Self::Balance
            | Self::Urgent => None,
        }
    }

    /// The operation that others run meanwhile, and the number of their connections.
    pub(super) fn beside(self) -> Option<(Operation, usize)> {
        (self == Self::ListBesideSignIns).then_some((Self::SignIn, SIGN_INS))
    }

    /// Milliseconds that it may take on one connection.
    pub(super) fn time_target(self) -> Option<f64> {
        match self {
            Self::Slots => Some(50.0),
            Self::Balance => Some(20.0),
            _ => None,
        }
    }

    /// The requests of each connection.
    pub(super) fn source(self, accounts: &Arc<[Account]>) -> Source {
        let accounts = Arc::clone(accounts);
        Arc::new(move |connection, count| {
            let turn = connection
                .wrapping_mul(CONNECTION_STRIDE)
                .wrapping_add(usize::try_from(count).unwrap_or_default());
            match self {
                // Each connection has an account to itself: attempts on one at the same time are limited.
                Self::SignIn => sign_in(&accounts[connection % accounts.len()].person),
                _ => self.request(
                    &accounts[turn % accounts.len()],
                    turn.wrapping_mul(REQUEST_STRIDE),
                ),
            }
        })
    }

    fn request(self, account: &Account, pick: usize) -> Request<Full<Bytes>> {
        match self {
            Self::Get => {
                let user = one_of(&account.person.users, pick);
                read(account, format!("/v1/users/{user}"))
            }
            Self::List | Self::ListBesideSignIns => {
                read(account, format!("/v1/users?limit={PAGE}"))
            }
            Self::Week => {
                let tutor = one_of(&account.person.tutors, pick);
                let span = calendar::query(7);
                read(account, format!("/v1/calendar?tutor_id={tutor}&{span}"))
            }
            Self::Month => {
                let student = one_of(&account.person.students, pick);
                let span = calendar::query(30);
                read(account, format!("/v1/calendar?student_id={student}&{span}"))
            }
            Self::Slots => {
                let span = calendar::query(14);
                read(
                    account,
                    format!("/v1/tutors/search?subject=reading&minutes=60&{span}"),
                )
            }
            Self::Book => finish(
                signed_in(account, Method::POST, "/v1/classes".to_owned()),
                Some(&calendar::new_class(&account.person, pick)),
            ),
            Self::Balance => {
                let centre = one_of(&account.person.centres, pick);
                read(
                    account,
                    format!("/v1/finance-records/balance?centre_id={centre}"),
                )
            }
            Self::Record => finish(
                signed_in(account, Method::POST, "/v1/finance-records".to_owned())
                    .header("idempotency-key", Uuid::new_v4().to_string()),
                Some(&book::new_record(&account.person, pick)),
            ),
            Self::Urgent => read(account, desk::query(PAGE)),
            Self::Create => finish(
                signed_in(account, Method::POST, "/v1/users".to_owned()),
                Some(&new_user(&Uuid::new_v4().to_string())),
            ),
            Self::SignIn => sign_in(&account.person),
        }
    }
}

fn one_of(ids: &[Uuid], pick: usize) -> Uuid {
    ids.get(pick % ids.len().max(1))
        .copied()
        .unwrap_or_default()
}

fn read(account: &Account, path: String) -> Request<Full<Bytes>> {
    finish(signed_in(account, Method::GET, path), None)
}

/// Signs everybody in.
pub(super) async fn sign_in_all(server: &Server, people: &[Person]) -> Result<Arc<[Account]>> {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
    }
    let mut client = Client::connect(server.address).await?;
    let mut accounts = Vec::with_capacity(people.len());
    for person in people {
        let answer = client.send(sign_in(person)).await?;
        let token = serde_json::from_slice::<Answer>(&answer)
            .context("signing in was not answered with a token")?
            .access_token;
        let claims = claims(&token).context("the access token is not understood")?;
        accounts.push(Account {
            person: person.clone(),
            token,
            claims,
        });
    }
    Ok(accounts.into())
}

/// What a token says. Whether it is genuine is the business of whoever is called with it.
fn claims(token: &str) -> Option<Claims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Signs somebody in.
fn sign_in(person: &Person) -> Request<Full<Bytes>> {
    let body = json!({"tenant": person.slug, "email": person.email, "password": person.password});
    finish(
        begin(Method::POST, "/v1/auth/login".to_owned()),
        Some(&body),
    )
}

/// A user with an address of its own.
pub(super) fn new_user(unique: &str) -> serde_json::Value {
    json!({"name": "Ana Bench", "email": format!("ana.{unique}@bench.example"), "role": "student"})
}

fn signed_in(account: &Account, method: Method, path: String) -> request::Builder {
    begin(method, path).header(AUTHORIZATION, format!("Bearer {}", account.token))
}

fn begin(method: Method, path: String) -> request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
}

fn finish(builder: request::Builder, body: Option<&serde_json::Value>) -> Request<Full<Bytes>> {
    let (builder, body) = match body {
        Some(body) => (
            builder.header(CONTENT_TYPE, "application/json"),
            Full::from(body.to_string()),
        ),
        None => (builder, Full::default()),
    };
    // Every part is made of ids and of text that was checked when the account was read.
    builder.body(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::role;

    use super::*;

    fn accounts() -> Arc<[Account]> {
        let account = |number: u32| Account {
            person: Person {
                slug: format!("tenant-{number}"),
                email: format!("admin{number}@example.org"),
                password: "a password".to_owned(),
                users: (0..7).map(|_| Uuid::new_v4()).collect(),
                ..Person::default()
            },
            token: format!("token{number}"),
            claims: Claims {
                aud: "eu".to_owned(),
                sub: Uuid::new_v4(),
                tid: Uuid::new_v4(),
                sid: Uuid::new_v4(),
                role: role::ADMIN.name().to_owned(),
                lang: None,
                iat: 0,
                exp: 900,
            },
        };
        (0..5).map(account).collect()
    }

    #[test]
    fn connections_wander_over_accounts_and_users() {
        let accounts = accounts();
        let source = Operation::Get.source(&accounts);
        let paths: std::collections::BTreeSet<String> = (0..200)
            .map(|count| source(3, count).uri().to_string())
            .collect();
        assert!(paths.len() > 30, "{} different users", paths.len());
    }

    #[test]
    fn a_user_is_asked_for_by_its_own_tenant() {
        let accounts = accounts();
        let request = Operation::Get.source(&accounts)(1, 1);
        let token = request.headers()[AUTHORIZATION]
            .to_str()
            .unwrap()
            .to_owned();
        let owner = accounts
            .iter()
            .find(|account| token.ends_with(&account.token))
            .unwrap();
        assert!(
            owner
                .person
                .users
                .iter()
                .any(|user| request.uri().path().ends_with(&user.to_string()))
        );
    }

    #[test]
    fn no_account_signs_in_twice_at_once() {
        let source = Operation::SignIn.source(&accounts());
        let bodies: std::collections::BTreeSet<String> = (0..5)
            .map(|connection| format!("{:?}", source(connection, 7).body()))
            .collect();
        assert_eq!(bodies.len(), 5);
    }

    #[test]
    fn every_request_is_whole() {
        for operation in [Operation::List, Operation::Create, Operation::SignIn] {
            let request = operation.source(&accounts())(0, 0);
            assert!(request.uri().path().starts_with("/v1/"), "{operation:?}");
            assert!(request.headers().contains_key(HOST));
        }
    }
}
