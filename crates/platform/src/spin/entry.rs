//! The entry point of a component, which the host calls for every request. There is none in a
//! native build, and the handling of a request is in `spin::http`.

/// Declares the entry point of a component, for its table or for another handler of requests.
///
/// It exports `wasi:http/handler` as the SDK's `#[http_service]` does, which names the SDK's crate
/// by its path. Components depend on this crate alone, which selects the version of the SDK.
#[macro_export]
macro_rules! entry {
    ($request:ident => $answer:expr) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::spin::sdk::http::{FromRequest, IntoResponse};
            use $crate::spin::sdk::wasip3::http::types::{ErrorCode, Request, Response};

            struct Service;

            $crate::spin::sdk::wasip3::http::service::export!(Service);

            impl $crate::spin::sdk::wasip3::exports::http::handler::Guest for Service {
                async fn handle(request: Request) -> Result<Response, ErrorCode> {
                    let $request = <$crate::spin::http::Incoming as FromRequest>::from_request(request)?;
                    IntoResponse::into_response($answer.await)
                }
            }
        };
    };
    ($component:path) => {
        $crate::entry!(request => $crate::spin::http::serve(&$component, request));
    };
}
