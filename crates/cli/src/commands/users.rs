//! `lms user`: creates admins. The account is written in `operations::user`.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use operations::user;

use super::{database_url, print_line};
use crate::arguments;

pub(super) async fn create_admin(
    state: &Path,
    arguments: arguments::CreateAdmin,
) -> Result<ExitCode> {
    let database_url = database_url(state, arguments.target).await?;
    let password = ask_password()?;
    let mut client = database::connect(&database_url).await?;
    let new = user::New {
        tenant: arguments.tenant,
        name: arguments.name,
        email: arguments.email,
        password,
    };
    print_line(user::create_admin(&mut client, &new).await?)?;
    Ok(ExitCode::SUCCESS)
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
