//! Tests that the queries of the ledger use indexes under row security.

use tests::{role, run};

#[test]
fn every_query_of_the_ledger_uses_an_index() {
    run(async |app| {
        let session = app.session(0, role::FINANCE).await?;
        // The planner would read a small table sequentially.
        app.superuser()
            .await?
            .batch_execute(&format!(
                "set session_replication_role = replica;
                insert into lms.finance_records (
                  tenant_id, number, centre_id, student_id, tutor_id, amount, currency, type, method, effective_on
                )
                select
                  '{}', 1000000 + i, lms.new_id(), case i % 2 when 0 then lms.new_id() end,
                  case i % 2 when 1 then lms.new_id() end, 1.00, 'EUR', 'reimbursement', 'cash',
                  date '2020-01-01' + i
                from generate_series(1, 20000) as i;
                call lms_private.rebuild_ledger();
                analyze lms.finance_records, lms.journal_entries, lms.finance_totals",
                session.tenant
            ))
            .await?;
        let client = database::connect(&app.application_url).await?;
        client
            .execute(
                "select set_config('app.tenant_id', $1, false), set_config('app.role', 'finance', false)",
                &[&session.tenant.to_string()],
            )
            .await?;
        let id = "'01900000-0000-7000-8000-000000000001'";
        let records = "select id from lms.finance_records where deleted_at is null";
        for (sql, index, condition) in [
            (
                format!("{records} and centre_id = {id}"),
                "idx_finance_centre_id",
                "centre_id =",
            ),
            (
                format!("{records} and student_id = {id}"),
                "idx_finance_records_student_id",
                "student_id =",
            ),
            (
                format!("{records} and tutor_id = {id}"),
                "idx_finance_records_tutor_id",
                "tutor_id =",
            ),
            (
                format!("{records} and number = 7"),
                "finance_records_number_key",
                "number =",
            ),
            (
                format!("{records} order by number desc, id desc limit 50"),
                "finance_records_number_key",
                "tenant_id =",
            ),
            (
                format!("{records} order by effective_on, id limit 50"),
                "idx_finance_records_effective_on",
                "tenant_id =",
            ),
            (
                format!("select id from lms.journal_entries where record_id = {id}"),
                "journal_entries_account_key",
                "record_id =",
            ),
            (
                format!(
                    "select amount from lms.finance_totals
                    where centre_id = {id} and effective_on >= '2026-01-01' and effective_on <= '2026-03-31'"
                ),
                "finance_totals_type_key",
                "effective_on <=",
            ),
        ] {
            let rows = client.query(&format!("explain (costs off) {sql}"), &[]).await?;
            let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            let enters = |text: &str| plan.iter().any(|line| line.contains(text));
            assert!(enters(&format!("using {index}")), "{sql}: {plan:#?}");
            let conditions = plan
                .iter()
                .filter(|line| line.contains("Index Cond"))
                .any(|line| line.contains(condition));
            assert!(conditions, "{sql}: {plan:#?}");
        }
        Ok(())
    });
}
