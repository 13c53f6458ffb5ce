//! Response bodies: the host buffers a guest's response if it is short, and streams it otherwise.
//! The rate at which a client must read it is enforced in `min_rate_stream`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Either, Full};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::admission::in_flight::ClientGuard;

/// The body of a response.
pub(crate) type Body = Either<BufferedBody, StreamedBody>;

/// The length up to which a body is buffered. It is sent in one write with the head, and however
/// slowly the client reads it, the request's permit and its instance are free meanwhile.
const MAX_BUFFERED_BYTES: u64 = 1 << 20;

/// The length up to which a buffered body is not counted against the memory budget.
const UNCOUNTED_BYTES: u64 = 64 << 10;

/// A body that the host has in memory, with the permit for its bytes.
pub(crate) struct BufferedBody {
    bytes: Full<Bytes>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// A body of the host's own, which is not counted.
pub(crate) fn buffered(bytes: Bytes) -> Body {
    Either::Left(BufferedBody {
        bytes: Full::new(bytes),
        _permit: None,
    })
}

impl http_body::Body for BufferedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.bytes).poll_frame(context);
        polled.map(|frame| frame.map(|frame| frame.map_err(|never| match never {})))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.bytes.size_hint()
    }
}

/// A guest's body that is sent as the guest produces it.
pub(crate) struct StreamedBody {
    body: WasiBody,
    _client: ClientGuard,
}

impl http_body::Body for StreamedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Prepares a guest's response for its client. `budget` has the bytes that all buffered bodies
/// together may take; while it is used up, a short body is streamed as well.
///
/// # Errors
///
/// The guest failed, or the body would have to be streamed and no permit for a long-running request
/// is free.
pub(crate) async fn from_guest(
    method: &Method,
    response: Response<WasiBody>,
    client: ClientGuard,
    budget: &Arc<Semaphore>,
) -> Result<Response<Body>, ResponseError> {
    if has_no_body(method, &response) {
        return Ok(response.map(|_| buffered(Bytes::new())));
    }
    let stream = |body| {
        // How long streaming takes depends on the client. A request that was to change something
        // has changed it by now, so that its response is sent in any case.
        if !client.mark_long_running() && method == Method::GET {
            return Err(ResponseError::TooManyStreamedBodies);
        }
        Ok(Either::Right(StreamedBody {
            body,
            _client: client,
        }))
    };
    let permit = buffer_permit(content_length(&response), budget);
    let (head, body) = response.into_parts();
    let body = match permit {
        Err(NotBuffered) => stream(body)?,
        Ok(permit) => {
            let body = body.collect().await.map_err(ResponseError::Guest)?;
            if body.trailers().is_some() {
                stream(body.map_err(|never| match never {}).boxed_unsync())?
            } else {
                Either::Left(BufferedBody {
                    bytes: Full::new(body.to_bytes()),
                    _permit: permit,
                })
            }
        }
    };
    Ok(Response::from_parts(head, body))
}

/// The reason why a guest's response is not sent.
pub(crate) enum ResponseError {
    /// No permit for a long-running request is free.
    TooManyStreamedBodies,
    /// The guest failed in the middle of its response.
    Guest(Error),
}

/// A body is streamed: it is too long, its length is unknown, or the budget is used up.
struct NotBuffered;

/// Acquires the permit to buffer a body of this length; none is needed for a short one.
fn buffer_permit(
    length: Option<u64>,
    budget: &Arc<Semaphore>,
) -> Result<Option<OwnedSemaphorePermit>, NotBuffered> {
    match length {
        Some(..=UNCOUNTED_BYTES) => Ok(None),
        Some(length @ ..=MAX_BUFFERED_BYTES) => {
            let bytes = u32::try_from(length).map_err(|_| NotBuffered)?;
            let permit = Arc::clone(budget).try_acquire_many_owned(bytes);
            permit.map(Some).map_err(|_| NotBuffered)
        }
        _ => Err(NotBuffered),
    }
}

/// Returns true if no body follows the head, whatever length it declares (RFC 9110, section 6.4.1).
fn has_no_body<B>(method: &Method, response: &Response<B>) -> bool {
    method == Method::HEAD
        || response.status().is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status())
}

/// The length that the guest declares.
fn content_length<B>(response: &Response<B>) -> Option<u64> {
    let length = response.headers().get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, length: Option<&str>) -> Option<Response<()>> {
        let mut response = Response::builder().status(status);
        if let Some(length) = length {
            response = response.header(CONTENT_LENGTH, length);
        }
        response.body(()).ok()
    }

    #[test]
    fn the_declared_length_is_read() {
        let length = |length| content_length(&response(200, length)?);
        assert_eq!(length(Some("12")), Some(12));
        assert_eq!(length(Some("0")), Some(0));
        assert_eq!(length(None), None);
    }

    #[test]
    fn some_responses_have_no_body() {
        let has_none = |method, status| {
            response(status, Some("12")).is_some_and(|response| has_no_body(&method, &response))
        };
        assert!(has_none(Method::HEAD, 200));
        assert!(has_none(Method::GET, 304));
        assert!(has_none(Method::DELETE, 204));
        assert!(!has_none(Method::GET, 200));
        assert!(!has_none(Method::POST, 422));
    }

    #[test]
    fn bodies_are_buffered_within_the_budget() {
        let budget = Arc::new(Semaphore::new(2 * MAX_BUFFERED_BYTES as usize - 1));
        let permit = |length| buffer_permit(length, &budget);
        assert!(matches!(permit(Some(UNCOUNTED_BYTES)), Ok(None)));
        let first = permit(Some(MAX_BUFFERED_BYTES));
        assert!(matches!(first, Ok(Some(_))));
        assert!(permit(Some(MAX_BUFFERED_BYTES)).is_err());
        drop(first);
        assert!(permit(Some(MAX_BUFFERED_BYTES)).is_ok());
        assert!(permit(Some(MAX_BUFFERED_BYTES + 1)).is_err());
        assert!(permit(None).is_err());
    }
}
