//! Computes the number of rows and a checksum of every table, for a comparison of two databases.
//! The comparison is made in the crate's root.

use std::collections::BTreeMap;

use anyhow::Result;
use database::{explain, quote_name};
use tokio_postgres::Client;

/// The number of rows and their checksum.
type Checksum = (i64, String);

/// The checksums of all tables of the application.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableChecksums(BTreeMap<String, Checksum>);

impl TableChecksums {
    /// Reads every table as the superuser, from whom row security hides nothing.
    pub(super) async fn compute(client: &Client) -> Result<Self> {
        let tables = client
            .query(
                "-- drill.tables
                select n.nspname::text, c.relname::text
                from pg_class as c
                join pg_namespace as n on n.oid = c.relnamespace
                where n.nspname in ('lms', 'lms_private')
                  and c.relkind in ('r', 'm')",
                &[],
            )
            .await
            .map_err(explain)?;
        let mut checksums = BTreeMap::new();
        for table in tables {
            let (schema, name): (String, String) = (table.get(0), table.get(1));
            let row = client
                .query_one(
                    &format!(
                        "-- drill.checksum
                        select
                          count(*),
                          coalesce(encode(sha256(string_agg(r.hash, ''::bytea order by r.hash)), 'hex'), '')
                        from (select sha256(t::text::bytea) as hash from {}.{} as t) as r",
                        quote_name(&schema),
                        quote_name(&name)
                    ),
                    &[],
                )
                .await
                .map_err(explain)?;
            checksums.insert(format!("{schema}.{name}"), (row.get(0), row.get(1)));
        }
        Ok(Self(checksums))
    }

    /// Returns the number of tables.
    pub(super) fn tables(&self) -> usize {
        self.0.len()
    }

    /// Describes the first table whose checksum differs.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let rows = |checksum: Option<&Checksum>| match checksum {
            Some((rows, hash)) => format!("{rows} rows ({})", hash.get(..8).unwrap_or("empty")),
            None => "no such table".to_owned(),
        };
        self.0
            .keys()
            .chain(other.0.keys())
            .find(|table| self.0.get(*table) != other.0.get(*table))
            .map(|table| {
                format!(
                    "the table {table} differs: {} before, {} now",
                    rows(self.0.get(table)),
                    rows(other.0.get(table))
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksums(tables: &[(&str, i64, &str)]) -> TableChecksums {
        TableChecksums(
            tables
                .iter()
                .map(|(name, rows, hash)| ((*name).to_owned(), (*rows, (*hash).to_owned())))
                .collect(),
        )
    }

    #[test]
    fn a_table_that_differs_is_named() {
        let one = checksums(&[("lms.a", 1, "0123456789"), ("lms.b", 0, "")]);
        assert_eq!(one.difference(&one), None);
        let edited = checksums(&[("lms.a", 1, "9876543210"), ("lms.b", 0, "")]);
        assert_eq!(
            one.difference(&edited).unwrap(),
            "the table lms.a differs: 1 rows (01234567) before, 1 rows (98765432) now"
        );
        let more = checksums(&[
            ("lms.a", 1, "0123456789"),
            ("lms.b", 0, ""),
            ("lms.c", 0, ""),
        ]);
        assert!(
            one.difference(&more)
                .unwrap()
                .contains("no such table before")
        );
    }
}
