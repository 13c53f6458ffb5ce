//! Tests relocations that are rejected, and the verification before the source is erased.

use anyhow::Result;
use operations::relocation::{self, Options};
use tests::run;

use super::{OtherCell, options, receipt_file, sign_in};

async fn rejection(options: &Options) -> Result<String> {
    match relocation::run(options).await {
        Ok(_) => anyhow::bail!("the tenant was relocated"),
        Err(error) => Ok(format!("{error:#}")),
    }
}

#[test]
fn a_rejected_relocation_is_explained_in_one_line_and_changes_nothing() {
    run(async |app| {
        let other = OtherCell::create(app).await?;
        let target = other.client().await?;
        let good = options(app, &other);
        let mut unknown = good.clone();
        unknown.tenant = "nobody-here".to_owned();
        let mut same = good.clone();
        same.to.database_url = same.from.database_url.clone();
        let mut unreachable = good.clone();
        unreachable.to.database_url = "postgres://nobody@127.0.0.1:1/lms".to_owned();
        let mut other_name = good.clone();
        other_name.to.name = Some("us-standard".to_owned());
        for (options, expected_message) in [
            (
                &other_name,
                "the target cell: the database is the cell au-standard, not us-standard",
            ),
            (&unknown, "there is no tenant nobody-here"),
            (&same, "both are the cell"),
            (&unreachable, "cannot reach PostgreSQL"),
        ] {
            let line = rejection(options).await?;
            assert!(
                line.contains(expected_message) && !line.contains('\n'),
                "{line}"
            );
        }
        let mut client = other.client().await?;
        let same_slug = database::tenant::New {
            slug: good.tenant.clone(),
            name: "Another".to_owned(),
        };
        database::tenant::create(&mut client, &same_slug).await?;
        assert!(rejection(&good).await?.contains("is taken"));
        target
            .batch_execute("delete from lms_private.migrations where version = 1")
            .await?;
        assert!(rejection(&good).await?.contains("the schemas differ"));
        sign_in(app, app).await?.expect(200);
        Ok(())
    });
}

#[test]
fn the_source_is_erased_only_after_the_target_is_verified() {
    run(async |app| {
        let other = OtherCell::create(app).await?;
        let target = other.client().await?;
        let options = options(app, &other);
        let directory = tempfile::tempdir()?;
        let receipt = relocation::run(&options).await?;
        let erase_source = async |receipt: &relocation::Receipt| -> Result<String> {
            let file = receipt_file(&directory, receipt).await?;
            match relocation::erase_source(&file, &options.from, &options.to).await {
                Ok(_) => Ok("erased".to_owned()),
                Err(error) => Ok(format!("{error:#}")),
            }
        };
        let mut forged = receipt.clone();
        forged.events.position += 1;
        assert!(
            erase_source(&forged)
                .await?
                .contains("the receipt is not valid")
        );
        // A row is changed without an event, because the triggers do not fire.
        target
            .batch_execute(
                "set session_replication_role = replica;
                create table public.saved_centre as select * from lms.centres limit 1;
                update lms.centres as c set name = 'elsewhere' from public.saved_centre as s where c.id = s.id;
                set session_replication_role = origin",
            )
            .await?;
        let line = erase_source(&receipt).await?;
        assert!(line.contains("1 rows of lms.centres are not"), "{line}");
        target
            .batch_execute(
                "set session_replication_role = replica;
                update lms.centres as c set name = s.name from public.saved_centre as s where c.id = s.id;
                set session_replication_role = origin",
            )
            .await?;
        // Later changes at the target are recorded as events and do not prevent the erasure.
        target
            .batch_execute(&format!(
                "set app.tenant_id = '{}';
                update lms.centres as c set name = 'elsewhere' from public.saved_centre as s where c.id = s.id",
                receipt.tenant_id
            ))
            .await?;
        assert_eq!(erase_source(&receipt).await?, "erased");
        assert!(
            erase_source(&receipt)
                .await?
                .contains("has already erased the tenant")
        );
        Ok(())
    });
}
