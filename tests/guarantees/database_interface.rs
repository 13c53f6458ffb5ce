//! Tests the host's interface `spin:postgres` with a component that calls its synchronous and
//! asynchronous functions.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tests::run;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const WASM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/wasm32-wasip2/component/probe.wasm"
);

/// The results of both variants, line by line.
const ANSWERS: &str = r#"0
2
([Column { name: "number", data-type: DbDataType::Int32 }, Column { name: "note", data-type: DbDataType::Str }], [[DbValue::Int32(1), DbValue::Str("one")], [DbValue::Int32(2), DbValue::DbNull]])
([Column { name: "count", data-type: DbDataType::Int32 }, Column { name: "sum", data-type: DbDataType::Int32 }], [[DbValue::Int32(100), DbValue::Int32(100000)]])
200
22012
42601
true
true
true
([Column { name: "?column?", data-type: DbDataType::Boolean }], [[DbValue::Boolean(true)]])"#;

fn manifest(address: &url::Url) -> Result<String> {
    let host = address.host_str().context("a host")?;
    let port = address.port().context("a port")?;
    Ok(format!(
        r#"
        spin_manifest_version = 2
        application = {{ name = "probe" }}

        [variables]
        database_url = {{ required = true }}

        [[trigger.http]]
        route = "/..."
        component = "probe"

        [component.probe]
        source = "{WASM}"
        allowed_outbound_hosts = ["postgres://{host}:{port}"]

        [component.probe.variables]
        database_url = "{{{{ database_url }}}}"
        "#
    ))
}

#[test]
fn synchronous_and_asynchronous_functions_return_the_same_results() {
    run(async |app| {
        ensure!(
            Path::new(WASM).exists(),
            "probe.wasm is missing: run make components"
        );
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("spin.toml");
        std::fs::write(&path, manifest(&app.superuser_url.parse()?)?)?;
        let variables = BTreeMap::from([("database_url".to_owned(), app.superuser_url.clone())]);
        let probe = host::Runtime::new(&folder.path().join("cache"))?.load(&path, variables)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(probe.serve(listener, async {
            let _ = stopped.await;
        }));
        for half in ["synchronous", "asynchronous"] {
            let answer = reqwest::get(format!("http://{address}/{half}")).await?;
            let text = answer.text().await?;
            ensure!(text == ANSWERS, "{half}:\n{text}");
        }
        drop(stop);
        served.await?
    });
}
