//! `lab placement`: what becomes of many tenants that are spread over many cells, and of one cell's tenants when it is lost. A
//! simulation, the same for the same seed: it reads no cell and no database. `docs/explanation/scale.md` explains the figures.

mod report;
mod world;

use anyhow::{Result, bail};
use clap::Args;

use world::World;

/// What to assume.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many tenants
    #[arg(long, default_value_t = 10_000)]
    pub tenants: usize,

    /// How many cells, spread over regions and retention classes as the tenants are
    #[arg(long, default_value_t = 30)]
    pub cells: usize,

    /// How many students one cell holds
    #[arg(long, value_name = "STUDENTS", default_value_t = 200_000)]
    pub capacity: u64,

    /// How many bytes of the database belong to a student: five years of work, as measured
    #[arg(long, value_name = "BYTES", default_value_t = 2_000_000)]
    pub bytes_per_student: u64,

    /// How many megabytes a second come back from a backup
    #[arg(long, value_name = "MEGABYTES", default_value_t = 35)]
    pub restore_rate: u64,

    /// What chance is drawn from: the same number gives the same figures
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Simulates and returns the report, as Markdown.
///
/// # Errors
///
/// When there are too few cells, or a figure is zero.
pub fn run(options: &Options) -> Result<String> {
    let least = world::GROUPS.len() * 2;
    if options.cells < least {
        bail!(
            "--cells must be at least {least}: two for each region and retention class, so that one may be lost"
        );
    }
    if options.capacity == 0 || options.restore_rate == 0 {
        bail!("--capacity and --restore-rate must be at least 1");
    }
    let world = World::settle(options.tenants, options.cells, options.seed);
    Ok(report::write(&world, options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Options {
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
    fn the_same_seed_tells_the_same_and_another_does_not() {
        let first = run(&usual()).unwrap();
        assert_eq!(run(&usual()).unwrap(), first);
        let other = Options { seed: 2, ..usual() };
        assert_ne!(run(&other).unwrap(), first);
    }

    #[test]
    fn the_page_on_scale_shows_what_is_simulated() {
        let page = include_str!("../../../docs/explanation/scale.md");
        let report = run(&usual()).unwrap();
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
        assert_eq!(format!("{parsed:?}"), format!("{:?}", usual()));
    }

    #[test]
    fn what_cannot_be_simulated_is_refused() {
        let few = Options {
            cells: 11,
            ..usual()
        };
        assert!(run(&few).unwrap_err().to_string().contains("at least 12"));
        let none = Options {
            capacity: 0,
            ..usual()
        };
        assert!(run(&none).is_err());
    }
}
