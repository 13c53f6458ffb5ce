//! Signs in demo users and issues access tokens for them.
//! Sessions of other users are created in `fixtures`.

use anyhow::Result;
use http::Method;
use platform::auth::claims::Claims;
use platform::auth::role::Role;
use platform::auth::token::Keys;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Application;

/// A signed-in user.
#[derive(Debug, Clone)]
pub struct Session {
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// The user.
    pub user: Uuid,
    /// The tenant.
    pub tenant: Uuid,
    /// The session itself.
    pub id: Uuid,
}

impl Application {
    /// Returns the demo user of a role in the first or second tenant.
    pub fn user(&self, tenant: usize, role: Role) -> &local::demo::User {
        self.demo.tenants[tenant]
            .users
            .iter()
            .find(|user| user.role == role.name())
            .expect("a demo user of each role")
    }

    /// Signs in as the demo user of a role in the first tenant.
    ///
    /// # Errors
    ///
    /// When the sign-in is refused.
    pub async fn sign_in(&self, role: Role) -> Result<Session> {
        self.sign_in_to(0, role).await
    }

    /// Signs in as the demo user of a role in the first or second tenant.
    ///
    /// # Errors
    ///
    /// When the sign-in is refused.
    pub async fn sign_in_to(&self, tenant: usize, role: Role) -> Result<Session> {
        let user = self.user(tenant, role);
        self.sign_in_as(&self.demo.tenants[tenant].slug, &user.email, &user.password)
            .await
    }

    /// Signs in with tenant, e-mail and password.
    ///
    /// # Errors
    ///
    /// When the sign-in is refused.
    pub async fn sign_in_as(&self, slug: &str, email: &str, password: &str) -> Result<Session> {
        let body = json!({"tenant": slug, "email": email, "password": password});
        let reply = self
            .call(None, Method::POST, "/v1/auth/login", Some(body))
            .await?;
        anyhow::ensure!(
            reply.status == 200,
            "sign-in: {} {}",
            reply.status,
            reply.text
        );
        let body = reply.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let token = text(&body["access_token"]);
        let claims = Keys::parse(&self.variables["signing_keys"])
            .map_err(anyhow::Error::msg)?
            .verify(&token, "eu")
            .map_err(|rejected| anyhow::anyhow!("the token is refused: {rejected:?}"))?;
        Ok(Session {
            token,
            refresh_token: text(&body["refresh_token"]),
            user: claims.sub,
            tenant: claims.tid,
            id: claims.sid,
        })
    }

    /// Creates a session of a demo user without its password, for tests that need many sessions.
    ///
    /// # Errors
    ///
    /// When the session can't be written.
    pub async fn session(&self, tenant: usize, role: Role) -> Result<Session> {
        let user = self.user(tenant, role).id;
        self.insert_session(tenant, user, role).await
    }

    /// Inserts a session of a user of the first or second tenant.
    pub(crate) async fn insert_session(
        &self,
        tenant: usize,
        user: Uuid,
        role: Role,
    ) -> Result<Session> {
        let tenant = self.demo.tenants[tenant].id;
        let id = Uuid::now_v7();
        self.superuser()
            .await?
            .execute(
                "insert into lms.sessions (tenant_id, id, user_id, expires_at)
                values ($1, $2, $3, now() + interval '1 hour')",
                &[&tenant, &id, &user],
            )
            .await?;
        let mut session = Session {
            token: String::new(),
            refresh_token: String::new(),
            user,
            tenant,
            id,
        };
        session.token = self.token(&session, role, 600)?;
        Ok(session)
    }

    /// Signs an access token for the session that expires in this many seconds, or has expired if they are negative.
    ///
    /// # Errors
    ///
    /// When it can't be signed.
    pub fn token(&self, session: &Session, role: Role, seconds: i64) -> Result<String> {
        let now = i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)?
                .as_secs(),
        )?;
        Keys::parse(&self.variables["signing_keys"])
            .and_then(|keys| {
                keys.sign(&Claims {
                    aud: "eu".to_owned(),
                    sub: session.user,
                    tid: session.tenant,
                    sid: session.id,
                    role: role.name().to_owned(),
                    lang: None,
                    iat: now,
                    exp: now + seconds,
                })
            })
            .map_err(anyhow::Error::msg)
    }
}
