//! The interface `spin:variables@3.0.0`, by which a component reads its variables. Their values are
//! resolved in `manifest::variables`.

use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::state::InstanceState;
use crate::manifest::variables::check_name;

/// The type `error` of the interface.
#[derive(ComponentType, Lift, Lower, Clone, Debug, PartialEq, Eq)]
#[component(variant)]
enum Error {
    #[component(name = "invalid-name")]
    InvalidName(String),
    #[component(name = "undefined")]
    Undefined(String),
    #[component(name = "provider")]
    Provider(String),
    #[component(name = "other")]
    Other(String),
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("spin:variables/variables@3.0.0")?;
    interface.func_wrap_concurrent("get", |accessor, (name,): (String,)| {
        let value = accessor.with(|mut access| get(access.get(), &name));
        Box::pin(async move { Ok((value,)) })
    })
}

fn get(state: &InstanceState, name: &str) -> Result<String, Error> {
    check_name(name).map_err(|reason| Error::InvalidName(format!("{name:?}: {reason}")))?;
    state
        .component()
        .variables
        .get(name)
        .cloned()
        .ok_or_else(|| {
            Error::Undefined(format!(
                "no variable for {:?}.{name:?}",
                state.component().id
            ))
        })
}
