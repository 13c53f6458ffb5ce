//! Tests that erasure finds a name whatever its typography, order and case.

use anyhow::Result;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use tests::{
    Application, Session, data_subject::erase, fixtures, queries, random_samples, role, run,
};
use uuid::Uuid;

/// The spellings of an apostrophe; those of a hyphen, a space and a comma follow.
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

/// Names with characters that have several spellings.
const NAMES: &[&str] = &[
    "Zo\u{eb}-Abigail O'Quillfeather",
    "\u{c5}sa Bj\u{f6}rnst\u{e5}hl-\u{d6}berg",
    "Nguy\u{1ec5}n Th\u{1ecb} Brightwater",
    "Jos\u{e9} D'\u{c1}vila Mu\u{f1}oz",
    "\u{391}\u{3bb}\u{3ad}\u{3be}\u{3b7}\u{3c2} \u{3a0}\u{3b1}\u{3c0}\u{3ac}\u{3c2}",
    "Stra\u{df}er-Wei\u{df} Lotte",
    "\u{130}lker I\u{15f}\u{131}ko\u{11f}lu",
];

/// A spelling of one of the names.
#[derive(Debug, Clone)]
struct Spelling {
    name: usize,
    apostrophe: &'static str,
    hyphen: &'static str,
    space: &'static str,
    /// The index of the word that comes first. If it is not 0, the surname starts there.
    first_word: usize,
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
            |(name, apostrophe, hyphen, space, first_word, comma, case, is_decomposed)| Spelling {
                name,
                apostrophe,
                hyphen,
                space,
                first_word,
                comma,
                case,
                is_decomposed,
            },
        )
}

impl Spelling {
    /// Returns the name in this spelling, before decomposition.
    fn spell(&self) -> String {
        let words: Vec<&str> = NAMES[self.name].split(' ').collect();
        let first_word = self.first_word % words.len();
        let mut text = words[first_word..].join(" ");
        if first_word > 0 {
            text = [text, words[..first_word].join(" ")].join(self.comma);
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
    let (own_centre, _) = queries::demo_centres(app).await?;
    let user = fixtures::create_user(app, admin, "student", own_centre).await?;
    app.patch(admin, &format!("/v1/users/{user}"), json!({"name": name}))
        .await?
        .expect(200);
    Ok(user)
}

/// Returns the notes in the table and in the event log after the erasure.
async fn remaining_notes(app: &Application) -> Result<Vec<String>> {
    let sql = "select details from lms.requests where details like 'spelt %'
        union
        select state ->> 'details' from lms.event_log where entity = 'requests' and state ->> 'details' like 'spelt %'
        order by 1";
    queries::fetch_texts(app, sql, &[]).await
}

#[test]
fn every_spelling_of_a_name_is_found_in_rows_and_events() {
    let spellings = random_samples::samples(150, &spelling());
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        let mut users = Vec::new();
        for name in NAMES {
            users.push(account(app, &admin, name).await?);
        }
        for (index, spelling) in spellings.iter().enumerate() {
            let mut name = spelling.spell();
            if spelling.is_decomposed {
                let decomposed =
                    queries::fetch_texts(app, "select normalize($1, nfd)", &[&name]).await?;
                name = decomposed.concat();
            }
            let details = format!("spelt ({name}) {index}");
            let body = json!({"centre_id": own_centre, "type": "complaint", "details": details});
            app.post(&admin, "/v1/requests", body).await?.expect(201);
        }
        for user in users {
            erase(app, &admin, user).await?.expect(200);
        }
        let mut expected: Vec<String> = (0..spellings.len())
            .map(|index| format!("spelt ([erased]) {index}"))
            .collect();
        expected.sort();
        let mut found = remaining_notes(app).await?;
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
fn words_other_than_the_name_stay() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
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
            let body = json!({"centre_id": own_centre, "type": "complaint", "details": words});
            app.post(&admin, "/v1/requests", body).await?.expect(201);
        }
        for user in [will, hope, zoe] {
            erase(app, &admin, user).await?.expect(200);
        }
        let after = remaining_notes(app).await?;
        assert_eq!(after, texts.map(|(_, expected)| expected));
        Ok(())
    });
}

