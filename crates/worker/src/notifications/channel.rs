//! The channels of notifications. The providers that deliver them are in files named after each.

/// The channel of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// E-mail.
    Email,
    /// SMS.
    Sms,
    /// A push notification.
    Push,
}

impl Channel {
    /// Every channel.
    pub(crate) const ALL: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Push];

    /// The name in the schema.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Push => "push",
        }
    }
}
