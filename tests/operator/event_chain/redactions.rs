//! Tests the verification of events whose state was redacted by an erasure.

use anyhow::Result;
use operations::events::Fault;
use tests::run;
use uuid::Uuid;

use super::{Tamperer, break_at, verify_first_tenant};

/// Redacts the state of an event as an erasure does, and records the redaction.
async fn erase(tamperer: &Tamperer, erasure: Uuid, position: i64, state: &str) -> Result<()> {
    tamperer
        .client
        .batch_execute(&format!(
            "begin;
            select set_config('app.tenant_id', '{tenant}', true);
            insert into lms.event_redactions (tenant_id, erasure_id, position, state_hash)
            values ('{tenant}', '{erasure}', {position}, lms_private.state_hash('{erasure}', '{state}'));
            update lms.event_log set state = '{state}', salt = '{erasure}'
            where tenant_id = '{tenant}' and position = {position};
            insert into lms_private.unsealed_events (tenant_id, entity, entity_id, kind, at, state)
            select '{tenant}', 'erasures', '{erasure}', 'erasure.created', clock_timestamp(), jsonb_build_object(
              'redactions_hash', sha256(int8send(r.position) || r.state_hash)
            )
            from lms.event_redactions as r where r.erasure_id = '{erasure}';
            commit",
            tenant = tamperer.tenant
        ))
        .await?;
    Ok(())
}

#[test]
fn only_the_redacted_state_of_an_erasure_is_accepted() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        erase(&tamperer, first, 20, "{\"name\": \"Erased\"}").await?;
        assert_eq!(verify_first_tenant(app).await?, None);
        erase(&tamperer, second, 20, "{\"name\": null}").await?;
        assert_eq!(verify_first_tenant(app).await?, None);
        tamperer.save().await?;
        let of = "where tenant_id = $1 and position = $2";
        for state in ["{\"name\": \"Ana\"}", "{\"name\": \"Erased\"}"] {
            let sql = format!("update lms.event_log set state = '{state}' {of}");
            tamperer.change(&sql, 20).await?;
            assert_eq!(verify_first_tenant(app).await?, break_at(20, Fault::State));
            tamperer.restore().await?;
        }
        // An added redaction contradicts the event of its erasure. Without its redactions, an event
        // differs from the hash of its state.
        let redactions = "lms.event_redactions (tenant_id, erasure_id, position, state_hash)";
        let sql = format!(
            "insert into {redactions} select tenant_id, '{second}', $2, sha256('') from lms.event_heads where tenant_id = $1"
        );
        tamperer.change(&sql, 30).await?;
        let end = tamperer.end().await?;
        assert_eq!(
            verify_first_tenant(app).await?,
            break_at(end, Fault::Redactions)
        );
        tamperer
            .change(
                "delete from lms.event_redactions where tenant_id = $1 and position = $2",
                30,
            )
            .await?;
        assert_eq!(verify_first_tenant(app).await?, None);
        tamperer
            .change(
                "delete from lms.event_redactions where tenant_id = $1 and position = $2",
                20,
            )
            .await?;
        assert_eq!(verify_first_tenant(app).await?, break_at(20, Fault::State));
        Ok(())
    });
}
