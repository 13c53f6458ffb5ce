//! Students, tutors, classes, assessments, gamification and the calendar.
//!
//! Its resources are declared from here on; until they are, every path is answered 404 as anywhere else.

use platform::component::Component;

/// The component's whole table.
pub static COMPONENT: Component = Component {
    name: "academics",
    resources: &[],
    actions: &[],
    policies: &[],
}
.checked();

platform::entry!(COMPONENT);
