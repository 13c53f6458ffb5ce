//! The entry point of a component, which the host calls for every request. There is none in a
//! native build, and the handling of a request is in `spin::http`.

/// Declares the entry point of a component, for its table or for another handler of requests.
#[macro_export]
macro_rules! entry {
    ($request:ident => $answer:expr) => {
        #[cfg(target_family = "wasm")]
        #[spin_sdk::http_service]
        async fn handle($request: $crate::spin::http::Incoming) -> $crate::spin::http::Outgoing {
            $answer.await
        }
    };
    ($component:path) => {
        $crate::entry!(request => $crate::spin::http::serve(&$component, request));
    };
}
