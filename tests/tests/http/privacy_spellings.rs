//! Erasure finds a name as people write it: whatever differs by typography, order or case alone.

use anyhow::Result;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tests::{Application, Role, Session, run};
use uuid::Uuid;

use crate::subjects::erase;
use crate::{people, rows, samples};

/// How an apostrophe, a hyphen and a space are written.
const APOSTROPHES: &[&str] = &[
    "'", "\u{2019}", "\u{2018}", "\u{2bc}", "\u{b4}", "`", "\u{ff07}",
];
const HYPHENS: &[&str] = &[
    "-", "\u{2010}", "\u{2011}", "\u{2013}", "\u{2014}", "\u{2212}", "\u{ad}",
];
const SPACES: &[&str] = &[
    " ", "\u{a0}", "\u{202f}", "\u{2009}", "  ", "\n", "\t", "\u{a0}\n", "\u{3000}",
];
const COMMAS: &[&str] = &[", ", ",", " , ", ",\u{a0}", ",\n"];

/// Names that have something to write in another way.
const NAMES: &[&str] = &[
    "Zo\u{eb}-Abigail O'Quillfeather",
    "\u{c5}sa Bj\u{f6}rnst\u{e5}hl-\u{d6}berg",
    "Nguy\u{1ec5}n Th\u{1ecb} Brightwater",
    "Jos\u{e9} D'\u{c1}vila Mu\u{f1}oz",
    "\u{391}\u{3bb}\u{3ad}\u{3be}\u{3b7}\u{3c2} \u{3a0}\u{3b1}\u{3c0}\u{3ac}\u{3c2}",
    "Stra\u{df}er-Wei\u{df} Lotte",
];

/// One way to write one of the names.
#[derive(Debug, Clone)]
struct Spelling {
    name: usize,
    apostrophe: &'static str,
    hyphen: &'static str,
    space: &'static str,
    /// The surname begins with this word, and stands first.
    turned: usize,
    comma: &'static str,
    case: u8,
    is_decomposed: bool,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    (
        0..NAMES.len(),
        select(APOSTROPHES),
        select(HYPHENS),
        select(SPACES),
        0..3_usize,
        select(COMMAS),
        0..3_u8,
        any::<bool>(),
    )
        .prop_map(
            |(name, apostrophe, hyphen, space, turned, comma, case, is_decomposed)| Spelling {
                name,
                apostrophe,
                hyphen,
                space,
                turned,
                comma,
                case,
                is_decomposed,
            },
        )
}

impl Spelling {
    /// The name so written, but for the decomposition.
    fn written(&self) -> String {
        let words: Vec<&str> = NAMES[self.name].split(' ').collect();
        let turned = self.turned % words.len();
        let mut text = words[turned..].join(" ");
        if turned > 0 {
            text = [text, words[..turned].join(" ")].join(self.comma);
        }
        text = match self.case {
            0 => text,
            1 => text.to_uppercase(),
            _ => text.to_lowercase(),
        };
        text.replace('\'', self.apostrophe)
            .replace('-', self.hyphen)
            .replace(' ', self.space)
    }
}

async fn account(app: &Application, admin: &Session, name: &str) -> Result<Uuid> {
    let (home, _) = rows::centres(app).await?;
    let user = people::user(app, admin, "student", home).await?;
    app.patch(admin, &format!("/v1/users/{user}"), json!({"name": name}))
        .await?
        .expect(200);
    Ok(user)
}

/// The notes that are left in the table and in the log.
async fn left(app: &Application) -> Result<Vec<String>> {
    let sql = "select details from lms.requests where details like 'spelt %'
        union
        select state ->> 'details' from lms.event_log where entity = 'requests' and state ->> 'details' like 'spelt %'
        order by 1";
    rows::texts(app, sql, &[]).await
}

#[test]
fn a_name_is_found_in_every_spelling_in_rows_and_in_events() {
    let spellings = samples::draw(150, &spelling());
    run(async move |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let mut users = Vec::new();
        for name in NAMES {
            users.push(account(app, &admin, name).await?);
        }
        for (index, spelling) in spellings.iter().enumerate() {
            let mut name = spelling.written();
            if spelling.is_decomposed {
                let decomposed = rows::texts(app, "select normalize($1, nfd)", &[&name]).await?;
                name = decomposed.concat();
            }
            let details = format!("spelt ({name}) {index}");
            let body = json!({"centre_id": home, "type": "complaint", "details": details});
            app.post(&admin, "/v1/requests", body).await?.expect(201);
        }
        for user in users {
            erase(app, &admin, user).await?.expect(200);
        }
        let mut expected: Vec<String> = (0..spellings.len())
            .map(|index| format!("spelt ([erased]) {index}"))
            .collect();
        expected.sort();
        let mut found = left(app).await?;
        found.sort();
        let wrong: Vec<(&String, &Spelling)> = found
            .iter()
            .filter(|text| !expected.contains(text))
            .filter_map(|text| {
                let index: usize = text.rsplit(' ').next()?.parse().ok()?;
                Some((text, spellings.get(index)?))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(found, expected);
        Ok(())
    });
}

#[test]
fn words_that_are_not_the_name_stay() {
    run(async |app| {
        let admin = app.sign_in(Role::Admin).await?;
        let (home, _) = rows::centres(app).await?;
        let will = account(app, &admin, "Will May").await?;
        let hope = account(app, &admin, "Hope").await?;
        let zoe = account(app, &admin, "Zoe Lee").await?;
        let texts = [
            (
                "spelt 1 the trip in May will be long",
                "spelt 1 the trip in May will be long",
            ),
            (
                "spelt 2 May Will and MAY WILL come",
                "spelt 2 [erased] and [erased] come",
            ),
            (
                "spelt 3 I hope that hopes of HOPE and Hope last",
                "spelt 3 I hope that hopes of [era and [era last",
            ),
            (
                "spelt 4 Will Mayer, Goodwill May",
                "spelt 4 Will Mayer, Goodwill May",
            ),
            (
                "spelt 5 Zoe Lee\u{308} and Zoe Le\u{e9}",
                "spelt 5 Zoe Le\u{eb} and Zoe Le\u{e9}",
            ),
            (
                "spelt 6 Zoe-Lee and Zoe, Lee",
                "spelt 6 Zoe-Lee and Zoe, Lee",
            ),
        ];
        for (words, _) in texts {
            let body = json!({"centre_id": home, "type": "complaint", "details": words});
            app.post(&admin, "/v1/requests", body).await?.expect(201);
        }
        for user in [will, hope, zoe] {
            erase(app, &admin, user).await?.expect(200);
        }
        let after = left(app).await?;
        assert_eq!(after, texts.map(|(_, expected)| expected));
        Ok(())
    });
}
