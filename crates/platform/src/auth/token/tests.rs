//! Tests of access tokens.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{claims, role};

const ONE: &str = "one:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE";
const TWO: &str = "two:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI";

fn keys(text: &str) -> Keys {
    Keys::parse(text).unwrap()
}

/// Returns a token of any header, claims and signature.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// Returns a token of any header and claims with the signature of the key `one`.
fn signed(header: &Value, claims: &Value) -> String {
    let unsigned = forged(header, claims, "");
    let message = unsigned.trim_end_matches('.');
    format!("{message}.{}", signature(&[b'A'; 32], message))
}

fn signature(key: &[u8], message: &str) -> String {
    let signature = Hmac::<Sha256>::new_from_slice(key)
        .unwrap()
        .chain_update(message)
        .finalize();
    URL_SAFE_NO_PAD.encode(signature.into_bytes())
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT", "kid": "one"})
}

#[test]
fn a_token_that_other_software_signed_is_read() {
    // The signature was computed by Python. The token expires in the year 2100.
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiIsImtpZCI6Im9uZSJ9.\
                 eyJhdWQiOiJldSIsInN1YiI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMSIsInRpZCI6\
                 IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMiIsInNpZCI6IjAwMDAwMDAwLTAwMDAtMDAw\
                 MC0wMDAwLTAwMDAwMDAwMDAwMyIsInJvbGUiOiJrZWVwZXIiLCJpYXQiOjQxMDI0NDQ4MDAsImV4cCI6NDEw\
                 MjQ0NTcwMH0.\
                 BvgaKOboEk9YJN71ry0kbPEeoxib04ELjj2KywKdtNM";
    let expected = Claims {
        iat: 4_102_444_800,
        exp: 4_102_445_700,
        ..claims(role::KEEPER)
    };
    assert_eq!(keys(ONE).verify(token, "eu"), Ok(Arc::new(expected)));
}

#[test]
fn a_token_is_three_parts_that_any_library_reads() {
    let claims = claims(role::KEEPER);
    let token = keys(ONE).sign(&claims).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let json = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(parts.len(), 3);
    assert_eq!(json(parts[0]), header());
    assert_eq!(json(parts[1]), json!(claims));
    let message = format!("{}.{}", parts[0], parts[1]);
    assert_eq!(parts[2], signature(&[b'A'; 32], &message));
}

#[test]
fn a_token_says_what_was_signed() {
    let claims = claims(role::KEEPER);
    let token = keys(ONE).sign(&claims).unwrap();
    assert_eq!(keys(ONE).verify(&token, "eu"), Ok(Arc::new(claims)));
    assert!(token.len() < 600, "{}", token.len());
}

#[test]
fn keys_rotate_without_signing_anybody_out() {
    let claims = claims(role::KEEPER);
    let old = keys(ONE).sign(&claims).unwrap();
    let rotated = keys(&format!("{TWO}, {ONE}"));
    let new = rotated.sign(&claims).unwrap();
    assert_eq!(rotated.verify(&old, "eu"), Ok(Arc::new(claims.clone())));
    assert_eq!(rotated.verify(&new, "eu"), Ok(Arc::new(claims.clone())));
    assert_eq!(keys(TWO).verify(&new, "eu"), Ok(Arc::new(claims)));
    assert_eq!(keys(TWO).verify(&old, "eu"), Err(Refused::Invalid));
}

#[test]
fn another_key_under_the_same_id_is_not_the_key() {
    let token = keys(&TWO.replace("two", "one"))
        .sign(&claims(role::ADMIN))
        .unwrap();
    assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Invalid));
}

#[test]
fn a_token_ends_on_the_second() {
    let mut claims = claims(role::KEEPER);
    claims.exp = claims.iat - 1;
    let token = keys(ONE).sign(&claims).unwrap();
    assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Expired));
}

#[test]
fn a_token_is_valid_through_the_second_at_which_it_expires() {
    // The next second may begin during the first attempt, but not during both.
    let verified = (0..2).any(|_| {
        let mut claims = claims(role::KEEPER);
        claims.exp = claims.iat;
        let token = keys(ONE).sign(&claims).unwrap();
        keys(ONE).verify(&token, "eu").is_ok()
    });
    assert!(verified);
}

#[test]
fn a_token_of_another_region_is_told_apart() {
    let mut claims = claims(role::KEEPER);
    claims.aud = "us".to_owned();
    let token = keys(TWO).sign(&claims).unwrap();
    assert_eq!(
        keys(ONE).verify(&token, "eu"),
        Err(Refused::OtherRegion("us".to_owned()))
    );
}

