//! The client on whose behalf a request is sent to another component, and the trace that both
//! requests belong to. The request itself is sent by `spin::service`.

use crate::values::random::digest;

/// Names and values of headers.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// The client on whose behalf a request is sent to another component. When many requests wait,
/// groups take turns, and so do the members of each group.
pub struct Requester {
    /// The group of clients, such as a network.
    pub group: String,
    /// The member of the group.
    pub member: String,
    /// The header `traceparent` of the client's request; none without a trace.
    pub traceparent: Option<String>,
}

impl Requester {
    /// Returns the headers that tell the host of it. `fair-queue-key` has the hashes of both parts,
    /// which are short and have a fixed form.
    pub(crate) fn headers(&self) -> Headers {
        let key = format!("{} {}", digest(&self.group), digest(&self.member));
        let traceparent = self.traceparent.clone();
        let traceparent = traceparent.map(|trace| ("traceparent", trace));
        [("fair-queue-key", key)]
            .into_iter()
            .chain(traceparent)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_is_named_if_there_is_one() {
        for traceparent in [None, Some("00-1-2-01".to_owned())] {
            let requester = Requester {
                group: "10.0.0.0/24".to_owned(),
                member: "ada@example.com".to_owned(),
                traceparent: traceparent.clone(),
            };
            let headers = requester.headers();
            assert_eq!(headers.len(), 1 + usize::from(traceparent.is_some()));
            assert!(!headers[0].1.contains("ada"), "{headers:?}");
            assert_eq!(headers.get(1).map(|(_, value)| value), traceparent.as_ref());
        }
    }
}
