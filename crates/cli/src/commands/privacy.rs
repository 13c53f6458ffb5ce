//! `lms privacy`: exports and erases a person's data, and verifies receipts. The work lives in
//! `operations::privacy`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use operations::privacy;

use super::{database_url, print_line};
use crate::arguments::Privacy;

pub(super) async fn execute(state: &Path, action: Privacy) -> Result<ExitCode> {
    match action {
        Privacy::Export(options) => {
            let database_url = database_url(state, options.target).await?;
            let document = privacy::export(&database_url, &options.tenant, options.user).await?;
            privacy::write(&options.output, &document)?;
            print_line(format_args!("written to {}", options.output.display()))?;
        }
        Privacy::Erase(options) => {
            let database_url = database_url(state, options.target).await?;
            print_line(
                privacy::erase(
                    &database_url,
                    &options.tenant,
                    options.user,
                    &options.reason,
                )
                .await?,
            )?;
        }
        Privacy::Verify(options) => {
            let database_url = database_url(state, options.target).await?;
            print_line(
                privacy::verify(&database_url, &options.receipt, options.tenant.as_deref()).await?,
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