#[test]
fn only_hs256_is_taken() {
    let claims = json!(claims(role::ADMIN));
    assert!(keys(ONE).verify(&signed(&header(), &claims), "eu").is_ok());
    for algorithm in [
        "none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", "", "hs256",
    ] {
        let header = json!({"alg": algorithm, "typ": "JWT", "kid": "one"});
        for token in [
            forged(&header, &claims, ""),
            forged(&header, &claims, "AAAA"),
            // The key is right, but the header names another algorithm.
            signed(&header, &claims),
        ] {
            assert_eq!(
                keys(ONE).verify(&token, "eu"),
                Err(Refused::Invalid),
                "{algorithm}"
            );
        }
    }
}

#[test]
fn a_key_that_the_header_names_is_not_used() {
    let claims = json!(claims(role::ADMIN));
    let theirs = [b'C'; 32];
    for (name, value) in [
        (
            "jwk",
            json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(theirs)}),
        ),
        ("jku", json!("https://keys.example")),
        ("x5u", json!("https://keys.example")),
    ] {
        let mut header = header();
        header[name] = value;
        let unsigned = forged(&header, &claims, "");
        let message = unsigned.trim_end_matches('.');
        let token = format!("{message}.{}", signature(&theirs, message));
        assert_eq!(
            keys(ONE).verify(&token, "eu"),
            Err(Refused::Invalid),
            "{name}"
        );
    }
}

#[test]
fn a_signature_that_is_cut_or_extended_is_refused() {
    let token = keys(ONE).sign(&claims(role::ADMIN)).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for changed in [
        &bytes[..0],
        &bytes[..16],
        &bytes[..31],
        &[&bytes[..], &[0]].concat(),
    ] {
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Invalid));
    }
    for token in [
        message.to_owned(),
        format!("{token}.{signature}"),
        format!("{token}="),
    ] {
        assert_eq!(keys(ONE).verify(&token, "eu"), Err(Refused::Invalid));
    }
}

#[test]
fn a_token_without_a_known_key_id_is_invalid() {
    let claims = json!(claims(role::ADMIN));
    for header in [
        json!({"alg": "HS256", "typ": "JWT"}),
        json!({"alg": "HS256", "typ": "JWT", "kid": ""}),
        json!({"alg": "HS256", "typ": "JWT", "kid": "three"}),
    ] {
        assert_eq!(
            keys(ONE).verify(&signed(&header, &claims), "eu"),
            Err(Refused::Invalid)
        );
    }
}

#[test]
fn claims_must_be_whole_even_with_a_good_signature() {
    let whole = json!(claims(role::ADMIN));
    for name in ["aud", "sub", "tid", "sid", "role", "iat", "exp"] {
        let mut claims = whole.clone();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(
            keys(ONE).verify(&signed(&header(), &claims), "eu"),
            Err(Refused::Invalid),
            "{name}"
        );
    }
}

#[test]
fn keys_are_named_once_and_long_enough() {
    for (text, expected) in [
        (
            "",
            "variable signing_keys must be like id:base64url,id:base64url",
        ),
        (
            "one",
            "variable signing_keys must be like id:base64url,id:base64url",
        ),
        ("one:***", "signing key one is not base64url"),
        ("one:QUFB", "signing key one is shorter than 32 bytes"),
        (&ONE.replace("one", ""), "a signing key has no id"),
        (&format!("{ONE},{ONE}"), "signing key one is there twice"),
    ] {
        assert_eq!(Keys::parse(text).err().as_deref(), Some(expected));
    }
    assert!(Keys::parse(&format!("{ONE}=")).is_ok(), "padding is taken");
}

proptest! {
    #[test]
    fn a_token_with_one_byte_changed_is_refused(place in 0_usize..1_000, byte in b'0'..=b'z') {
        let token = keys(ONE).sign(&claims(role::GUEST)).unwrap();
        let place = place % token.len();
        let mut changed = token.clone().into_bytes();
        prop_assume!(changed[place] != byte);
        changed[place] = byte;
        let changed = String::from_utf8(changed).unwrap();
        // The last characters of a part may hold unused bits, which base64url refuses.
        prop_assert!(keys(ONE).verify(&changed, "eu").is_err());
    }

    #[test]
    fn any_text_is_refused_without_a_crash(text in "\\PC{0,40}(\\.[A-Za-z0-9_-]{0,40}){0,3}") {
        prop_assert!(keys(ONE).verify(&text, "eu").is_err());
    }
}
