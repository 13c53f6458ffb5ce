//! Tests tutor rates: their dates, and the access to them.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session,
    csv::{export, import},
    finance_records::post_with_new_key,
    fixtures, queries, role, run, send,
};
use uuid::Uuid;

const PATH: &str = "/v1/tutor-rates";

/// Creates a rate per hour or per lesson and returns it.
pub(crate) async fn rate(
    app: &Application,
    session: &Session,
    tutor: Uuid,
    unit: &str,
    amount: &str,
    day: &str,
) -> Result<Value> {
    let body = json!({"tutor_id": tutor, "unit": unit, "amount": amount, "effective_from": day});
    Ok(post_with_new_key(app, session, PATH, &body)
        .await?
        .expect(201)
        .json())
}

/// Sends a PATCH or DELETE request that requires a version of the rate.
async fn change(
    app: &Application,
    session: &Session,
    method: Method,
    path: &str,
    version: &str,
    body: Option<Value>,
) -> Result<Reply> {
    let mut request = app
        .request(method, path)
        .bearer_auth(&session.token)
        .header("if-match", version);
    if let Some(body) = body {
        request = request.json(&body);
    }
    send(request).await
}

#[test]
fn a_rate_is_created_updated_deleted_and_restored() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let tutor = fixtures::demo_tutor(app).await?;
        let body = json!({"tutor_id": tutor, "unit": "hour", "amount": "31.5", "effective_from": "2026-03-01"});
        let created = post_with_new_key(app, &finance, PATH, &body)
            .await?
            .expect(201);
        let one = created.json();
        let path = format!("{PATH}/{}", fixtures::parse_id(&one)?);
        assert_eq!(created.header("location"), path);
        let expected = json!({
            "id": one["id"],
            "tutor_id": tutor,
            "unit": "hour",
            "amount": "31.50",
            "currency": "EUR",
            "effective_from": "2026-03-01",
            "created_at": one["created_at"],
            "updated_at": one["created_at"],
            "created_by": finance.user,
            "updated_by": finance.user,
        });
        assert_eq!(one, expected);
        assert_eq!(app.get(&finance, &path).await?.expect(200).json(), expected);

        let before = queries::write_counters(app).await?;
        app.post(&finance, PATH, body.clone()).await?.expect(428);
        app.patch(&finance, &path, json!({"amount": "32"}))
            .await?
            .expect(428);
        app.delete(&finance, &path).await?.expect(428);
        let reply = post_with_new_key(app, &finance, PATH, &body)
            .await?
            .expect(409);
        assert_eq!(reply.pointers(), ["/effective_from"]);
        assert_eq!(queries::write_counters(app).await?, before);

        let tag = created.header("etag").to_owned();
        let changes = Some(json!({"unit": "lesson", "amount": "40", "currency": "KWD"}));
        let changed = change(app, &finance, Method::PATCH, &path, &tag, changes.clone())
            .await?
            .expect(200);
        assert_eq!(changed.json()["amount"], "40.000");
        change(app, &finance, Method::PATCH, &path, &tag, changes)
            .await?
            .expect(412);
        let tag = changed.header("etag").to_owned();
        change(app, &finance, Method::DELETE, &path, &tag, None)
            .await?
            .expect(204);
        app.get(&finance, &path).await?.expect(404);
        let restored = post_with_new_key(app, &finance, &format!("{path}/restore"), &json!({}))
            .await?
            .expect(200);
        assert_eq!(restored.json()["amount"], "40.000");
        Ok(())
    });
}

