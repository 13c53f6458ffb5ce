//! Tests the health checks and the list of regions.

use http::Method;
use tests::run;

#[test]
fn the_health_checks_of_a_healthy_cell_succeed() {
    run(async |app| {
        let live = app.call(None, Method::GET, "/healthz", None).await?;
        assert_eq!(live.expect(200).json()["status"], "ok");
        let ready = app.call(None, Method::GET, "/readyz", None).await?;
        assert_eq!(ready.expect(200).json()["region"], "eu");
        let regions = app.call(None, Method::GET, "/v1/regions", None).await?;
        assert_eq!(
            regions.expect(200).json()["data"][1]["base_url"],
            app.base_url
        );
        Ok(())
    });
}
