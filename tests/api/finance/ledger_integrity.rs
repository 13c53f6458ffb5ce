//! Tests that the database keeps the ledger append-only and balanced, whatever SQL is executed.

use anyhow::{Context, Result};
use tests::{Application, queries, role, run};
use tokio_postgres::Client;

/// The role and the mode in which a client connects to the database.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Actor {
    Application,
    Owner,
    Superuser,
    /// The superuser with ordinary triggers off, as in a restore.
    ReplicaMode,
}

/// Connects in the first tenant's context.
async fn connect(app: &Application, actor: Actor) -> Result<Client> {
    let session = app.session(0, role::ADMIN).await?;
    let client = match actor {
        Actor::Application => database::connect(&app.application_url).await?,
        _ => app.superuser().await?,
    };
    client
        .execute(
            "select
              set_config('app.tenant_id', $1, false),
              set_config('app.user_id', $2, false),
              set_config('app.role', 'admin', false)",
            &[&session.tenant.to_string(), &session.user.to_string()],
        )
        .await?;
    client
        .batch_execute(match actor {
            Actor::Owner => "set role lms_owner",
            Actor::ReplicaMode => "set session_replication_role = replica",
            _ => "",
        })
        .await?;
    Ok(client)
}

/// Runs a script and returns its SQLSTATE, or an empty text if it succeeds. A failed script is rolled back.
async fn refusal(client: &Client, sql: &str) -> Result<String> {
    let rejected = client.batch_execute(sql).await.err();
    client.batch_execute("rollback").await?;
    let code = rejected.as_ref().and_then(|error| error.code());
    Ok(code.map(|code| code.code().to_owned()).unwrap_or_default())
}

/// Returns a hash of the rows of each table of the ledger: records, journal entries and totals.
async fn ledger_rows(app: &Application) -> Result<Vec<String>> {
    queries::fetch_texts(
        app,
        "select md5(string_agg(r::text, '' order by r.id)) from lms.finance_records as r
        union all
        select md5(string_agg(l::text, '' order by l.id)) from lms.journal_entries as l
        union all
        select md5(string_agg(t::text, '' order by t.id)) from lms.finance_totals as t",
        &[],
    )
    .await
}

#[test]
fn no_role_changes_or_deletes_ledger_rows() {
    run(async |app| {
        let before = ledger_rows(app).await?;
        for actor in [
            Actor::Application,
            Actor::Owner,
            Actor::Superuser,
            Actor::ReplicaMode,
        ] {
            let client = connect(app, actor).await?;
            for sql in [
                "update lms.finance_records set amount = amount + 1",
                "update lms.finance_records set reference = 'other', method = 'cash'",
                "update lms.finance_records set deleted_at = now()",
                "delete from lms.finance_records",
                "truncate lms.finance_records cascade",
                "update lms.journal_entries set amount = 2 * amount",
                "delete from lms.journal_entries",
                "truncate lms.journal_entries",
                "insert into lms.finance_records
                select r.* from lms.finance_records as r limit 1
                on conflict (tenant_id, id) do update set amount = 2",
            ] {
                assert_eq!(refusal(&client, sql).await?, "42501", "{actor:?}: {sql}");
            }
        }
        let client = connect(app, Actor::Application).await?;
        for sql in [
            "insert into lms.journal_entries (record_id, account, amount, currency)
            select id, 'cash', 1, currency from lms.finance_records limit 1",
            "insert into lms.finance_totals (centre_id, effective_on, currency, type, amount, records)
            select id, current_date, 'EUR', 'payment', 1, 1 from lms.centres limit 1",
            "update lms.finance_totals set amount = 0",
            "delete from lms.finance_totals",
        ] {
            assert_eq!(refusal(&client, sql).await?, "42501", "{sql}");
        }
        assert_eq!(ledger_rows(app).await?, before);
        Ok(())
    });
}

