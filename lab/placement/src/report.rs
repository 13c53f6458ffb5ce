//! Formats a simulation as two Markdown tables, which `docs/explanation/scale.md` contains.
//! The simulation itself is in `simulation`.

use std::fmt::Write as _;

use super::Options;
use super::simulation::{Cell, Group, Simulation};

/// Writes both tables.
pub(super) fn write(simulation: &Simulation, options: &Options) -> String {
    let mut text = String::from(
        "| cells of | cells | tenants | students | largest tenant | emptiest cell | fullest cell | full to |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for group in &simulation.groups {
        let _ = writeln!(text, "{}", before(group, options));
    }
    text.push_str(
        "\n| fullest cell lost of | tenants hit | of all | students hit | of all | gigabytes | minutes to restore whole | fullest \
         other, having taken in its share | full to |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for group in &simulation.groups {
        let _ = writeln!(text, "{}", after(simulation, group, options));
    }
    text
}

fn before(group: &Group, options: &Options) -> String {
    let students: u64 = group.cells.iter().map(Cell::students).sum();
    let emptiest = group.cells.iter().map(Cell::students).min().unwrap_or(0);
    let fullest = group.fullest().students();
    let largest = group.cells.iter().flat_map(|cell| &cell.tenants).max();
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        group.name,
        group.cells.len(),
        with_commas(group.cells.iter().map(Cell::count).sum()),
        with_commas(students),
        with_commas(largest.copied().unwrap_or(0)),
        with_commas(emptiest),
        with_commas(fullest),
        percent(fullest, options.capacity)
    )
}

fn after(simulation: &Simulation, group: &Group, options: &Options) -> String {
    let lost = group.fullest();
    let all = |count: fn(&Cell) -> u64| simulation.cells().map(count).sum::<u64>();
    let bytes = lost.students().saturating_mul(options.bytes_per_student);
    let crowded = group.without_fullest();
    let fullest = crowded.iter().map(Cell::students).max().unwrap_or(0);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        group.name,
        with_commas(lost.count()),
        percent(lost.count(), all(Cell::count)),
        with_commas(lost.students()),
        percent(lost.students(), all(Cell::students)),
        with_commas(bytes.div_ceil(1_000_000_000)),
        with_commas(bytes.div_ceil(1_000_000 * 60 * options.restore_rate)),
        with_commas(fullest),
        percent(fullest, options.capacity)
    )
}

/// Formats a share as a percentage with one decimal, in integer arithmetic.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// Formats a number with commas between thousands.
fn with_commas(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_shares_are_formatted() {
        assert_eq!(
            (with_commas(7), with_commas(1_234_567)),
            ("7".to_owned(), "1,234,567".to_owned())
        );
        assert_eq!(
            (percent(1, 3), percent(1, 0)),
            ("33.3 %".to_owned(), "0.0 %".to_owned())
        );
    }
}
