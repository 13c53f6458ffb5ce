//! The tables of a report.
//! Its figures and targets are in `report`.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::report::{Distance, Measurement, Report, Subject};

/// Compares the components with the native service, if both were measured at this distance from the database.
pub(super) fn services(report: &Report, distance: Distance) -> Option<Table> {
    let mut header = vec![
        "operation",
        "connections",
        "components, requests/s",
        "native",
        "ratio",
        "p50 ms",
        "p99 ms",
        "native p50",
        "native p99",
    ];
    if distance == Distance::Distant {
        header.extend(["p50 ratio", "round trips", "native round trips"]);
    }
    let mut table = table(&header, 1);
    let components = report
        .measurements
        .iter()
        .filter(|line| line.distance == distance && line.subject == Subject::Components);
    for (line, native) in components.filter_map(|line| Some((line, report.native(line)?))) {
        let ratio = |of: fn(&Measurement) -> f64| format!("{:.2}", of(line) / of(native));
        let mut row = vec![
            line.operation.name().to_owned(),
            line.connections.to_string(),
            format!("{:.0}", line.requests_per_second),
            format!("{:.0}", native.requests_per_second),
            ratio(|line| line.requests_per_second),
            format!("{:.2}", line.p50_milliseconds),
            format!("{:.2}", line.p99_milliseconds),
            format!("{:.2}", native.p50_milliseconds),
            format!("{:.2}", native.p99_milliseconds),
        ];
        if distance == Distance::Distant {
            row.extend([
                ratio(|line| line.p50_milliseconds),
                optional(line.round_trips_per_request, 2),
                optional(native.round_trips_per_request, 2),
            ]);
        }
        table.add_row(row);
    }
    (!table.is_empty()).then_some(table)
}

/// Shows the CPU time and memory of each subject with the database on the same machine.
pub(super) fn resources(report: &Report) -> Table {
    let header = [
        "operation",
        "connections",
        "",
        "requests/s",
        "CPU s",
        "CPU s PostgreSQL",
        "peak MB",
    ];
    let mut table = table(&header, 3);
    let nearby = report
        .measurements
        .iter()
        .filter(|line| line.distance == Distance::Nearby);
    for line in nearby {
        table.add_row([
            line.operation.name().to_owned(),
            line.connections.to_string(),
            line.subject.name().to_owned(),
            format!("{:.0}", line.requests_per_second),
            optional(line.cpu_seconds, 2),
            format!("{:.2}", line.postgres_cpu_seconds),
            optional(line.peak_memory_megabytes, 0),
        ]);
    }
    table
}

/// Returns an empty table, whose columns after the first `texts` contain numbers.
fn table(header: &[&str], texts: usize) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn optional(value: Option<f64>, decimals: usize) -> String {
    value
        .map(|value| format!("{value:.decimals$}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::operation::Operation;
    use crate::report::FreshInstance;

    fn measurement(distance: Distance, subject: Subject, p50_milliseconds: f64) -> Measurement {
        Measurement {
            operation: Operation::GetUser,
            connections: 8,
            distance,
            subject,
            requests: 100,
            requests_per_second: 1000.0 / p50_milliseconds,
            p50_milliseconds,
            p99_milliseconds: 3.0 * p50_milliseconds,
            round_trips_per_request: (distance == Distance::Distant).then_some(p50_milliseconds),
            cpu_seconds: Some(0.25),
            postgres_cpu_seconds: 0.5,
            peak_memory_megabytes: None,
        }
    }

    fn report(measurements: Vec<Measurement>) -> Report {
        Report {
            postgresql: "PostgreSQL 15".to_owned(),
            processors: 2,
            tenants: 1,
            users: 1,
            database_delay_milliseconds: 0.5,
            measurements,
            growth: Vec::new(),
            conflict_check_milliseconds: None,
            fresh_instance: FreshInstance {
                samples: 1,
                fresh_p50_milliseconds: 1.0,
                warm_p50_milliseconds: 1.0,
                fresh_worst_milliseconds: 1.0,
            },
            host_resident_megabytes: 1.0,
            wasm_bytes: BTreeMap::new(),
        }
    }

    /// Returns the cells of each row.
    fn rows(table: &Table) -> Vec<Vec<String>> {
        table
            .row_iter()
            .map(|row| row.cell_iter().map(|cell| cell.content()).collect())
            .collect()
    }

    #[test]
    fn each_distance_has_a_complete_table_of_its_own() {
        let report = report(vec![
            measurement(Distance::Nearby, Subject::Components, 2.0),
            measurement(Distance::Nearby, Subject::Native, 1.0),
            measurement(Distance::Nearby, Subject::Statement, 0.5),
            measurement(Distance::Distant, Subject::Components, 1.0),
            measurement(Distance::Distant, Subject::Native, 4.0),
        ]);
        let nearby = services(&report, Distance::Nearby).unwrap();
        assert_eq!(
            rows(&nearby),
            [[
                "get by id",
                "8",
                "500",
                "1000",
                "0.50",
                "2.00",
                "6.00",
                "1.00",
                "3.00"
            ]]
        );
        let distant = services(&report, Distance::Distant).unwrap();
        assert_eq!(
            rows(&distant),
            [[
                "get by id",
                "8",
                "1000",
                "250",
                "4.00",
                "1.00",
                "3.00",
                "4.00",
                "12.00",
                "0.25",
                "1.00",
                "4.00"
            ]]
        );
        assert_eq!(rows(&resources(&report)).len(), 3);
        let text = report.text();
        assert!(
            text.contains("With the database 0.5 ms away"),
            "the heading is missing: {text}"
        );
    }

    #[test]
    fn operations_measured_on_one_machine_only_have_no_second_table() {
        let report = report(vec![
            measurement(Distance::Nearby, Subject::Components, 2.0),
            measurement(Distance::Nearby, Subject::Native, 1.0),
        ]);
        assert!(services(&report, Distance::Distant).is_none());
        assert!(!report.text().contains("away"));
    }
}
