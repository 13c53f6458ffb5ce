//! The choice of providers, by command-line options or environment variables. Their keys are in files.
//! The adapters live in files named after each provider.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::api_key::ApiKey;
use super::channel::Channel;
use super::endpoint::Endpoint;
use super::onesignal::OneSignal;
use super::provider::Provider;
use super::resend::Resend;
use super::twilio::Twilio;

/// The time limit of a provider in seconds, unless an option gives another.
const DEFAULT_TIMEOUT_SECONDS: u64 = 15;

/// The provider that sends e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Email {
    /// No provider: e-mail waits.
    None,
    /// Resend.
    Resend,
}

/// The provider that sends SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sms {
    /// No provider: SMS wait.
    None,
    /// Twilio.
    Twilio,
}

/// The provider that sends push notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Push {
    /// No provider: push notifications wait.
    None,
    /// OneSignal.
    #[value(name = "onesignal")]
    OneSignal,
}

/// The providers that deliver notifications.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Provider that sends e-mail
    #[arg(long, env = "LMS_EMAIL_PROVIDER", value_enum, default_value = "none")]
    pub email_provider: Email,

    /// Base URL of the e-mail provider
    #[arg(
        long,
        env = "LMS_EMAIL_URL",
        value_name = "URL",
        default_value = "https://api.resend.com"
    )]
    pub email_url: String,

    /// File with the API key of the e-mail provider
    #[arg(long, env = "LMS_EMAIL_KEY_FILE", value_name = "FILE")]
    pub email_key_file: Option<PathBuf>,

    /// Sender of e-mail, such as "LMS <no-reply@example.com>"
    #[arg(long, env = "LMS_EMAIL_SENDER", value_name = "SENDER")]
    pub email_sender: Option<String>,

    /// Provider that sends SMS
    #[arg(long, env = "LMS_SMS_PROVIDER", value_enum, default_value = "none")]
    pub sms_provider: Sms,

    /// Base URL of the SMS provider
    #[arg(
        long,
        env = "LMS_SMS_URL",
        value_name = "URL",
        default_value = "https://api.twilio.com"
    )]
    pub sms_url: String,

    /// SID of the account with the SMS provider
    #[arg(long, env = "LMS_SMS_ACCOUNT", value_name = "SID")]
    pub sms_account: Option<String>,

    /// File with the account's token
    #[arg(long, env = "LMS_SMS_KEY_FILE", value_name = "FILE")]
    pub sms_key_file: Option<PathBuf>,

    /// Sender of SMS: a number such as +441632960000, or the SID of a messaging service
    #[arg(long, env = "LMS_SMS_SENDER", value_name = "SENDER")]
    pub sms_sender: Option<String>,

    /// Provider that sends push notifications
    #[arg(long, env = "LMS_PUSH_PROVIDER", value_enum, default_value = "none")]
    pub push_provider: Push,

    /// Base URL of the push provider
    #[arg(
        long,
        env = "LMS_PUSH_URL",
        value_name = "URL",
        default_value = "https://api.onesignal.com"
    )]
    pub push_url: String,

    /// Id of the app with the push provider
    #[arg(long, env = "LMS_PUSH_APP", value_name = "ID")]
    pub push_app: Option<String>,

    /// File with the API key of the push provider
    #[arg(long, env = "LMS_PUSH_KEY_FILE", value_name = "FILE")]
    pub push_key_file: Option<PathBuf>,

    /// Time limit of a provider's answer, in seconds
    #[arg(
        long,
        env = "LMS_PROVIDER_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = DEFAULT_TIMEOUT_SECONDS,
        value_parser = clap::value_parser!(u64).range(1..=300)
    )]
    pub provider_timeout: u64,
}

impl Options {
    /// No providers, which is the default.
    pub fn none() -> Self {
        Self {
            email_provider: Email::None,
            email_url: String::new(),
            email_key_file: None,
            email_sender: None,
            sms_provider: Sms::None,
            sms_url: String::new(),
            sms_account: None,
            sms_key_file: None,
            sms_sender: None,
            push_provider: Push::None,
            push_url: String::new(),
            push_app: None,
            push_key_file: None,
            provider_timeout: DEFAULT_TIMEOUT_SECONDS,
        }
    }
}

/// The providers: at most one for each channel.
pub struct Providers {
    email: Option<Box<dyn Provider>>,
    sms: Option<Box<dyn Provider>>,
    push: Option<Box<dyn Provider>>,
}

