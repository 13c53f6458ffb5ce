//! Tests the receipts of erasures and their verification by the operator.

use std::path::PathBuf;

use anyhow::Result;
use operations::privacy::{self, ValidReceipt};
use serde_json::{Value, json};
use tests::{
    Application,
    data_subject::{create_data_subject, erase},
    fixtures, queries, role, run,
};

/// Writes a receipt to a file in a temporary directory.
fn write_receipt(receipt: &Value) -> Result<(tempfile::TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("receipt.json");
    std::fs::write(&path, receipt.to_string())?;
    Ok((directory, path))
}

async fn verify(app: &Application, receipt: &Value) -> Result<ValidReceipt> {
    let (_directory, path) = write_receipt(receipt)?;
    privacy::verify(&app.superuser_url, &path, Some("aurora")).await
}

/// Returns the reason why the receipt is not valid.
async fn problem(app: &Application, receipt: &Value) -> Result<String> {
    match verify(app, receipt).await {
        Ok(valid) => anyhow::bail!("verified: {valid}"),
        Err(error) => Ok(error.to_string()),
    }
}

/// Makes a change that no role may make, as someone with access to the database's files could.
async fn tamper(app: &Application, sql: &str) -> Result<()> {
    let client = app.superuser().await?;
    let append_only_tables = "select t.tgrelid::regclass::text
        from pg_trigger as t
        where t.tgname = 'append_only'
          and t.tgrelid::regclass::text like '%event%'";
    let tables = queries::fetch_texts(app, append_only_tables, &[]).await?;
    for table in &tables {
        let open = format!("alter table only {table} disable trigger append_only");
        client.batch_execute(&open).await?;
    }
    client.batch_execute(sql).await?;
    for table in &tables {
        let close = format!("alter table only {table} enable always trigger append_only");
        client.batch_execute(&close).await?;
    }
    Ok(())
}

#[test]
fn a_receipt_can_be_read_again_and_stays_valid() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let receipt = erase(app, &admin, subject.user).await?.expect(200).json();
        let id = receipt["erasure_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let shown = app
            .get(&admin, &format!("/v1/erasures/{id}/receipt"))
            .await?;
        assert_eq!(shown.expect(200).json(), receipt);
        let erasure = app
            .get(&admin, &format!("/v1/erasures/{id}"))
            .await?
            .expect(200)
            .json();
        assert_eq!(erasure["counts"], receipt["counts"]);
        assert_eq!(erasure["reason"], "Asked for it by letter.");
        let other_tenant_admin = app.sign_in_to(1, role::ADMIN).await?;
        app.get(&other_tenant_admin, &format!("/v1/erasures/{id}/receipt"))
            .await?
            .expect(404);

        let valid = verify(app, &receipt).await?;
        assert_eq!(valid.user_id, subject.user);
        // Another erasure may redact the same events.
        erase(app, &admin, subject.parent).await?.expect(200);
        verify(app, &receipt).await?;
        Ok(())
    });
}

#[test]
fn changes_after_an_erasure_are_detected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let subject = create_data_subject(app, &admin).await?;
        let receipt = erase(app, &admin, subject.user).await?.expect(200).json();
        for (pointer, wrong) in [
            ("/counts/users", json!(7)),
            ("/events", json!(1)),
            ("/redactions_hash", json!("00".repeat(32))),
            ("/event/hash", json!("00".repeat(32))),
            ("/event/position", json!(1)),
            ("/user_id", json!(subject.parent)),
            ("/erasure_id", json!(subject.parent)),
        ] {
            let mut forged = receipt.clone();
            if let Some(place) = forged.pointer_mut(pointer) {
                *place = wrong;
            }
            problem(app, &forged).await?;
        }
        problem(app, &json!({})).await?;

        let path = format!("/v1/users/{}", subject.user);
        app.patch(&admin, &path, json!({"phone": "+441632960333"}))
            .await?
            .expect(200);
        assert!(problem(app, &receipt).await?.contains("Rows of users"));
        app.patch(&admin, &path, json!({"phone": null}))
            .await?
            .expect(200);
        verify(app, &receipt).await?;

        let erasure = fixtures::parse_id(&json!({"id": receipt["erasure_id"]}))?;
        let changed = format!(
            "update lms.event_log as l set state = l.state || '{{\"x\": 1}}'
            where (l.tenant_id, l.position) = (
              select r.tenant_id, r.position from lms.event_redactions as r where r.erasure_id = '{erasure}' limit 1
            )"
        );
        tamper(app, &changed).await?;
        assert!(
            problem(app, &receipt)
                .await?
                .contains("does not hold what the erasure put there")
        );
        let removed = format!(
            "delete from lms.event_redactions where id = (
              select r.id from lms.event_redactions as r where r.erasure_id = '{erasure}' limit 1
            )"
        );
        tamper(app, &removed).await?;
        assert!(
            problem(app, &receipt)
                .await?
                .contains("not the one that the erasure made")
        );
        Ok(())
    });
}

#[test]
fn the_command_exports_erases_and_verifies() {
    run(async |app| {
        let address = app.superuser_url.as_str();
        let user = app.user(0, role::STUDENT).id;
        let document: Value =
            serde_json::from_str(&privacy::export(address, "aurora", user).await?)?;
        assert_eq!(document["subject"], json!(user));
        let receipt = privacy::erase(address, "aurora", user, "Asked for it.").await?;
        let (_directory, path) = write_receipt(&receipt)?;
        assert!(
            privacy::write(&path, "another").is_err(),
            "an existing file is not overwritten"
        );
        let valid = privacy::verify(address, &path, None).await?;
        assert_eq!(valid.user_id, user);
        assert!(
            privacy::verify(address, &path, Some("harbour"))
                .await
                .is_err()
        );

        for (tenant, user, reason, expected) in [
            ("aurora", user, "Twice.", "already been erased"),
            (
                "nowhere",
                user,
                "The reason for the erasure.",
                "no tenant nowhere",
            ),
            (
                "harbour",
                user,
                "The reason for the erasure.",
                "has no user",
            ),
            (
                "harbour",
                app.user(1, role::STUDENT).id,
                "",
                "1 to 1000 characters",
            ),
        ] {
            let rejected = privacy::erase(address, tenant, user, reason).await;
            let error = rejected
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert!(error.contains(expected), "{error}");
        }
        let own = "lms.erasures where user_id = $1";
        assert_eq!(queries::count(app, own, &[&user]).await?, 1);
        Ok(())
    });
}
