//! Responses on their way from a guest to its client.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::exchange::{Client, StreamedBody};

/// What the server sends: bytes that are all there, or a guest's body as it comes.
pub(crate) type Body = Either<Full<Bytes>, StreamedBody>;

/// A body up to this length is waited for, so that it goes out in one write with the head.
const WAITED_FOR: u64 = 64 << 10;

/// A guest's response, ready to be sent.
pub(crate) async fn from_guest(
    method: &Method,
    response: Response<WasiBody>,
    client: Client,
) -> Result<Response<Body>, Error> {
    if !has_short_body(method, &response) {
        return Ok(response.map(|body| Either::Right(StreamedBody::new(body, client))));
    }
    let (head, body) = response.into_parts();
    let body = body.collect().await?;
    if body.trailers().is_some() {
        let body = body.map_err(|never| match never {}).boxed_unsync();
        return Ok(Response::from_parts(
            head,
            Either::Right(StreamedBody::new(body, client)),
        ));
    }
    Ok(Response::from_parts(
        head,
        Either::Left(Full::new(body.to_bytes())),
    ))
}

/// Whether the guest promises a short body. A promise is not kept where none is sent.
fn has_short_body<B>(method: &Method, response: &Response<B>) -> bool {
    let bodiless = method == Method::HEAD
        || response.status().is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    let length = response
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    !bodiless
        && length
            .and_then(|text| text.parse().ok())
            .is_some_and(|length: u64| length <= WAITED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(method: Method, status: u16, length: Option<&str>) -> bool {
        let mut response = Response::builder().status(status);
        if let Some(length) = length {
            response = response.header(CONTENT_LENGTH, length);
        }
        response
            .body(())
            .is_ok_and(|response| has_short_body(&method, &response))
    }

    #[test]
    fn only_a_promised_short_body_is_waited_for() {
        assert!(short(Method::GET, 200, Some("12")));
        assert!(short(Method::POST, 422, Some("0")));
        assert!(!short(Method::GET, 200, None));
        assert!(!short(Method::GET, 200, Some("70000")));
        assert!(!short(Method::HEAD, 200, Some("12")));
        assert!(!short(Method::GET, 304, Some("12")));
        assert!(!short(Method::GET, 204, Some("0")));
    }
}
