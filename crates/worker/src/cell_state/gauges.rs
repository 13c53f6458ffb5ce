//! The gauges of a cell's state. They show the latest measurement, and nothing once it is too old.

use std::time::Instant;

use opentelemetry::metrics::{AsyncInstrumentBuilder, Meter, ObservableGauge};
use opentelemetry::{KeyValue, global};

use super::Latest;
use super::measurement::{Measurement, Queue};

/// Values with their attributes.
type Values = Vec<(f64, Vec<KeyValue>)>;

/// Observes the latest measurement from now on.
pub(super) fn observe(latest: &Latest) {
    let gauges = Gauges {
        meter: global::meter("lms.worker"),
        latest: latest.clone(),
    };
    gauges.observe_database();
    gauges.observe_cell();
    gauges.observe_queues();
    gauges.observe_backups();
}

struct Gauges {
    meter: Meter,
    latest: Latest,
}

impl Gauges {
    fn observe_database(&self) {
        let latest = self.latest.clone();
        self.meter
            .u64_observable_gauge("lms.database.up")
            .with_description("Is 1 if the last measurement of the cell's state succeeded.")
            .with_callback(move |observer| {
                if let Some(is_up) = latest.is_database_up() {
                    observer.observe(u64::from(is_up), &[]);
                }
            })
            .build();
        self.gauge(
            "lms.database.size",
            "By",
            "The size of the cell's database.",
            |measurement| one(measurement.cell.database_bytes),
        );
        self.gauge(
            "lms.certificate.expiry_timestamp",
            "s",
            "The end of a certificate's validity, in seconds since 1970.",
            |measurement| {
                let expiry = measurement.certificate_expiry;
                labelled("certificate", expiry.map(|expiry| ("database", expiry)))
            },
        );
    }

    fn observe_cell(&self) {
        self.gauge(
            "lms.cell.info",
            "",
            "Is 1, with the identity of the cell and the version of the program.",
            |measurement| {
                let cell = &measurement.cell;
                let attributes = vec![
                    KeyValue::new("cell", cell.name.clone()),
                    KeyValue::new("region", cell.region.clone()),
                    KeyValue::new("version", env!("CARGO_PKG_VERSION")),
                ];
                vec![(1.0, attributes)]
            },
        );
        self.gauge(
            "lms.schema.version",
            "",
            "The number of the last migration.",
            |measurement| one(measurement.cell.schema_version),
        );
        self.gauge(
            "lms.events.sealing_lag",
            "s",
            "The age of the oldest event that is not sealed.",
            |measurement| one(measurement.cell.sealing_lag),
        );
        self.gauge(
            "lms.view.refresh_age",
            "s",
            "The age of the data of a materialized view.",
            |measurement| labelled("view", measurement.views.iter().cloned()),
        );
        self.gauge(
            "lms.clashes.found",
            "",
            "The lessons to come that were cancelled because they clash.",
            |measurement| one(measurement.cell.clashes),
        );
    }

    fn observe_queues(&self) {
        self.gauge(
            "lms.outbox.depth",
            "",
            "The notifications whose delivery is due.",
            |measurement| outbox(measurement, |queue| queue.depth),
        );
        self.gauge(
            "lms.outbox.oldest_age",
            "s",
            "The time for which the delivery of a notification has been due.",
            |measurement| outbox(measurement, |queue| queue.oldest_age),
        );
        self.gauge(
            "lms.outbox.dead_letters",
            "",
            "The notifications whose delivery was given up.",
            |measurement| outbox(measurement, |queue| queue.dead_letters),
        );
        self.gauge(
            "lms.webhook.queue.depth",
            "",
            "The webhook messages whose delivery is due.",
            |measurement| one(measurement.webhooks.depth),
        );
        self.gauge(
            "lms.webhook.queue.oldest_age",
            "s",
            "The time for which the delivery of a webhook message has been due.",
            |measurement| one(measurement.webhooks.oldest_age),
        );
        self.gauge(
            "lms.webhook.dead_letters",
            "",
            "The webhook messages whose delivery was given up.",
            |measurement| one(measurement.webhooks.dead_letters),
        );
        self.gauge(
            "lms.webhook.failing_endpoints",
            "",
            "The webhooks that have failed since their last success, or were disabled for it.",
            |measurement| one(measurement.failing_webhooks),
        );
    }

    fn observe_backups(&self) {
        self.gauge(
            "lms.backup.age",
            "s",
            "The time since the end of the last backup in a repository.",
            |measurement| labelled("repository", measurement.backups.iter().copied()),
        );
        self.gauge(
            "lms.archive.gap",
            "s",
            "The time for which finished segments of the write-ahead log have waited for archiving.",
            |measurement| measurement.archive_gap.map_or_else(Vec::new, one),
        );
    }

    /// Creates a gauge that observes values of the latest measurement.
    fn gauge(
        &self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        values: fn(&Measurement) -> Values,
    ) {
        let latest = self.latest.clone();
        let builder: AsyncInstrumentBuilder<'_, ObservableGauge<f64>, f64> =
            self.meter.f64_observable_gauge(name);
        builder
            .with_unit(unit)
            .with_description(description)
            .with_callback(move |observer| {
                for (value, attributes) in latest.with(Instant::now(), values).unwrap_or_default() {
                    observer.observe(value, &attributes);
                }
            })
            .build();
    }
}

fn one(value: f64) -> Values {
    vec![(value, Vec::new())]
}

/// Returns values that one attribute tells apart.
fn labelled<L: Into<opentelemetry::Value>>(
    key: &'static str,
    values: impl IntoIterator<Item = (L, f64)>,
) -> Values {
    values
        .into_iter()
        .map(|(label, value)| (value, vec![KeyValue::new(key, label)]))
        .collect()
}

fn outbox(measurement: &Measurement, value: fn(&Queue) -> f64) -> Values {
    let queues = measurement.outbox.iter();
    labelled(
        "channel",
        queues.map(|(channel, queue)| (channel.clone(), value(queue))),
    )
}
