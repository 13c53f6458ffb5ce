//! E-mail addresses and their normal form. Every look-up of an account uses [`normalize`] or
//! [`lookup`]; sending is the worker's task.
//!
//! An address is kept as it was written, except for differences without a meaning: letters are
//! composed (NFC) and in lower case. A domain beyond ASCII has two forms, Unicode and punycode (RFC
//! 5891), and the form in which it was written is kept for all of it. The database treats both
//! forms as one address (`lms_private.email_key`).

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::values::text::{composed, is_visible};

/// The maximum length of an address, in bytes (RFC 5321, section 4.5.3.1.3, less the angle
/// brackets).
const MAX_BYTES: usize = 254;
/// The maximum length of the part before the @, in bytes (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

/// Returns the address in its normal form, if a mail server accepts it: a local part of atoms
/// joined by single dots, and a domain of at least two labels.
pub fn normalize(text: &str) -> Option<String> {
    let text = text.trim();
    // A text that is far too long is not normalised.
    if text.len() > 4 * MAX_BYTES {
        return None;
    }
    let (local, domain) = text.rsplit_once('@')?;
    // It is lower-cased before its length is checked, because the lower case of a letter may be
    // longer.
    let local = composed(&composed(local).to_lowercase()).into_owned();
    let is_local = (1..=MAX_LOCAL_BYTES).contains(&local.len())
        && local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom));
    let (ascii, unicode) = domain_forms(domain)?;
    let last = ascii.rsplit('.').next().unwrap_or_default();
    // A top-level label of digits would make the domain a network address.
    let is_domain = ascii.contains('.') && !last.bytes().all(|byte| byte.is_ascii_digit());
    let domain = if domain.is_ascii() { ascii } else { unicode };
    let address = format!("{local}@{domain}");
    (is_local && is_domain && address.len() <= MAX_BYTES).then_some(address)
}

/// Returns the form by which an account is looked up: the normal form or, for a text without one,
/// the form in which it may have been stored before the present rules.
pub fn lookup(text: &str) -> String {
    normalize(text).unwrap_or_else(|| text.trim().to_lowercase())
}

/// Returns every form in which an address in its normal form may have been stored, the Unicode
/// domain first.
pub(crate) fn spellings(address: &str) -> Vec<String> {
    let forms = address
        .rsplit_once('@')
        .and_then(|(local, domain)| domain_forms(domain).map(|forms| (local, forms)));
    match forms {
        Some((local, (ascii, unicode))) if ascii != unicode => {
            vec![format!("{local}@{unicode}"), format!("{local}@{ascii}")]
        }
        _ => vec![address.to_owned()],
    }
}

/// Returns the domain in punycode and in Unicode (UTS 46).
fn domain_forms(domain: &str) -> Option<(String, String)> {
    let (deny, hyphens) = (AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), deny, hyphens, DnsLength::Verify)
        .ok()?;
    let (unicode, sound) = Uts46::new().to_unicode(domain.as_bytes(), deny, hyphens);
    sound.ok()?;
    Some((ascii.into_owned(), unicode.into_owned()))
}

/// Returns true for the characters of an atom (RFC 5322, section 3.2.3; beyond ASCII RFC 6532).
fn is_atom(c: char) -> bool {
    match c {
        'a'..='z' | '0'..='9' => true,
        _ if c.is_ascii() => "!#$%&'*+/=?^_`{|}~-".contains(c),
        _ => is_visible(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_people_have_are_taken_as_they_are() {
        for address in [
            "mary.o'kane@example.org",
            "pat+lms@example.org",
            "a@aa.bb-cc.example",
            "a@example.photography",
            "a_x=y@example.org",
            "a{b}@example.org",
            "a@sub.sub2.sub3.example.org",
            "josé@example.org",
            "a@bücher.example",
            "a@try.xn--p1ai",
            "a/room@example.org",
            "1a@1example.org",
            "a%x@example.org",
            "用户@例子.example",
            "-a-@example.org",
        ] {
            assert_eq!(normalize(address).as_deref(), Some(address));
        }
    }

    #[test]
    fn letters_have_one_form() {
        for (text, expected) in [
            (" Ana.B+x@Example.Org ", "ana.b+x@example.org"),
            ("JÜRGEN@example.org", "jürgen@example.org"),
            ("ju\u{308}rgen@example.org", "jürgen@example.org"),
            ("a@BU\u{308}CHER.example", "a@bücher.example"),
            ("a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"),
            // If a domain mixes both forms, Unicode is kept.
            ("a@bücher.xn--p1ai", "a@bücher.рф"),
            ("a@ｅｘａｍｐｌｅ．org", "a@example.org"),
            ("a@例子。example", "a@例子.example"),
        ] {
            assert_eq!(normalize(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_address_that_no_mail_server_accepts_is_refused() {
        let long = format!("{}@example.org", "x".repeat(65));
        let longer = format!("abc@{}.example", ["y".repeat(60).as_str(); 4].join("."));
        for text in [
            "",
            "plain",
            "a@b",
            "a b@example.org",
            "a@try..example",
            "a@-try.example",
            "a@try-.example",
            "a@try.example.",
            ".a@try.example",
            "a.@try.example",
            "a..b@try.example",
            "<a@try.example>",
            "a@try.example, b@try.example",
            "mailto:a@try.example",
            "a@try_x.example",
            "a@exa mple.com",
            "@try.example",
            "a@",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a\\b@try.example",
            "a:b@try.example",
            "\"a\"@try.example",
            "Pat <pat@try.example>",
            "a@try.example;b@try.example",
            "a@b@try.example",
            "a\u{200b}b@try.example",
            "a\u{202e}@try.example",
            "a\u{a0}b@try.example",
            "a\n@try.example",
            "a@try\u{200b}\n.example",
            "a@xn--zz--zz.example",
            &long,
            &longer,
        ] {
            assert_eq!(normalize(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_account_that_has_no_normal_form_is_still_found() {
        assert_eq!(lookup(" Ana@Example.org"), "ana@example.org");
        assert_eq!(lookup(" A..B@Example.org"), "a..b@example.org");
    }

    #[test]
    fn a_domain_beyond_ascii_has_two_spellings() {
        let both = ["a@bücher.example", "a@xn--bcher-kva.example"];
        for address in both {
            assert_eq!(spellings(address), both);
        }
        assert_eq!(spellings("é@example.org"), ["é@example.org"]);
        assert_eq!(spellings("nothing"), ["nothing"]);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_and_one_of_its_spellings(
            text in "(\\PC|[a-zİΣßéE\\u{300}-\\u{310}.]){1,10}@([a-zA-Zßéüя\\u{300}-\\u{310}-]{1,8}|xn--[a-z0-9-]{1,8})\\.(example|рф|[a-z]{2})"
        ) {
            if let Some(address) = normalize(&text) {
                prop_assert_eq!(normalize(&address), Some(address.clone()));
                let spellings = spellings(&address);
                prop_assert!(spellings.contains(&address), "{:?}", spellings);
                for spelling in &spellings {
                    prop_assert_eq!(&super::spellings(spelling), &spellings);
                }
            }
        }
    }
}
