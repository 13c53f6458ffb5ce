//! The name of a cell, which begins with its region and its retention class.
//! The definitions of cells live in `operations::cell`; the identity that a database stores lives in `migrate::cell`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize, Serializer};

/// The region in which a cell keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// European Union.
    Eu,
    /// Australia.
    Au,
    /// United States.
    Us,
}

impl Region {
    /// Every region.
    pub const ALL: [Self; 3] = [Self::Eu, Self::Au, Self::Us];

    /// The value in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Au => "au",
            Self::Us => "us",
        }
    }
}

/// The time for which a cell keeps its backups and its deleted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// Thirty days.
    Standard,
    /// Seven years.
    Regulated,
}

impl Retention {
    /// Both retention classes.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Regulated];

    /// The value in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Regulated => "regulated",
        }
    }

    /// The number of days for which a backup is kept. Seven years have at most two leap days.
    pub fn days(self) -> u32 {
        match self {
            Self::Standard => 30,
            Self::Regulated => 7 * 365 + 2,
        }
    }
}

/// The name of a cell: `eu-standard`, or `eu-standard-2` where there are several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    text: String,
    region: Region,
    retention: Retention,
}

impl Name {
    /// The first cell of a region and a retention class.
    pub fn first(region: Region, retention: Retention) -> Self {
        Self {
            text: format!("{}-{}", region.as_str(), retention.as_str()),
            region,
            retention,
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The region.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The retention class.
    pub fn retention(&self) -> Retention {
        self.retention
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        for region in Region::ALL {
            for retention in Retention::ALL {
                let mut name = Self::first(region, retention);
                let number = text.strip_prefix(&name.text);
                if number.is_some_and(|number| number.is_empty() || is_number(number)) {
                    text.clone_into(&mut name.text);
                    return Ok(name);
                }
            }
        }
        bail!(
            "{text:?} is not the name of a cell: it must be a region (eu, au, us), a hyphen and a retention class (standard, regulated), \
             and -2 to -999 where there are several"
        )
    }
}

/// Returns whether the rest of a name is `-2` to `-999`.
fn is_number(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|digits| {
        !digits.starts_with('0')
            && digits
                .parse::<u16>()
                .is_ok_and(|number| (2..=999).contains(&number))
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_region_and_retention_class() {
        let name: Name = "us-regulated-12".parse().unwrap();
        assert_eq!(name.region(), Region::Us);
        assert_eq!(name.retention(), Retention::Regulated);
        assert_eq!(name.to_string(), "us-regulated-12");
        assert_eq!(
            "eu-standard".parse::<Name>().unwrap(),
            Name::first(Region::Eu, Retention::Standard)
        );
    }

    #[test]
    fn other_names_are_refused() {
        for bad in [
            "",
            "eu",
            "mars-standard",
            "eu-forever",
            "eu-standard-",
            "eu-standard-1",
            "eu-standard-02",
            "eu-standard-+2",
            "eu-standard-1000",
            "eu-standard2",
            "../eu-standard",
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
