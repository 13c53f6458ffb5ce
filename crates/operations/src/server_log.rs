//! The settings that keep users' input out of a PostgreSQL server's log. Errors of requests never get there, because `lms.run` returns them
//! as values; the settings are for all other statements, and for messages of the server itself.
//! The private cluster that uses them lives in `local::cluster`; the Kubernetes manifests have them too.

use anyhow::Result;
use database::explain;
use tokio_postgres::Client;

/// The name and value of each setting, as in `postgresql.conf`.
pub const SETTINGS: [(&str, &str); 13] = [
    // DETAIL contains the values of a row, and CONTEXT the text of statements. Logs in CSV or JSON contain both at every verbosity.
    ("log_error_verbosity", "terse"),
    // An error is logged without the text of its statement.
    ("log_min_error_statement", "panic"),
    ("log_min_messages", "warning"),
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_min_duration_sample", "-1"),
    ("log_transaction_sample_rate", "0"),
    // Statements that are logged nevertheless are logged without their parameters.
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    // Plans and parse trees contain constants.
    ("debug_print_parse", "off"),
    ("debug_print_rewritten", "off"),
    ("debug_print_plan", "off"),
    ("log_lock_waits", "off"),
];

/// Settings of optional modules, with the values that they must have when the modules are loaded.
const MODULE_SETTINGS: [(&str, &str); 2] = [
    ("auto_explain.log_min_duration", "-1"),
    ("pgaudit.log", "none"),
];

/// Lists the settings that have other values, in the server or for a role or database.
///
/// # Errors
///
/// When the server cannot be queried.
pub async fn faults(client: &Client) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let all = SETTINGS.iter().chain(&MODULE_SETTINGS);
    let (names, wanted): (Vec<&str>, Vec<&str>) = all.copied().unzip();
    let rows = client
        .query(
            "select w.name, w.value, s.setting
            from unnest($1::text[], $2::text[]) as w (name, value)
            join pg_settings as s
              on s.name = w.name
            where s.setting <> w.value",
            &[&names, &wanted],
        )
        .await
        .map_err(explain)?;
    for row in rows {
        let (name, wanted, found): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        faults.push(format!("{name} is {found}, not {wanted}"));
    }
    let rows = client
        .query(
            "select coalesce(r.rolname, 'all roles'), coalesce(d.datname, 'all databases'), s.name
            from pg_db_role_setting as o
            left join pg_roles as r
              on r.oid = o.setrole
            left join pg_database as d
              on d.oid = o.setdatabase
            cross join lateral (
              select split_part(one, '=', 1) as name, substr(one, strpos(one, '=') + 1) as value
              from unnest(o.setconfig) as one
            ) as s
            join unnest($1::text[], $2::text[]) as w (name, value)
              on w.name = s.name
            where s.value <> w.value
            order by 1, 2, 3",
            &[&names, &wanted],
        )
        .await
        .map_err(explain)?;
    for row in rows {
        let (role, database, name): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        faults.push(format!("{name} is set for {role} in {database}"));
    }
    Ok(faults)
}
