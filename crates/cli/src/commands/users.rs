//! `lms user`: lists users, creates admins and resets passwords. The work is done in `operations::user`.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result, bail};
use operations::time;
use operations::user::{self, Account, User};

use super::database_url;
use crate::answer::{Outcome, Row, Table};
use crate::arguments::users as arguments;

impl Row for User {
    const HEADER: &'static [&'static str] = &["NAME", "E-MAIL", "ROLE", "STATUS", "CREATED", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.email.clone(),
            self.role.clone(),
            self.status.clone(),
            time::text(self.created_at),
            self.id.to_string(),
        ]
    }
}

pub(super) async fn execute(state: &Path, command: arguments::User) -> Result<Outcome> {
    match command {
        arguments::User::List(options) => list(state, options).await,
        arguments::User::CreateAdmin(options) => create_admin(state, options).await,
        arguments::User::ResetPassword(options) => reset_password(state, options).await,
    }
}

async fn list(state: &Path, arguments: arguments::ListUsers) -> Result<Outcome> {
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let filter = user::Filter {
        role: arguments.role,
        status: arguments.status,
    };
    let users = user::list(&mut client, &arguments.tenant, &filter).await?;
    Ok(Outcome::answer(Table::new("users", users)))
}

async fn create_admin(state: &Path, arguments: arguments::CreateAdmin) -> Result<Outcome> {
    let database_url = database_url(state, arguments.target).await?;
    let password = ask_password()?;
    let mut client = database::connect(&database_url).await?;
    let new = user::New {
        tenant: arguments.tenant,
        name: arguments.name,
        email: arguments.email,
        password,
    };
    let created = user::create_admin(&mut client, &new).await?;
    let text = created.id.to_string();
    Ok(Outcome::worded(created, text))
}

async fn reset_password(state: &Path, arguments: arguments::ResetPassword) -> Result<Outcome> {
    let account = match (arguments.account.user, arguments.account.email) {
        (Some(id), _) => Account::Id(id),
        (None, Some(email)) => Account::Email(email),
        (None, None) => bail!("no user is given: give --user or --email"),
    };
    let mut client = database::connect(&database_url(state, arguments.target).await?).await?;
    let reset = user::reset_password(&mut client, &arguments.tenant, &account).await?;
    let text = format!(
        "{}\nsets a new password of user {} once, until {}, at POST /v1/auth/password-reset/confirm; \
         the former password and all sessions have ended",
        reset.token,
        reset.user_id,
        time::text(reset.expires_at)
    );
    Ok(Outcome::worded(reset, text))
}

/// Reads a password from a prompt, twice, or from standard input when that is not a terminal. It is never an argument, which other
/// accounts could see.
fn ask_password() -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("cannot read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let password = rpassword::prompt_password("Password: ").context("cannot read the password")?;
    operations::password::normalize(&password)?;
    if rpassword::prompt_password("Repeat the password: ").context("cannot read the password")?
        != password
    {
        bail!("the two passwords differ: try again");
    }
    Ok(password)
}