#[test]
fn a_record_that_breaks_the_rules_is_rejected_for_every_role() {
    run(async |app| {
        let before = ledger_rows(app).await?;
        for actor in [Actor::Application, Actor::Owner, Actor::Superuser] {
            let client = connect(app, actor).await?;
            for (values, code) in [
                ("'expense', -1.00, 'cash', null, null, null, null", "23514"),
                ("'expense', 0, 'cash', null, null, null, null", "23514"),
                ("'expense', 'NaN', 'cash', null, null, null, null", "23514"),
                (
                    "'expense', 'Infinity', 'cash', null, null, null, null",
                    "23514",
                ),
                ("'expense', 1e15, 'cash', null, null, null, null", "23514"),
                ("'expense', 1.255, 'cash', null, null, null, null", "LM422"),
                ("'expense', 1.00, 'cash', null, null, null, now()", "23514"),
                ("'payment', 1.00, 'cash', null, null, null, null", "23514"),
                ("'salary', 1.00, 'cash', null, null, null, null", "23514"),
                ("'payment', 1.00, 'cash', s.id, t.id, null, null", "23514"),
                ("'salary', 1.00, 'cash', s.id, t.id, null, null", "23514"),
                ("'expense', 1.00, 'cash', s.id, null, null, null", "23514"),
                ("'expense', 1.00, 'cash', null, t.id, null, null", "23514"),
                (
                    "'reimbursement', 1.00, 'cash', s.id, t.id, null, null",
                    "23514",
                ),
                ("'expense', 1.00, 'cash', null, null, c.id, null", "23503"),
            ] {
                let sql = format!(
                    "insert into lms.finance_records
                      (type, amount, method, student_id, tutor_id, reverses_id, deleted_at, centre_id)
                    select {values}, c.id
                    from lms.centres as c
                    join lms.students as s using (tenant_id)
                    join lms.tutors as t using (tenant_id)
                    where tenant_id = current_setting('app.tenant_id')::uuid
                    limit 1"
                );
                assert_eq!(refusal(&client, &sql).await?, code, "{actor:?}: {values}");
            }
            let reversal_sql = |amount: &str, day: &str| {
                format!(
                    "insert into lms.finance_records
                      (type, amount, currency, method, student_id, tutor_id, centre_id, reverses_id, effective_on)
                    select type, {amount}, currency, method, student_id, tutor_id, centre_id, id, {day}
                    from lms.finance_records
                    where tenant_id = current_setting('app.tenant_id')::uuid
                    order by number limit 1"
                )
            };
            for (amount, day, code) in [
                ("amount + 1", "effective_on", "LM422"),
                ("amount", "effective_on - 1", "LM422"),
            ] {
                assert_eq!(
                    refusal(&client, &reversal_sql(amount, day)).await?,
                    code,
                    "{amount} {day}"
                );
            }
            let twice = format!("begin; {0}; {0}", reversal_sql("amount", "effective_on"));
            assert_eq!(refusal(&client, &twice).await?, "LM409");
            let double_reversal = format!(
                "begin; {}; insert into lms.finance_records
                  (type, amount, currency, method, student_id, tutor_id, centre_id, reverses_id, effective_on)
                select type, amount, currency, method, student_id, tutor_id, centre_id, id, effective_on
                from lms.finance_records
                where tenant_id = current_setting('app.tenant_id')::uuid
                order by number desc limit 1",
                reversal_sql("amount", "effective_on")
            );
            assert_eq!(refusal(&client, &double_reversal).await?, "LM409");
        }
        assert_eq!(ledger_rows(app).await?, before);
        Ok(())
    });
}

/// Inserts a record without journal entries, and then the given entries.
fn insert_record_with_entries(entries: &str) -> String {
    let record = "with r as (
      insert into lms.finance_records (centre_id, type, amount, currency, method)
      select id, 'expense', 40.00, 'EUR', 'cash'
      from lms.centres
      where tenant_id = current_setting('app.tenant_id')::uuid
      order by id limit 1
      returning id
    )";
    if entries.is_empty() {
        return format!("begin; {record} select from r; commit");
    }
    format!(
        "begin; {record}
        insert into lms.journal_entries (record_id, account, amount, currency)
        select r.id, l.account, l.amount, l.currency
        from r cross join (values {entries}) as l (account, amount, currency); commit"
    )
}

#[test]
fn only_balanced_journal_entries_can_be_committed() {
    run(async |app| {
        let client = connect(app, Actor::Superuser).await?;
        let before = ledger_rows(app).await?;
        let payment = "from lms.finance_records as r where r.type = 'payment' and r.method = 'card'
              and r.tenant_id = current_setting('app.tenant_id')::uuid
            order by r.number limit 1";
        for (entries, code) in [
            // The entries are added to a complete record, in another currency: a single one, a
            // balanced pair, a second entry of an account, one of zero, and an unknown account.
            ("('expenses', 5)", "23514"),
            ("('expenses', 5), ('salaries', -5)", "23514"),
            ("('card_clearing', 5)", "23505"),
            ("('expenses', 0)", "23514"),
            ("('gifts', 5), ('expenses', -5)", "23514"),
        ] {
            let sql = format!(
                "begin; insert into lms.journal_entries (record_id, account, amount, currency)
                select r.id, l.account, l.amount, 'CHF'
                from (select r.id {payment}) as r cross join (values {entries}) as l (account, amount); commit"
            );
            assert_eq!(refusal(&client, &sql).await?, code, "{entries}");
        }
        let orphan_entries =
            "insert into lms.journal_entries (record_id, account, amount, currency)
            select lms.new_id(), l.account, l.amount, 'EUR'
            from (values ('cash', 5), ('expenses', -5)) as l (account, amount)";
        assert!(["23503", "23514"].contains(&refusal(&client, orphan_entries).await?.as_str()));

        // Without the trigger that writes the entries, the test can write other ones.
        client
            .batch_execute("alter table lms.finance_records disable trigger post_journal_entries")
            .await?;
        for entries in [
            "",
            "('cash', -40.00, 'EUR')",
            "('cash', -40.00, 'EUR'), ('expenses', 41.00, 'EUR')",
            "('cash', -20.00, 'EUR'), ('expenses', 20.00, 'EUR')",
            "('cash', 40.00, 'EUR'), ('expenses', -40.00, 'EUR')",
            "('cash', -40.00, 'CHF'), ('expenses', 40.00, 'CHF')",
            "('cash', -40.00, 'EUR'), ('expenses', 40.00, 'CHF')",
            "('bank', -40.00, 'EUR'), ('expenses', 40.00, 'EUR')",
            "('cash', -40.00, 'EUR'), ('salaries', 40.00, 'EUR')",
            "('cash', -40.00, 'EUR'), ('expenses', 40.00, 'EUR'), ('bank', 5, 'EUR'), ('salaries', -5, 'EUR')",
        ] {
            assert_eq!(
                refusal(&client, &insert_record_with_entries(entries)).await?,
                "23514",
                "{entries}"
            );
        }
        assert_eq!(ledger_rows(app).await?, before);
        let valid =
            insert_record_with_entries("('cash', -40.00, 'EUR'), ('expenses', 40.00, 'EUR')");
        assert_eq!(refusal(&client, &valid).await?, "");
        assert_ne!(ledger_rows(app).await?, before);
        Ok(())
    });
}

