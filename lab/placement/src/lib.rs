//! `lab placement`: simulates the placement of tenants on cells and the loss of one cell, reproducibly from a seed and without a
//! database. `docs/explanation/scale.md` explains the figures.

mod report;
mod simulation;

use anyhow::{Result, bail};
use clap::Args;

use simulation::Simulation;

/// The assumptions of the simulation.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The number of tenants
    #[arg(long, default_value_t = 10_000)]
    pub tenants: usize,

    /// The number of cells, spread over regions and retention classes as the tenants are
    #[arg(long, default_value_t = 30)]
    pub cells: usize,

    /// The number of students that a cell can hold
    #[arg(long, value_name = "STUDENTS", default_value_t = 200_000)]
    pub capacity: u64,

    /// The size of a student in the database in bytes: five years of work, as measured
    #[arg(long, value_name = "BYTES", default_value_t = 2_000_000)]
    pub bytes_per_student: u64,

    /// The speed of a restore in megabytes per second
    #[arg(long, value_name = "MEGABYTES", default_value_t = 35)]
    pub restore_rate: u64,

    /// The seed of the random numbers: the same seed gives the same figures
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Simulates and returns the report, as Markdown.
///
/// # Errors
///
/// When there are too few cells, or a figure is zero.
pub fn run(options: &Options) -> Result<String> {
    let min_cells = simulation::GROUPS.len() * 2;
    if options.cells < min_cells {
        bail!(
            "--cells must be at least {min_cells}: two for each region and retention class, so that one can be lost"
        );
    }
    if options.capacity == 0 || options.restore_rate == 0 {
        bail!("--capacity and --restore-rate must be at least 1");
    }
    let simulation = Simulation::place(options.tenants, options.cells, options.seed);
    Ok(report::write(&simulation, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Options {
        Options {
            tenants: 10_000,
            cells: 30,
            capacity: 200_000,
            bytes_per_student: 2_000_000,
            restore_rate: 35,
            seed: 1,
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_report_and_another_does_not() {
        let first = run(&defaults()).unwrap();
        assert_eq!(run(&defaults()).unwrap(), first);
        let other = Options {
            seed: 2,
            ..defaults()
        };
        assert_ne!(run(&other).unwrap(), first);
    }

    #[test]
    fn the_page_on_scale_shows_what_is_simulated() {
        let page = include_str!("../../../docs/explanation/scale.md");
        let report = run(&defaults()).unwrap();
        assert!(
            page.contains(&report),
            "docs/explanation/scale.md shows other tables than `lab placement` prints:\n{report}"
        );
    }

    #[test]
    fn the_defaults_are_what_the_page_shows() {
        #[derive(clap::Parser)]
        struct Program {
            #[command(flatten)]
            options: Options,
        }
        let parsed = <Program as clap::Parser>::parse_from(["placement"]).options;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", defaults()));
    }

    #[test]
    fn too_few_cells_and_zero_values_are_refused() {
        let few = Options {
            cells: 11,
            ..defaults()
        };
        assert!(run(&few).unwrap_err().to_string().contains("at least 12"));
        let none = Options {
            capacity: 0,
            ..defaults()
        };
        assert!(run(&none).is_err());
    }
}