#[test]
fn invalid_rates_are_rejected_with_the_field() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let tutor = fixtures::demo_tutor(app).await?;
        let before = queries::write_counters(app).await?;
        for (changes, pointer) in [
            (json!({"amount": "-1.00"}), "/amount"),
            (json!({"amount": "10.005"}), "/amount"),
            (json!({"amount": "0.5", "currency": "JPY"}), "/amount"),
            (json!({"amount": 10.5}), "/amount"),
            (json!({"amount": "1e3"}), "/amount"),
            (json!({"currency": "XXX"}), "/currency"),
            (json!({"currency": "EUX"}), "/currency"),
            (json!({"unit": "day"}), "/unit"),
            (json!({"effective_from": "2026-02-30"}), "/effective_from"),
            (json!({"tutor_id": Uuid::now_v7()}), "/tutor_id"),
            (
                json!({"tutor_id": queries::first_id(app, 1, "tutors").await?}),
                "/tutor_id",
            ),
            (json!({"rate": "1"}), "/rate"),
        ] {
            let mut body = json!({"tutor_id": tutor, "unit": "hour", "amount": "10", "effective_from": "2026-03-01"});
            for (name, value) in changes.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            let reply = post_with_new_key(app, &finance, PATH, &body)
                .await?
                .expect(422);
            assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
        }
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn rates_are_imported_and_exported_as_csv() {
    run(async |app| {
        let finance = app.sign_in(role::FINANCE).await?;
        let tutor = fixtures::demo_tutor(app).await?;
        let path = format!("{PATH}/import");
        let file = format!(
            "tutor_id,unit,amount,effective_from\n{tutor},hour,0,2026-01-01\n{tutor},lesson,12.345,2026-02-01\n"
        );
        let import_with_key = async |file: String| {
            let request = app
                .request(Method::POST, &path)
                .bearer_auth(&finance.token)
                .header("idempotency-key", Uuid::now_v7().to_string())
                .header("content-type", "text/csv")
                .body(file);
            send(request).await
        };
        let before = queries::write_counters(app).await?;
        let reply = import_with_key(file.clone()).await?.expect(422);
        assert_eq!(reply.pointers(), ["/3/amount"], "{}", reply.text);
        import(app, &finance, &path, file.clone())
            .await?
            .expect(428);
        assert_eq!(queries::write_counters(app).await?, before);
        import_with_key(file.replace("12.345", "12.34"))
            .await?
            .expect(201);
        let file = export(
            app,
            &finance,
            &format!("{PATH}?tutor_id={tutor}&sort=effective_from"),
        )
        .await?
        .expect(200);
        for cells in [
            ",hour,0.00,EUR,2026-01-01,",
            ",lesson,12.34,EUR,2026-02-01,",
        ] {
            assert!(file.text.contains(cells), "{}", file.text);
        }
        Ok(())
    });
}

#[test]
fn each_role_sees_the_rates_within_its_scope() {
    run(async |app| {
        let (own_centre, other_centre) = queries::demo_centres(app).await?;
        let own = fixtures::demo_tutor(app).await?;
        let other_centre_tutor = queries::fetch_id(
            app,
            "select id from lms.tutors where centre_id = $1",
            &[&other_centre],
        )
        .await?;
        let own_centre_tutor = queries::fetch_id(
            app,
            "select id from lms.tutors where centre_id = $1 and id <> $2",
            &[&own_centre, &own],
        )
        .await?;
        for role in role::ALL {
            let session = app.sign_in(role).await?;
            let expected = match role {
                role::ADMIN | role::FINANCE => vec![own, own_centre_tutor, other_centre_tutor],
                role::SUPERVISOR => vec![own, own_centre_tutor],
                role::TUTOR => vec![own],
                _ => {
                    app.get(&session, PATH).await?.expect(403);
                    continue;
                }
            };
            for tutor in [own, own_centre_tutor, other_centre_tutor] {
                let path = format!("{PATH}?tutor_id={tutor}");
                let body = app.get(&session, &path).await?.expect(200).json();
                let count = body["data"].as_array().map_or(0, Vec::len);
                assert_eq!(count > 0, expected.contains(&tutor), "{}", role.name());
            }
            let body = json!({"tutor_id": own, "unit": "hour", "amount": "1", "effective_from": "2020-01-01"});
            let reply = post_with_new_key(app, &session, PATH, &body).await?;
            let writes = matches!(role, role::ADMIN | role::FINANCE);
            let is_conflict = role == role::ADMIN && reply.status == 409;
            assert!(
                reply.status == if writes { 201 } else { 403 } || is_conflict,
                "{}: {}",
                role.name(),
                reply.text
            );
        }
        Ok(())
    });
}
