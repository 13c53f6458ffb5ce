//! The operations that are measured, and the HTTP requests that each connection sends for them.
//! The connections themselves are in `load`.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use clap::ValueEnum;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, request};
use http_body_util::Full;
use platform::auth::claims::Claims;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::client_account::{ClientAccount, SignedIn};
use super::load::{Client, Source};
use super::server::Server;
use super::{calendar, ledger, requests};

/// The page size of a list.
pub(super) const PAGE_SIZE: u32 = 20;

/// The number of clients that sign in while others read.
const BACKGROUND_SIGN_INS: usize = 64;

/// Strides that are coprime to the numbers of accounts and users, so that requests are spread over all of them.
const CONNECTION_STRIDE: usize = 7919;
const REQUEST_STRIDE: usize = 104_729;

/// An operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// One user by its id.
    GetUser,
    /// A page of twenty users.
    ListUsers,
    /// A page of twenty users, while many other clients sign in.
    ListDuringSignIns,
    /// Signing in with a password.
    SignIn,
    /// A new user. It comes last among the users, because it adds rows that the others read.
    CreateUser,
    /// The week of a tutor in a calendar with a million lessons.
    TutorWeek,
    /// The month of a student in that calendar.
    StudentMonth,
    /// The free slots of 500 tutors within two weeks.
    FreeSlots,
    /// A new class, whose lesson is checked for double bookings. It comes last in the calendar.
    CreateClass,
    /// The balance of a centre with a million finance records.
    CentreBalance,
    /// A new finance record there, with its journal entries, event and idempotency key. It comes last in the ledger.
    CreateFinanceRecord,
    /// The twenty most urgent of many open help-desk requests.
    UrgentRequests,
}

/// The rows that an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dataset {
    /// The tenants that the database was seeded with.
    Tenants,
    /// A calendar with a million lessons.
    Calendar,
    /// A ledger with a million finance records.
    Ledger,
    /// A million help-desk requests.
    Requests,
}

impl Dataset {
    /// All datasets, in the order in which they are measured.
    pub(super) const ALL: [Dataset; 4] = [
        Dataset::Tenants,
        Dataset::Calendar,
        Dataset::Ledger,
        Dataset::Requests,
    ];
}

impl Operation {
    /// Returns the name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetUser => "get by id",
            Self::ListUsers => "list of 20",
            Self::ListDuringSignIns => "list of 20 during 64 sign-ins",
            Self::CreateUser => "create",
            Self::SignIn => "sign-in",
            Self::TutorWeek => "tutor's week",
            Self::StudentMonth => "student's month",
            Self::FreeSlots => "free slots",
            Self::CreateClass => "create a class",
            Self::CentreBalance => "balance of a centre",
            Self::CreateFinanceRecord => "finance record",
            Self::UrgentRequests => "open requests",
        }
    }

    /// Returns the dataset that it works on.
    pub(super) fn dataset(self) -> Dataset {
        match self {
            Self::GetUser
            | Self::ListUsers
            | Self::ListDuringSignIns
            | Self::SignIn
            | Self::CreateUser => Dataset::Tenants,
            Self::TutorWeek | Self::StudentMonth | Self::FreeSlots | Self::CreateClass => {
                Dataset::Calendar
            }
            Self::CentreBalance | Self::CreateFinanceRecord => Dataset::Ledger,
            Self::UrgentRequests => Dataset::Requests,
        }
    }

    /// Returns the target for requests per second at this number of connections, as a share of the native service's.
    pub(super) fn rate_target(self, connections: usize) -> Option<f64> {
        match self {
            Self::GetUser | Self::ListUsers => (connections >= 8).then_some(0.9),
            Self::TutorWeek
            | Self::StudentMonth
            | Self::FreeSlots
            | Self::CreateClass
            | Self::CreateFinanceRecord => Some(0.8),
            Self::ListDuringSignIns
            | Self::SignIn
            | Self::CreateUser
            | Self::CentreBalance
            | Self::UrgentRequests => None,
        }
    }

    /// Returns whether it is also measured with the database a network away.
    pub(super) fn is_measured_at_a_distance(self) -> bool {
        matches!(self, Self::GetUser | Self::ListUsers)
    }

    /// Returns the operation that other clients send meanwhile, and the number of their connections.
    pub(super) fn background_load(self) -> Option<(Operation, usize)> {
        (self == Self::ListDuringSignIns).then_some((Self::SignIn, BACKGROUND_SIGN_INS))
    }

    /// Returns the target for its latency on one connection, in milliseconds.
    pub(super) fn time_target(self) -> Option<f64> {
        match self {
            Self::FreeSlots => Some(50.0),
            Self::CentreBalance => Some(20.0),
            _ => None,
        }
    }

    /// Returns the function that builds the requests of each connection.
    pub(super) fn source(self, accounts: &Arc<[SignedIn]>) -> Source {
        let accounts = Arc::clone(accounts);
        Arc::new(move |connection, count| {
            let index = connection
                .wrapping_mul(CONNECTION_STRIDE)
                .wrapping_add(usize::try_from(count).unwrap_or_default());
            match self {
                // Each connection has an account of its own, because concurrent sign-ins to one account are limited.
                Self::SignIn => sign_in(&accounts[connection % accounts.len()].account),
                _ => self.request(
                    &accounts[index % accounts.len()],
                    index.wrapping_mul(REQUEST_STRIDE),
                ),
            }
        })
    }

    fn request(self, signed_in: &SignedIn, pick: usize) -> Request<Full<Bytes>> {
        match self {
            Self::GetUser => {
                let user = one_of(&signed_in.account.users, pick);
                read(signed_in, format!("/v1/users/{user}"))
            }
            Self::ListUsers | Self::ListDuringSignIns => {
                read(signed_in, format!("/v1/users?limit={PAGE_SIZE}"))
            }
            Self::TutorWeek => {
                let tutor = one_of(&signed_in.account.tutors, pick);
                let span = calendar::period(7);
                read(signed_in, format!("/v1/calendar?tutor_id={tutor}&{span}"))
            }
            Self::StudentMonth => {
                let student = one_of(&signed_in.account.students, pick);
                let span = calendar::period(30);
                read(
                    signed_in,
                    format!("/v1/calendar?student_id={student}&{span}"),
                )
            }
            Self::FreeSlots => {
                let span = calendar::period(14);
                read(
                    signed_in,
                    format!("/v1/tutors/search?subject=reading&minutes=60&{span}"),
                )
            }
            Self::CreateClass => finish(
                authorized(signed_in, Method::POST, "/v1/classes".to_owned()),
                Some(&calendar::new_class(&signed_in.account, pick)),
            ),
            Self::CentreBalance => {
                let centre = one_of(&signed_in.account.centres, pick);
                read(
                    signed_in,
                    format!("/v1/finance-records/balance?centre_id={centre}"),
                )
            }
            Self::CreateFinanceRecord => finish(
                authorized(signed_in, Method::POST, "/v1/finance-records".to_owned())
                    .header("idempotency-key", Uuid::new_v4().to_string()),
                Some(&ledger::new_record(&signed_in.account, pick)),
            ),
            Self::UrgentRequests => read(signed_in, requests::list_path(PAGE_SIZE)),
            Self::CreateUser => finish(
                authorized(signed_in, Method::POST, "/v1/users".to_owned()),
                Some(&new_user(&Uuid::new_v4().to_string())),
            ),
            Self::SignIn => sign_in(&signed_in.account),
        }
    }
}

