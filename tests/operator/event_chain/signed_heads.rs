//! Tests that a rewritten tail of the chain is detected by the signed heads.

use anyhow::{Context, Result};
use operations::events::heads::{self, Heads};
use operations::events::{Break, Fault, keys, verify};
use tests::{run, run_python};

use super::{Tamperer, break_at, verify_first_tenant};

#[test]
fn a_rewritten_tail_is_detected_by_the_signed_heads() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let directory = tempfile::tempdir()?;
        let (key, file) = (directory.path().join("key"), directory.path().join("heads"));
        let public = keys::generate(&key)?;
        let count = heads::export(&app.superuser_url, &file, &keys::private(&key)?).await?;
        assert_eq!(count, 2);
        let signed = Heads::read(&file, &keys::public(&public)?)?;
        let end = tamperer.end().await?;
        assert_eq!(
            signed.of(tamperer.tenant).map(|head| head.position),
            Some(end)
        );
        let check = async || -> Result<Option<Break>> {
            let reports = verify::run(&app.superuser_url, None, Some(&signed)).await?;
            Ok(reports.into_iter().find_map(|report| report.broken))
        };
        assert_eq!(check().await?, None);
        let printed = run_python("signed_heads.py", [file.as_os_str(), public.as_os_str()]).await?;
        let printed: serde_json::Value = serde_json::from_str(&printed)?;
        assert_eq!(printed["heads"].as_array().map(Vec::len), Some(2));

        // A superuser recomputes the whole chain from one event on.
        tamperer
            .client
            .batch_execute(&format!(
                "do $$
                declare event lms.event_log; previous bytea; begin
                  update lms.event_log set state = state || '{{\"forged\": true}}'
                  where tenant_id = '{tenant}' and position = {forged};
                  select hash into previous from lms.event_log
                  where tenant_id = '{tenant}' and position = {forged} - 1;
                  for event in select * from lms.event_log
                    where tenant_id = '{tenant}' and position >= {forged} order by position
                  loop
                    event.state_hash := lms_private.state_hash(event.salt, event.state);
                    event.previous_hash := previous;
                    event.hash := sha256(previous || convert_to(lms_private.event_text(event), 'UTF8'));
                    update lms.event_log
                    set state_hash = event.state_hash, previous_hash = previous, hash = event.hash
                    where tenant_id = '{tenant}' and position = event.position;
                    previous := event.hash;
                  end loop;
                  update lms.event_heads set hash = previous where tenant_id = '{tenant}';
                end $$",
                tenant = tamperer.tenant,
                forged = end - 5,
            ))
            .await?;
        assert_eq!(
            verify_first_tenant(app).await?,
            None,
            "the forgery is consistent"
        );
        assert_eq!(check().await?, break_at(end, Fault::SignedHead));
        tamperer.restore().await?;

        // The log is truncated together with its head.
        tamperer
            .client
            .batch_execute(&format!(
                "delete from lms.event_log where tenant_id = '{tenant}' and position > {end} - 3;
                update lms.event_heads as h set position = l.position, hash = l.hash
                from lms.event_log as l
                where l.tenant_id = h.tenant_id and h.tenant_id = '{tenant}' and l.position = {end} - 3",
                tenant = tamperer.tenant
            ))
            .await?;
        assert_eq!(verify_first_tenant(app).await?, None);
        assert_eq!(check().await?, break_at(end - 2, Fault::Missing));

        let other = keys::generate(&directory.path().join("other"))?;
        let error = Heads::read(&file, &keys::public(&other)?)
            .err()
            .context("the heads were read with another key")?;
        assert!(
            format!("{error:#}").contains("the signature does not match this key"),
            "{error:#}"
        );
        let again = heads::export(&app.superuser_url, &file, &keys::private(&key)?).await;
        assert!(again.is_err());
        Ok(())
    });
}
