//! Tests that e-mail addresses, telephone numbers and passwords are compared in normalized form.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};
use tests::{
    Application, Reply, Session, csv::import, fixtures, notifications, queries, role, run,
};

use crate::conventions::lists::{get, values};

const PASSWORD: &str = "a river runs past 7 lamps";

async fn create_user(app: &Application, admin: &Session, email: &str) -> Result<Reply> {
    let body = json!({"name": "Ana", "email": email, "role": "parent", "password": PASSWORD});
    app.post(admin, "/v1/users", body).await
}

async fn login(app: &Application, email: &str, password: &str) -> Result<Reply> {
    let body = json!({"tenant": "aurora", "email": email, "password": password});
    app.call(None, Method::POST, "/v1/auth/login", Some(body))
        .await
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn an_email_address_is_unique_in_every_unicode_form() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        for (one, other) in [
            ("jürgen@aurora.example", "ju\u{308}rgen@aurora.example"),
            ("ana@bücher.example", "ana@xn--bcher-kva.example"),
            ("bo@xn--bcher-kva.example", "bo@bu\u{308}cher.example"),
            ("cy@почта.рф", "CY@XN--80A1ACNY.XN--P1AI"),
            ("ÉLODIE@aurora.example", "élodie@AURORA.example"),
        ] {
            let user = create_user(app, &admin, one).await?.expect(201).json();
            let stored = one.to_lowercase();
            assert_eq!(user["email"], stored, "only the case is changed");
            let twice = create_user(app, &admin, other).await?.expect(409);
            assert_eq!(twice.pointers(), ["/email"], "{other:?}");
            for form in [one, other, &format!("  {other} ")] {
                login(app, form, PASSWORD).await?.expect(200);
                let found = get(app, &admin, &format!("/v1/users?email={}", encoded(form))).await?;
                assert_eq!(
                    values(&found, "email"),
                    std::slice::from_ref(&stored),
                    "{form:?}"
                );
            }
            let path = format!(
                "/v1/users/{}",
                fixtures::parse_id(
                    &create_user(app, &admin, &format!("x.{stored}"))
                        .await?
                        .expect(201)
                        .json()
                )?
            );
            app.delete(&admin, &path).await?.expect(204);
        }
        Ok(())
    });
}

#[test]
fn a_password_reset_finds_an_address_in_either_unicode_form() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        create_user(app, &admin, "ana@bücher.example")
            .await?
            .expect(201);
        let body = json!({"tenant": "aurora", "email": "ANA@xn--bcher-kva.example"});
        app.call(None, Method::POST, "/v1/auth/password-reset", Some(body))
            .await?
            .expect(202);
        notifications::send_reset_codes(app).await?;
        let sent = queries::count(
            app,
            "lms.notifications as n
            join lms.users as u on u.tenant_id = n.tenant_id and u.id = n.user_id
            where u.email = 'ana@bücher.example' and n.template = 'password_reset'",
            &[],
        )
        .await?;
        assert_eq!(sent, 1);
        Ok(())
    });
}

#[test]
fn undeliverable_email_addresses_are_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let before = queries::write_counters(app).await?;
        for email in [
            "a@b",
            "a@try..example",
            "a@try.example.",
            ".a@try.example",
            "a..b@try.example",
            "a\\b@try.example",
            "a:b@try.example",
            "mailto:a@try.example",
            "a@[127.0.0.1]",
            "a@try_x.example",
            "a\u{200b}@try.example",
        ] {
            assert_eq!(
                create_user(app, &admin, email)
                    .await?
                    .expect(422)
                    .pointers(),
                ["/email"],
                "{email}"
            );
            let centre = json!({"name": "Lake", "code": "lake-7", "time_zone": "UTC", "currency": "EUR", "email": email});
            let rejected = app.post(&admin, "/v1/centres", centre).await?;
            assert_eq!(rejected.expect(422).pointers(), ["/email"], "{email}");
        }
        let file = "name,email,role\nAna,a@try..example,parent\n";
        let imported = import(app, &admin, "/v1/users/import", file).await?;
        assert_eq!(imported.expect(422).pointers(), ["/2/email"]);
        assert_eq!(queries::write_counters(app).await?, before);
        Ok(())
    });
}

#[test]
fn telephone_numbers_are_normalized_and_invalid_ones_are_rejected() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let path = format!("/v1/users/{}", admin.user);
        for (text, expected) in [
            ("+44 (0)20 7946 0958", "+442079460958"),
            ("+44\u{a0}20\u{a0}7946\u{2011}0958", "+442079460958"),
            ("00442079460958", "+442079460958"),
            ("+39 06 6988 4857", "+390669884857"),
            ("+1.415.555.0132", "+14155550132"),
        ] {
            let user = app
                .patch(&admin, &path, json!({"phone": text}))
                .await?
                .expect(200)
                .json();
            assert_eq!(user["phone"], expected, "{text}");
            let found = get(app, &admin, &format!("/v1/users?phone={}", encoded(text))).await?;
            assert_eq!(values(&found, "id"), [admin.user.to_string()], "{text}");
        }
        for text in [
            "020 7946 0958",
            "+44 20 7946 0958 ext 12",
            "+0 123 456 789",
            "+442079460958/2",
            "+999 123 4567",
        ] {
            let rejected = app
                .patch(&admin, &path, json!({"phone": text}))
                .await?
                .expect(422);
            assert_eq!(rejected.pointers(), ["/phone"], "{text}");
        }
        Ok(())
    });
}

#[test]
fn a_password_matches_in_every_unicode_form() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let composed = "Über größe é １２";
        let forms = [
            composed,
            "U\u{308}ber gro\u{308}ße e\u{301} 12",
            "Über\u{a0}größe\u{3000}é １２",
        ];
        let mut body = json!({"name": "Ana", "email": "ana@aurora.example", "role": "parent"});
        body["password"] = Value::from(forms[1]);
        app.post(&admin, "/v1/users", body).await?.expect(201);
        for form in forms {
            login(app, "ana@aurora.example", form).await?.expect(200);
        }
        login(app, "ana@aurora.example", "über größe é １２")
            .await?
            .expect(401);
        // The length is counted after normalization, which makes one code point of each pair:
        // eleven are too few, and 128 are not too many.
        let ana = app
            .sign_in_as("aurora", "ana@aurora.example", composed)
            .await?;
        let short = json!({"current": forms[2], "new": "e\u{301}".repeat(11)});
        let rejected = app
            .post(&ana, "/v1/auth/password", short)
            .await?
            .expect(422);
        assert_eq!(rejected.pointers(), ["/new"]);
        let long = json!({"current": forms[2], "new": "e\u{301}".repeat(128)});
        app.post(&ana, "/v1/auth/password", long).await?.expect(204);
        login(app, "ana@aurora.example", &"é".repeat(128))
            .await?
            .expect(200);
        Ok(())
    });
}
