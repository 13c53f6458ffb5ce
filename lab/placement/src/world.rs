//! Tenants of all sizes and the cells that they live in: how they are placed, and where they go when a cell is lost.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// Region and retention class, and the share of all tenants that are bound to it, in thousandths.
pub(super) const GROUPS: [(&str, u64); 6] = [
    ("eu-standard", 360),
    ("eu-regulated", 90),
    ("us-standard", 280),
    ("us-regulated", 70),
    ("au-standard", 160),
    ("au-regulated", 40),
];

/// The smallest and the largest tenant, in students.
const SIZES: (f64, f64) = (40.0, 20_000.0);

/// How slowly sizes fall off (Pareto's exponent): at this one a hundredth of the tenants have a quarter of all students.
const TAIL: f64 = 1.1;

/// All tenants in their cells.
pub(super) struct World {
    pub(super) groups: Vec<Group>,
}

/// The cells of one region and retention class. No tenant ever leaves them.
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

impl World {
    /// Has tenants come one after another, each to where there are the fewest students.
    pub(super) fn settle(tenants: usize, cells: usize, seed: u64) -> Self {
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
                place(&mut group.cells, size);
            }
        }
        Self { groups }
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.groups.iter().flat_map(|group| &group.cells)
    }
}

impl Group {
    /// The cell with the most students: the worst to lose.
    pub(super) fn fullest(&self) -> Cell {
        let fullest = self.cells.iter().max_by_key(|cell| cell.students());
        fullest.cloned().unwrap_or_default()
    }

    /// The cells that are left without the fullest one, once they have taken its tenants in, the largest first.
    pub(super) fn without_fullest(&self) -> Vec<Cell> {
        let mut cells = self.cells.clone();
        cells.sort_by_key(Cell::students);
        let mut lost = cells.pop().unwrap_or_default().tenants;
        lost.sort_unstable_by(|one, other| other.cmp(one));
        for size in lost {
            place(&mut cells, size);
        }
        cells
    }
}

/// The rule for a new tenant: of the cells of its region and class, the one with the fewest students.
fn place(cells: &mut [Cell], size: u64) {
    if let Some(emptiest) = cells.iter_mut().min_by_key(|cell| cell.students()) {
        emptiest.tenants.push(size);
    }
}

/// Two cells for each group, and the others where the most tenants are for each cell.
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

/// A size, from a number between 0 and 1: Pareto's distribution, cut off at the largest.
fn size(drawn: f64) -> u64 {
    let (smallest, largest) = SIZES;
    let rest = 1.0 - drawn * (1.0 - (smallest / largest).powf(TAIL));
    let size = smallest * rest.powf(-1.0 / TAIL);
    // From a number between the two bounds there is nothing to lose.
    format!("{size:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_lost_or_doubled() {
        let world = World::settle(5_000, 20, 7);
        let tenants: usize = world.cells().map(|cell| cell.tenants.len()).sum();
        assert_eq!((world.cells().count(), tenants), (20, 5_000));
        for group in &world.groups {
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
    fn shares_are_whole_and_every_cell_is_given_out() {
        assert_eq!(GROUPS.iter().map(|(_, share)| share).sum::<u64>(), 1000);
        assert_eq!(cells_for_each(30).iter().sum::<usize>(), 30);
        assert_eq!(
            (group_of(0), group_of(359), group_of(360), group_of(999)),
            (0, 0, 1, 5)
        );
    }
}
