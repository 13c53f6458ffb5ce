//! Places tenants of random sizes on cells, and moves the tenants of a lost cell to the others.
//! The result is formatted in `report`.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Each region and retention class with its share of all tenants, in thousandths.
pub(super) const GROUPS: [(&str, u64); 6] = [
    ("eu-standard", 360),
    ("eu-regulated", 90),
    ("us-standard", 280),
    ("us-regulated", 70),
    ("au-standard", 160),
    ("au-regulated", 40),
];

/// The size of the smallest and the largest tenant in students.
const TENANT_SIZES: (f64, f64) = (40.0, 20_000.0);

/// The exponent of the Pareto distribution of sizes, with which 1 % of the tenants have a quarter of all students.
const PARETO_EXPONENT: f64 = 1.1;

/// All cells with their tenants.
pub(super) struct Simulation {
    pub(super) groups: Vec<Group>,
}

/// The cells of one region and retention class, which a tenant never leaves.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// The sizes of the tenants in one cell.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub(super) tenants: Vec<u64>,
}

impl Cell {
    pub(super) fn students(&self) -> u64 {
        self.tenants.iter().sum()
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.tenants.len()).unwrap_or(u64::MAX)
    }
}

impl Simulation {
    /// Places tenants one after another, each on the cell of its group with the fewest students.
    pub(super) fn place(tenants: usize, cells: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut groups: Vec<Group> = GROUPS
            .iter()
            .zip(cells_for_each(cells))
            .map(|((name, _), cells)| Group {
                name,
                cells: vec![Cell::default(); cells],
            })
            .collect();
        for _ in 0..tenants {
            let group = group_of(random.random_range(0..1000));
            let size = size(random.random_range(0.0..1.0));
            if let Some(group) = groups.get_mut(group) {
                add_tenant(&mut group.cells, size);
            }
        }
        Self { groups }
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.groups.iter().flat_map(|group| &group.cells)
    }
}

impl Group {
    /// Returns the cell with the most students, whose loss is the worst case.
    pub(super) fn fullest(&self) -> Cell {
        let fullest = self.cells.iter().max_by_key(|cell| cell.students());
        fullest.cloned().unwrap_or_default()
    }

    /// Returns the other cells after the tenants of the fullest one were placed on them, the largest first.
    pub(super) fn without_fullest(&self) -> Vec<Cell> {
        let mut cells = self.cells.clone();
        cells.sort_by_key(Cell::students);
        let mut lost = cells.pop().unwrap_or_default().tenants;
        lost.sort_unstable_by(|one, other| other.cmp(one));
        for size in lost {
            add_tenant(&mut cells, size);
        }
        cells
    }
}

/// Adds a tenant to the cell with the fewest students.
fn add_tenant(cells: &mut [Cell], size: u64) {
    if let Some(emptiest) = cells.iter_mut().min_by_key(|cell| cell.students()) {
        emptiest.tenants.push(size);
    }
}

/// Returns the number of cells of each group: two, and more where the share of tenants per cell is the largest.
fn cells_for_each(cells: usize) -> Vec<usize> {
    let mut each = vec![2; GROUPS.len()];
    for _ in 2 * GROUPS.len()..cells {
        let neediest = GROUPS
            .iter()
            .zip(&mut each)
            .max_by_key(|((_, share), cells)| {
                share * 1000 / u64::try_from(**cells).unwrap_or(u64::MAX)
            });
        if let Some((_, cells)) = neediest {
            *cells += 1;
        }
    }
    each
}

fn group_of(mut drawn: u64) -> usize {
    GROUPS
        .iter()
        .position(|(_, share)| {
            let within = drawn < *share;
            drawn = drawn.saturating_sub(*share);
            within
        })
        .unwrap_or(0)
}

/// Returns a size for a number between 0 and 1, by a Pareto distribution truncated at the largest size.
fn size(drawn: f64) -> u64 {
    let (smallest, largest) = TENANT_SIZES;
    let survival = 1.0 - drawn * (1.0 - (smallest / largest).powf(PARETO_EXPONENT));
    let size = smallest * survival.powf(-1.0 / PARETO_EXPONENT);
    // The size is within bounds, so that the conversion cannot fail.
    format!("{size:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_and_no_student_is_lost_or_duplicated() {
        let simulation = Simulation::place(5_000, 20, 7);
        let tenants: usize = simulation.cells().map(|cell| cell.tenants.len()).sum();
        assert_eq!((simulation.cells().count(), tenants), (20, 5_000));
        for group in &simulation.groups {
            let students = |cells: &[Cell]| cells.iter().map(Cell::students).sum::<u64>();
            assert_eq!(students(&group.without_fullest()), students(&group.cells));
        }
    }

    #[test]
    fn sizes_stay_within_their_bounds() {
        assert_eq!((size(0.0), size(1.0)), (40, 20_000));
        assert!(size(0.5) < 100);
    }

    #[test]
    fn shares_sum_to_one_and_every_cell_is_assigned() {
        assert_eq!(GROUPS.iter().map(|(_, share)| share).sum::<u64>(), 1000);
        assert_eq!(cells_for_each(30).iter().sum::<usize>(), 30);
        assert_eq!(
            (group_of(0), group_of(359), group_of(360), group_of(999)),
            (0, 0, 1, 5)
        );
    }
}
