//! Tests relocations that are interrupted, and tenants that are being relocated.

use anyhow::{Result, ensure};
use operations::relocation::{self, Direction, RelocationState};
use serde_json::json;
use tests::{role, run};

use super::{AU_URL, OtherCell, options, rows_by_table, sign_in, with_other_cell};

/// Adds a trigger that terminates the connection that records a state.
async fn fail_at_state(client: &tokio_postgres::Client, state: &str) -> Result<()> {
    client
        .batch_execute(&format!(
            "create function public.break_off() returns trigger language plpgsql security definer as $$
            begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$;
            create trigger break_off before insert or update on lms_private.tenant_relocations
            for each row when (new.state = '{state}') execute function public.break_off();
            alter table lms_private.tenant_relocations enable always trigger break_off"
        ))
        .await?;
    Ok(())
}

async fn remove_failure(client: &tokio_postgres::Client) -> Result<()> {
    client
        .batch_execute("drop function public.break_off cascade")
        .await?;
    Ok(())
}

#[test]
fn an_interrupted_relocation_leaves_one_serving_cell_and_resumes() {
    run(async |app| {
        let other = OtherCell::create(app).await?;
        let (source, target) = (app.superuser().await?, other.client().await?);
        let options = options(app, &other);
        with_other_cell(app, &other, async |au| {
            for state in RelocationState::STEPS {
                let client = match state.direction() {
                    Direction::Out => &source,
                    Direction::In => &target,
                };
                fail_at_state(client, state.name()).await?;
                assert!(relocation::run(&options).await.is_err(), "{state:?}");
                remove_failure(client).await?;
                let (old, new) = (sign_in(app, app).await?, sign_in(au, app).await?);
                if state == RelocationState::SourceReadOnly {
                    old.expect(200);
                    new.expect(401);
                } else if state == RelocationState::Active {
                    // The tenant has left. The target responds with a 503 until the relocation is finished.
                    assert_eq!(old.expect(421).header("location"), AU_URL);
                    new.expect(503);
                } else {
                    // A sign-in fails, because the tenant is read-only.
                    old.expect(503);
                    ensure!(
                        [401, 421, 503].contains(&new.status),
                        "{state:?}: {}",
                        new.status
                    );
                }
            }
            relocation::run(&options).await?;
            relocation::run(&options).await?;
            sign_in(app, app).await?.expect(421);
            sign_in(au, app).await?.expect(200);
            Ok(())
        })
        .await
    });
}

#[test]
fn a_tenant_in_relocation_is_read_only_and_the_relocation_can_be_cancelled() {
    run(async |app| {
        let other = OtherCell::create(app).await?;
        let target = other.client().await?;
        let options = options(app, &other);
        let admin = app.sign_in(role::ADMIN).await?;
        fail_at_state(&target, "awaited").await?;
        assert!(relocation::run(&options).await.is_err());
        remove_failure(&target).await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        let rejected = app
            .patch(&admin, "/v1/tenant", json!({"name": "Another name"}))
            .await?;
        ensure!(rejected.status != 200, "the tenant was updated");
        relocation::cancel(&options).await?;
        sign_in(app, app).await?.expect(200);
        for (name, rows) in rows_by_table(&target, app.demo.tenants[0].id).await? {
            assert_eq!(rows, "", "{name}");
        }
        relocation::run(&options).await?;
        Ok(())
    });
}