#[test]
fn journal_entries_and_totals_can_be_derived_again_from_the_records() {
    run(async |app| {
        let client = connect(app, Actor::ReplicaMode).await?;
        let before = ledger_rows(app).await?;
        client
            .batch_execute(
                "alter table lms.journal_entries disable trigger append_only;
                delete from lms.journal_entries;
                alter table lms.journal_entries enable always trigger append_only;
                delete from lms.finance_totals",
            )
            .await?;
        client
            .batch_execute("call lms_private.rebuild_ledger()")
            .await?;
        let after = ledger_rows(app).await?;
        // The totals are new rows with the same sums.
        assert_eq!(after[..2], before[..2]);
        let admin = app.sign_in(role::ADMIN).await?;
        let proof = app
            .get(&admin, "/v1/finance-records/reconciliation")
            .await?;
        let proof = proof.expect(200).json();
        assert_eq!(proof["consistent"], true, "{proof}");
        Ok(())
    });
}

#[test]
fn a_ledger_that_was_tampered_with_is_detected() {
    run(async |app| {
        let client = connect(app, Actor::Superuser).await?;
        let admin = app.sign_in(role::ADMIN).await?;
        let path = "/v1/finance-records/reconciliation";
        let proof = app.get(&admin, path).await?.expect(200).json();
        assert_eq!(proof["consistent"], true, "{proof}");
        assert_eq!(proof["missing_numbers"], 0);
        for (table, change, undo) in [
            (
                "journal_entries",
                "update lms.journal_entries set amount = amount + 1 where id = (select min(id::text)::uuid from lms.journal_entries)",
                "update lms.journal_entries set amount = amount - 1 where id = (select min(id::text)::uuid from lms.journal_entries)",
            ),
            (
                "finance_totals",
                "update lms.finance_totals set amount = amount + 1",
                "update lms.finance_totals set amount = amount - 1",
            ),
            (
                "finance_totals",
                "update lms.finance_totals set records = records + 1",
                "update lms.finance_totals set records = records - 1",
            ),
            (
                "finance_records",
                "update lms.finance_records set amount = amount + 1 where number = 1",
                "update lms.finance_records set amount = amount - 1 where number = 1",
            ),
            (
                "finance_records",
                "update lms.finance_records set number = 1000000 where number = 1",
                "update lms.finance_records set number = 1 where number = 1000000",
            ),
        ] {
            let free = format!("alter table lms.{table} disable trigger all");
            client.batch_execute(&free).await?;
            client.batch_execute(change).await?;
            let proof = app.get(&admin, path).await?.expect(200).json();
            assert_eq!(proof["consistent"], false, "{change}");
            client.batch_execute(undo).await?;
            let proof = app.get(&admin, path).await?.expect(200).json();
            assert_eq!(proof["consistent"], true, "{undo}");
        }
        let deleted = client
            .batch_execute(
                "alter table lms.journal_entries disable trigger all;
                delete from lms.journal_entries where id = (select min(id::text)::uuid from lms.journal_entries)",
            )
            .await;
        deleted.context("triggers are off")?;
        let proof = app.get(&admin, path).await?.expect(200).json();
        let missing: i64 = proof["data"]
            .as_array()
            .context("data")?
            .iter()
            .filter_map(|one| one["missing_journal_entries"].as_i64())
            .sum();
        assert_eq!(
            (missing, &proof["consistent"]),
            (1, &serde_json::json!(false))
        );
        Ok(())
    });
}
