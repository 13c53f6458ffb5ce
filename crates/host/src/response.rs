//! Responses on their way from a guest to its client.

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

use crate::exchange::{Client, StreamedBody};

/// What the server sends: bytes that are all there, or a guest's body as it comes.
pub(crate) type Body = Either<Whole, StreamedBody>;

/// A body up to this length is waited for: it goes out in one write with the head, and however slowly it is read, neither its room nor its
/// instance waits for that.
const WAITED_FOR: u64 = 1 << 20;

/// Bytes of an answer that every request may leave behind.
const FREE: u64 = 64 << 10;

/// All that answers may leave behind beyond those, in bytes.
pub(crate) const ALL: usize = 64 << 20;

/// A body that is all there, with what counts its memory.
pub(crate) struct Whole {
    bytes: Full<Bytes>,
    _counted: Option<OwnedSemaphorePermit>,
}

/// A body of the host's own.
pub(crate) fn whole(bytes: Bytes) -> Body {
    Either::Left(Whole {
        bytes: Full::new(bytes),
        _counted: None,
    })
}

impl http_body::Body for Whole {
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

/// A guest's response, ready to be sent. What it takes is counted in `memory`; while there is none left, it is sent as it comes, as longer
/// ones always are.
pub(crate) async fn from_guest(
    method: &Method,
    response: Response<WasiBody>,
    client: Client,
    memory: &Arc<Semaphore>,
) -> Result<Response<Body>, Unsent> {
    if has_no_body(method, &response) {
        return Ok(response.map(|_| whole(Bytes::new())));
    }
    // A request that was to change something has changed it: its answer is sent, in whatever room it is.
    let may_refuse = method == Method::GET;
    let streamed = |body| match StreamedBody::new(body, client) {
        (_, false) if may_refuse => Err(Unsent::TooMany),
        (body, _) => Ok(Either::Right(body)),
    };
    let counted = counted(promised(&response), memory);
    let (head, body) = response.into_parts();
    let body = match counted {
        Err(AsItComes) => streamed(body)?,
        Ok(counted) => {
            let body = body.collect().await.map_err(Unsent::Broken)?;
            if body.trailers().is_some() {
                streamed(body.map_err(|never| match never {}).boxed_unsync())?
            } else {
                Either::Left(Whole {
                    bytes: Full::new(body.to_bytes()),
                    _counted: counted,
                })
            }
        }
    };
    Ok(Response::from_parts(head, body))
}

/// Why a guest's response is not sent.
pub(crate) enum Unsent {
    /// As many long answers as can be are being read.
    TooMany,
    /// The guest broke off.
    Broken(Error),
}

/// An answer is not waited for.
struct AsItComes;

/// Counts an answer of this length, if it is one that is waited for.
fn counted(
    length: Option<u64>,
    memory: &Arc<Semaphore>,
) -> Result<Option<OwnedSemaphorePermit>, AsItComes> {
    match length {
        Some(..=FREE) => Ok(None),
        Some(length @ ..=WAITED_FOR) => {
            let bytes = u32::try_from(length).map_err(|_| AsItComes)?;
            let permit = Arc::clone(memory).try_acquire_many_owned(bytes);
            permit.map(Some).map_err(|_| AsItComes)
        }
        _ => Err(AsItComes),
    }
}

/// Returns true when no body follows the head, whatever length it names (RFC 9110, section 6.4.1).
fn has_no_body<B>(method: &Method, response: &Response<B>) -> bool {
    method == Method::HEAD
        || response.status().is_informational()
        || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status())
}

/// The length that the guest promises.
fn promised<B>(response: &Response<B>) -> Option<u64> {
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
    fn a_promised_body_is_waited_for() {
        let length = |length| promised(&response(200, length)?);
        assert_eq!(length(Some("12")), Some(12));
        assert_eq!(length(Some("0")), Some(0));
        assert_eq!(length(None), None);
    }

    #[test]
    fn some_answers_have_no_body() {
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
    fn answers_are_waited_for_while_there_is_memory_for_them() {
        let memory = Arc::new(Semaphore::new(2 * WAITED_FOR as usize - 1));
        assert!(matches!(counted(Some(FREE), &memory), Ok(None)));
        let first = counted(Some(WAITED_FOR), &memory);
        assert!(matches!(first, Ok(Some(_))));
        assert!(counted(Some(WAITED_FOR), &memory).is_err());
        drop(first);
        assert!(counted(Some(WAITED_FOR), &memory).is_ok());
        assert!(counted(Some(WAITED_FOR + 1), &memory).is_err());
        assert!(counted(None, &memory).is_err());
    }
}
