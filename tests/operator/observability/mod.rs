//! Tests the rules and dashboards in `deploy/observability` with Prometheus and with a live cell.

mod cell;
mod live_cell;
mod monitoring;
mod panels;
mod rules;
