//! Requests, responses and problems, without any type of a host. The host's own types are converted
//! to these in `spin::http`.

pub mod client_address;
pub mod headers;
pub mod outbound_url;
pub mod problem;
pub mod request;
pub mod requester;
pub mod response;
