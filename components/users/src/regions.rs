//! The list of the regions of the service. The names of the regions are in `domain::region`.

use domain::region;
use platform::declare::action::{Action, ResponseFuture};
use platform::declare::action_context::ActionContext;
use platform::declare::field::{Field, Kind};
use platform::declare::response_spec::ResponseSpec;
use platform::http::response::Response;
use serde_json::json;

/// A region as a response returns it.
const REGION: &[Field] = &[
    Field::new("name", Kind::OneOf(&region::ALL), "The region.").required(),
    Field::new(
        "base_url",
        Kind::Text { min: 1, max: 200 },
        "The base URL of the region.",
    )
    .required(),
];

/// Lists the regions and their base URLs.
pub(crate) const LIST: Action = Action::get("/v1/regions")
    .id("regions.list")
    .summary("List regions")
    .public()
    .responds(ResponseSpec::fields(
        &[Field::new(
            "data",
            Kind::Rows(REGION),
            "The regions, each with its name and base URL.",
        )
        .required()],
        "The name and base URL of each region.",
    ))
    .custom(list);

fn list<'a>(context: &'a ActionContext<'a>) -> ResponseFuture<'a> {
    Box::pin(async {
        let data: Vec<_> = context
            .settings
            .base_urls
            .iter()
            .map(|(name, url)| json!({"name": name, "base_url": url}))
            .collect();
        let body = json!({"data": data}).to_string();
        Ok(Response::json(200, body).header("cache-control", "public, max-age=300"))
    })
}