fn one_of(ids: &[Uuid], pick: usize) -> Uuid {
    ids.get(pick % ids.len().max(1))
        .copied()
        .unwrap_or_default()
}

fn read(signed_in: &SignedIn, path: String) -> Request<Full<Bytes>> {
    finish(authorized(signed_in, Method::GET, path), None)
}

/// Signs in every account.
pub(super) async fn sign_in_all(
    server: &Server,
    accounts: &[ClientAccount],
) -> Result<Arc<[SignedIn]>> {
    #[derive(Deserialize)]
    struct Tokens {
        access_token: String,
    }
    let mut client = Client::connect(server.address).await?;
    let mut signed_in = Vec::with_capacity(accounts.len());
    for account in accounts {
        let response = client.send(sign_in(account)).await?;
        let token = serde_json::from_slice::<Tokens>(&response)
            .context("the response to signing in has no token")?
            .access_token;
        let claims = claims(&token).context("the access token cannot be decoded")?;
        signed_in.push(SignedIn {
            account: account.clone(),
            token,
            claims,
        });
    }
    Ok(signed_in.into())
}

/// Decodes the claims of a token without verifying it, which is left to the service that receives it.
fn claims(token: &str) -> Option<Claims> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Builds the request that signs an account in.
fn sign_in(account: &ClientAccount) -> Request<Full<Bytes>> {
    let body =
        json!({"tenant": account.slug, "email": account.email, "password": account.password});
    finish(
        begin(Method::POST, "/v1/auth/login".to_owned()),
        Some(&body),
    )
}

/// Returns the body of a new user with a unique e-mail address.
pub(super) fn new_user(unique: &str) -> serde_json::Value {
    json!({"name": "Ana Bench", "email": format!("ana.{unique}@bench.example"), "role": "student"})
}

fn authorized(signed_in: &SignedIn, method: Method, path: String) -> request::Builder {
    begin(method, path).header(AUTHORIZATION, format!("Bearer {}", signed_in.token))
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
    // Every part consists of ids and of texts that are valid in a header.
    builder.body(body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::role;

    use super::*;

    fn accounts() -> Arc<[SignedIn]> {
        let account = |number: u32| SignedIn {
            account: ClientAccount {
                slug: format!("tenant-{number}"),
                email: format!("admin{number}@example.org"),
                password: "a password".to_owned(),
                users: (0..7).map(|_| Uuid::new_v4()).collect(),
                ..ClientAccount::default()
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
    fn requests_are_spread_over_accounts_and_users() {
        let accounts = accounts();
        let source = Operation::GetUser.source(&accounts);
        let paths: std::collections::BTreeSet<String> = (0..200)
            .map(|count| source(3, count).uri().to_string())
            .collect();
        assert!(paths.len() > 30, "{} different users", paths.len());
    }

    #[test]
    fn a_user_is_read_by_an_account_of_its_own_tenant() {
        let accounts = accounts();
        let request = Operation::GetUser.source(&accounts)(1, 1);
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
                .account
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
    fn every_request_has_a_path_and_a_host() {
        for operation in [
            Operation::ListUsers,
            Operation::CreateUser,
            Operation::SignIn,
        ] {
            let request = operation.source(&accounts())(0, 0);
            assert!(request.uri().path().starts_with("/v1/"), "{operation:?}");
            assert!(request.headers().contains_key(HOST));
        }
    }
}