impl Providers {
    /// The providers that the options name.
    ///
    /// # Errors
    ///
    /// When an option is missing, an address cannot be used, or a key cannot be read.
    pub fn new(options: &Options) -> Result<Self> {
        let timeout = Duration::from_secs(options.provider_timeout);
        let email: Option<Box<dyn Provider>> = match options.email_provider {
            Email::None => None,
            Email::Resend => Some(Box::new(Resend {
                endpoint: Endpoint::new(&options.email_url, timeout)?,
                key: read(&options.email_key_file, "LMS_EMAIL_KEY_FILE")?,
                sender: required(&options.email_sender, "LMS_EMAIL_SENDER")?,
            })),
        };
        let sms: Option<Box<dyn Provider>> = match options.sms_provider {
            Sms::None => None,
            Sms::Twilio => Some(Box::new(Twilio {
                endpoint: Endpoint::new(&options.sms_url, timeout)?,
                account: required(&options.sms_account, "LMS_SMS_ACCOUNT")?,
                key: read(&options.sms_key_file, "LMS_SMS_KEY_FILE")?,
                sender: required(&options.sms_sender, "LMS_SMS_SENDER")?,
            })),
        };
        let push: Option<Box<dyn Provider>> = match options.push_provider {
            Push::None => None,
            Push::OneSignal => Some(Box::new(OneSignal {
                endpoint: Endpoint::new(&options.push_url, timeout)?,
                app: required(&options.push_app, "LMS_PUSH_APP")?,
                key: read(&options.push_key_file, "LMS_PUSH_KEY_FILE")?,
            })),
        };
        Ok(Self { email, sms, push })
    }

    /// The development outbox as the provider of all three channels.
    ///
    /// # Errors
    ///
    /// When the address is not a loopback address.
    pub fn dev_outbox(address: SocketAddr, timeout: Duration) -> Result<Self> {
        let endpoint = || Endpoint::new(&format!("http://{address}"), timeout);
        Ok(Self {
            email: Some(Box::new(Resend {
                endpoint: endpoint()?,
                key: ApiKey::of_the_dev_outbox(),
                sender: "LMS <lms@example.com>".to_owned(),
            })),
            sms: Some(Box::new(Twilio {
                endpoint: endpoint()?,
                account: "AC00000000000000000000000000000000".to_owned(),
                key: ApiKey::of_the_dev_outbox(),
                sender: "+441632960000".to_owned(),
            })),
            push: Some(Box::new(OneSignal {
                endpoint: endpoint()?,
                app: "00000000-0000-0000-0000-000000000000".to_owned(),
                key: ApiKey::of_the_dev_outbox(),
            })),
        })
    }

    /// The provider of a channel.
    pub(super) fn of(&self, channel: Channel) -> Option<&dyn Provider> {
        match channel {
            Channel::Email => self.email.as_deref(),
            Channel::Sms => self.sms.as_deref(),
            Channel::Push => self.push.as_deref(),
        }
    }

    /// Each channel that has a provider.
    pub(super) fn all(&self) -> impl Iterator<Item = (Channel, &dyn Provider)> {
        Channel::ALL
            .into_iter()
            .filter_map(|channel| Some((channel, self.of(channel)?)))
    }
}

fn required(value: &Option<String>, variable: &str) -> Result<String> {
    value
        .clone()
        .filter(|value| !value.is_empty())
        .with_context(|| format!("the provider needs {variable}"))
}

fn read(file: &Option<PathBuf>, variable: &str) -> Result<ApiKey> {
    let file = file
        .as_ref()
        .with_context(|| format!("the provider needs {variable}"))?;
    ApiKey::read(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_there_is_no_provider() {
        let providers = Providers::new(&Options::none()).unwrap();
        assert_eq!(providers.all().count(), 0);
    }

    #[test]
    fn a_missing_option_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        std::fs::write(&key, "secret\n").unwrap();
        let twilio = Options {
            sms_provider: Sms::Twilio,
            sms_url: "https://api.twilio.com".to_owned(),
            ..Options::none()
        };
        let refusal = |options: &Options| Providers::new(options).err().unwrap().to_string();
        assert!(refusal(&twilio).contains("LMS_SMS_ACCOUNT"));
        let twilio = Options {
            sms_account: Some("AC1".to_owned()),
            ..twilio
        };
        assert!(refusal(&twilio).contains("LMS_SMS_KEY_FILE"));
        let twilio = Options {
            sms_key_file: Some(key),
            ..twilio
        };
        assert!(refusal(&twilio).contains("LMS_SMS_SENDER"));
        let twilio = Options {
            sms_sender: Some("+441632960000".to_owned()),
            ..twilio
        };
        let providers = Providers::new(&twilio).unwrap();
        assert_eq!(
            providers
                .all()
                .map(|(channel, _)| channel)
                .collect::<Vec<_>>(),
            [Channel::Sms]
        );
        let elsewhere = Options {
            sms_url: "http://api.twilio.com".to_owned(),
            ..twilio
        };
        assert!(refusal(&elsewhere).contains("https://"));
    }
}