#[test]
fn a_name_is_found_with_a_comma_in_another_case_or_without_spaces() {
    let cases: &[(&str, &[&str])] = &[
        (
            "Smithson, Johnny",
            &[
                "Smithson, Johnny",
                "SMITHSON, JOHNNY",
                "smithson,johnny",
                "Johnny Smithson",
                "JOHNNY SMITHSON",
                "Smithson Johnny",
                "Johnny, Smithson",
            ],
        ),
        (
            "O'Brien, Patrick",
            &["O\u{2019}Brien, Patrick", "Patrick O'BRIEN"],
        ),
        (
            "Al-F\u{101}ris, \u{645}\u{62d}\u{645}\u{62f}",
            &[
                "Al-F\u{101}ris, \u{645}\u{62d}\u{645}\u{62f}",
                "\u{645}\u{62d}\u{645}\u{62f} Al-F\u{101}ris",
            ],
        ),
        (
            "Ali Y\u{131}ld\u{131}r\u{131}m",
            &[
                "AL\u{130} YILDIRIM",
                "ALI YILDIRIM",
                "Y\u{131}ld\u{131}r\u{131}m, Ali",
            ],
        ),
        ("Deniz Kaya", &["DEN\u{130}Z KAYA", "DENIZ KAYA"]),
        (
            "ilker \u{131}\u{15f}\u{131}k",
            &["\u{130}LKER I\u{15e}IK", "\u{130}lker I\u{15f}\u{131}k"],
        ),
        (
            "J\u{f6}rg Strau\u{df}",
            &[
                "J\u{d6}RG STRAU\u{1e9e}",
                "J\u{d6}RG STRAUSS",
                "J\u{f6}rg Strauss",
            ],
        ),
        ("Jonas Gross", &["Jonas Gro\u{df}", "JONAS GRO\u{1e9e}"]),
        (
            "\u{1c4}emal Testi\u{107}",
            &["\u{1c5}emal Testi\u{107}", "\u{1c6}emal testi\u{107}"],
        ),
        (
            "Paul Softley",
            &[
                "Pa\u{ad}ul Softley",
                "Paul\u{ad} Softley",
                "Paul \u{200f}Softley",
                "Pa\u{200b}ul\u{feff} Softley",
                "Paul&nbsp;Softley",
                "Paul%20Softley",
            ],
        ),
    ];
    // These scripts have no spaces between words, so the names are found within other letters.
    let within: &[(&str, &[&str])] = &[
        (
            "\u{738b}\u{5c0f}\u{660e}",
            &["\u{5728}\u{738b}\u{5c0f}\u{660e}\u{7684}\u{5988}\u{5988}"],
        ),
        (
            "\u{5c71}\u{7530} \u{592a}\u{90ce}",
            &[
                "\u{5c71}\u{7530}\u{592a}\u{90ce}\u{3055}\u{3093}",
                "\u{5c71}\u{7530}\u{3000}\u{592a}\u{90ce}\u{3055}\u{3093}",
            ],
        ),
        (
            "\u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22} \u{e43}\u{e08}\u{e14}\u{e35}",
            &[
                "\u{e04}\u{e38}\u{e13}\u{e2a}\u{e21}\u{e0a}\u{e32}\u{e22} \u{e43}\u{e08}\u{e14}\u{e35}",
            ],
        ),
    ];
    run(async move |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        let (own_centre, _) = queries::demo_centres(app).await?;
        for (name, spellings) in cases.iter().chain(within) {
            let user = account(app, &admin, name).await?;
            for spelling in *spellings {
                let details = format!("spelt ({spelling})");
                let body =
                    json!({"centre_id": own_centre, "type": "complaint", "details": details});
                app.post(&admin, "/v1/requests", body).await?.expect(201);
            }
            erase(app, &admin, user).await?.expect(200);
            for text in remaining_notes(app).await? {
                assert!(text.contains("[e"), "{name}: {text}");
                assert!(
                    !spellings.iter().any(|spelling| text.contains(spelling)),
                    "{name}: {text}"
                );
            }
        }
        Ok(())
    });
}
