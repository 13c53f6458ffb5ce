//! Tests that a flipped bit of any column is detected.

use anyhow::{Context, Result, bail};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use tests::run;

use super::{Tamperer, verify_first_tenant};

/// Returns an SQL expression for the column with the bit `$3` flipped, according to its type.
fn flip_bit_expression(kind: &str, column: &str) -> Result<String> {
    let uuid = format!("uuid_send({column})");
    let flip = |bytes: &str| {
        format!(
            "set_bit({bytes}, $3 % (8 * octet_length({bytes})), 1 - get_bit({bytes}, $3 % (8 * octet_length({bytes}))))"
        )
    };
    Ok(match kind {
        "uuid" => format!(
            "coalesce(encode({}, 'hex')::uuid, lms.new_id())",
            flip(&uuid)
        ),
        "bytea" => flip(column),
        "int8" => format!("{column} # (1::bigint << ($3 % 62)::integer)"),
        // Only the lower seven bits of a byte are flipped, so that ASCII text stays ASCII.
        "text" => {
            let bytes = format!("convert_to({column}, 'UTF8')");
            let bit = format!("(8 * ($3 / 7 % octet_length({bytes})) + $3 % 7)");
            format!(
                "coalesce(convert_from(set_bit({bytes}, {bit}, 1 - get_bit({bytes}, {bit})), 'UTF8'), 'x')"
            )
        }
        "timestamptz" => format!(
            "coalesce({column} + (1::bigint << ($3 % 50)::integer) * interval '1 microsecond', now())"
        ),
        kind => bail!("cannot flip a bit of the type {kind}"),
    })
}

#[test]
fn one_flipped_bit_of_any_column_is_detected() {
    run(async |app| {
        let tamperer = Tamperer::new(app).await?;
        let end = tamperer.end().await?;
        let columns = tamperer
            .client
            .query(
                "select a.attname::text, t.typname::text from pg_attribute as a join pg_type as t on t.oid = a.atttypid
                where a.attrelid = 'lms.event_log'::regclass and a.attnum > 0 and not a.attisdropped",
                &[],
            )
            .await?;
        assert!(columns.len() >= 20, "{}", columns.len());
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for row in columns {
            let (column, kind): (String, String) = (row.get(0), row.get(1));
            for _ in 0..4 {
                let position = random.random_range(1..=end);
                let bit: i64 = random.random_range(0..10_000);
                let expected = if kind == "jsonb" {
                    flip_bit_of_state(&tamperer, position, &mut random).await?;
                    position
                } else {
                    let sql = format!(
                        "update lms.event_log set {column} = {} where tenant_id = $1 and position = $2
                        returning position",
                        flip_bit_expression(&kind, &column)?
                    );
                    let sql = sql.replace("$3", &bit.to_string());
                    let moved: i64 = tamperer
                        .client
                        .query_one(&sql, &[&tamperer.tenant, &position])
                        .await
                        .with_context(|| sql.clone())?
                        .get(0);
                    position.min(moved)
                };
                let broken = verify_first_tenant(app)
                    .await?
                    .map(|broken| broken.position);
                assert_eq!(broken, Some(expected), "{column}, bit {bit}");
                tamperer.restore().await?;
            }
        }
        assert_eq!(verify_first_tenant(app).await?, None);
        Ok(())
    });
}

/// Flips a bit of the state's text so that it stays valid JSON.
async fn flip_bit_of_state(
    tamperer: &Tamperer,
    position: i64,
    random: &mut ChaCha8Rng,
) -> Result<()> {
    let sql = "select state::text from lms.event_log where tenant_id = $1 and position = $2";
    let row = tamperer
        .client
        .query_one(sql, &[&tamperer.tenant, &position])
        .await?;
    let text: String = row.get(0);
    loop {
        let mut bytes = text.clone().into_bytes();
        let byte = random.random_range(0..bytes.len());
        bytes[byte] ^= 1 << random.random_range(0..8);
        let Ok(changed) = String::from_utf8(bytes) else {
            continue;
        };
        let sql = "update lms.event_log set state = $3::text::jsonb
            where tenant_id = $1 and position = $2 and state::text <> $3::text::jsonb::text";
        if let Ok(1) = tamperer
            .client
            .execute(sql, &[&tamperer.tenant, &position, &changed])
            .await
        {
            return Ok(());
        }
    }
}
