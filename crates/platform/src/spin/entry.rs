//! The entry of a component, which the host calls for every request. Natively there is none.

/// Makes the entry of a component: of its table, or of how else it answers a request.
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
