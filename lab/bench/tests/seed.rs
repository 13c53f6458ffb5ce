//! Tests that a seed gives the same rows in every database.

#![allow(missing_docs)]

use anyhow::Result;
use bench::seed;
use tests::private_cluster::{create_database, fetch_text, with_cluster};

#[tokio::test]
async fn a_seed_gives_the_same_rows_in_every_database() -> Result<()> {
    with_cluster(|cluster, _| async move {
        let digest = "select md5(string_agg(concat_ws('|', tenant_id, id, user_id, dob, academic_age, parent_id), ',' order by tenant_id, id)) from lms.students";
        let amount = seed::Options { tenants: 3, students: 50, seed: 7 };
        let one = create_database(&cluster, "one").await?;
        let other = create_database(&cluster, "other").await?;
        assert_eq!(seed::run(&one, &amount).await?, seed::Report { written: 3, kept: 0 });
        assert_eq!(seed::run(&other, &amount).await?, seed::Report { written: 3, kept: 0 });
        assert_eq!(fetch_text(&one, digest).await?, fetch_text(&other, digest).await?);
        assert_eq!(fetch_text(&one, "select count(*)::text from lms.students").await?, "50");
        assert_eq!(seed::run(&one, &amount).await?, seed::Report { written: 0, kept: 3 });
        assert_eq!(fetch_text(&one, digest).await?, fetch_text(&other, digest).await?);
        Ok(())
    })
    .await
}
