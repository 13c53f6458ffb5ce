//! What is printed of a simulation: two tables in Markdown, of which `docs/explanation/scale.md` is a copy.

use std::fmt::Write as _;

use super::Options;
use super::world::{Cell, Group, World};

/// Writes both tables.
pub(super) fn write(world: &World, options: &Options) -> String {
    let mut text = String::from(
        "| cells of | cells | tenants | students | largest tenant | emptiest cell | fullest cell | full to |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for group in &world.groups {
        let _ = writeln!(text, "{}", before(group, options));
    }
    text.push_str(
        "\n| fullest cell lost of | tenants hit | of all | students hit | of all | gigabytes | minutes to restore whole | fullest \
         other, having taken in its share | full to |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for group in &world.groups {
        let _ = writeln!(text, "{}", after(world, group, options));
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
        grouped(group.cells.iter().map(Cell::count).sum()),
        grouped(students),
        grouped(largest.copied().unwrap_or(0)),
        grouped(emptiest),
        grouped(fullest),
        percent(fullest, options.capacity)
    )
}

fn after(world: &World, group: &Group, options: &Options) -> String {
    let lost = group.fullest();
    let all = |count: fn(&Cell) -> u64| world.cells().map(count).sum::<u64>();
    let bytes = lost.students().saturating_mul(options.bytes_per_student);
    let crowded = group.without_fullest();
    let fullest = crowded.iter().map(Cell::students).max().unwrap_or(0);
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        group.name,
        grouped(lost.count()),
        percent(lost.count(), all(Cell::count)),
        grouped(lost.students()),
        percent(lost.students(), all(Cell::students)),
        grouped(bytes.div_ceil(1_000_000_000)),
        grouped(bytes.div_ceil(1_000_000 * 60 * options.restore_rate)),
        grouped(fullest),
        percent(fullest, options.capacity)
    )
}

/// A share with one decimal, by whole numbers alone.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

/// A number with a comma between thousands.
fn grouped(number: u64) -> String {
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
    fn numbers_are_written_for_people() {
        assert_eq!(
            (grouped(7), grouped(1_234_567)),
            ("7".to_owned(), "1,234,567".to_owned())
        );
        assert_eq!(
            (percent(1, 3), percent(1, 0)),
            ("33.3 %".to_owned(), "0.0 %".to_owned())
        );
    }
}
