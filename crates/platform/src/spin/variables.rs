//! Reads a component's variables through Spin's interface. Their values are checked in `settings`.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::variables;

use crate::settings::Settings;

thread_local! {
    // Variables do not change while an instance lives, and reading five of them costs more than the
    // routing.
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

pub(crate) async fn variable(name: &str) -> Result<String, String> {
    variables::get(name)
        .await
        .map_err(|_| format!("variable {name} is not set"))
}

pub(crate) async fn settings(regions: &[&str]) -> Result<Rc<Settings>, String> {
    if let Some(settings) = SETTINGS.with(|settings| settings.borrow().clone()) {
        return Ok(settings);
    }
    let mut values = std::collections::BTreeMap::new();
    for name in [
        "cell",
        "region",
        "base_urls",
        "signing_keys",
        "database_url",
        "database_ca",
        "allowed_origins",
        "webhook_networks",
        "trusted_proxies",
        "client_address_header",
    ] {
        values.insert(name, variable(name).await?);
    }
    let settings = Rc::new(Settings::read(regions, |name| {
        values
            .get(name)
            .cloned()
            .ok_or_else(|| format!("variable {name} is not set"))
    })?);
    SETTINGS.with(|slot| *slot.borrow_mut() = Some(settings.clone()));
    Ok(settings)
}
