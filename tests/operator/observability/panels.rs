//! Reads the dashboards, and tests their layout.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::rules::directory;

/// The file names of the dashboards.
const DASHBOARDS: [&str; 2] = ["cell.json", "worker.json"];

#[derive(Deserialize)]
struct Dashboard {
    panels: Vec<Panel>,
}

/// A panel of a dashboard.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Panel {
    id: u32,
    title: String,
    grid_pos: GridPosition,
    datasource: DataSource,
    pub(super) targets: Vec<Target>,
}

#[derive(Deserialize)]
struct GridPosition {
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

#[derive(Deserialize)]
struct DataSource {
    uid: String,
}

/// A query of a panel.
#[derive(Deserialize)]
pub(super) struct Target {
    pub(super) expr: String,
}

/// Returns the panels of all dashboards.
pub(super) fn all() -> Result<Vec<Panel>> {
    let mut panels = Vec::new();
    for name in DASHBOARDS {
        panels.extend(read(name)?);
    }
    Ok(panels)
}

fn read(name: &'static str) -> Result<Vec<Panel>> {
    let text = fs::read_to_string(directory().join("dashboards").join(name))?;
    let dashboard: Dashboard = serde_json::from_str(&text).context(name)?;
    Ok(dashboard.panels)
}

impl GridPosition {
    fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
}

#[test]
fn panels_query_the_chosen_data_source_and_cell_and_do_not_overlap() -> Result<()> {
    for name in DASHBOARDS {
        let panels = read(name)?;
        ensure!(panels.len() > 10, "{name} has {} panels", panels.len());
        for (index, panel) in panels.iter().enumerate() {
            let title = &panel.title;
            assert_eq!(panel.datasource.uid, "${datasource}", "{title}");
            assert!(panel.grid_pos.x + panel.grid_pos.w <= 24, "{title}");
            assert!(!panel.targets.is_empty(), "{title}");
            for target in &panel.targets {
                assert!(target.expr.contains("cell=\"$cell\""), "{title}");
            }
            for other in &panels[..index] {
                assert_ne!(panel.id, other.id, "{title}, {}", other.title);
                assert!(
                    !panel.grid_pos.overlaps(&other.grid_pos),
                    "{title}, {}",
                    other.title
                );
            }
        }
    }
    Ok(())
}
