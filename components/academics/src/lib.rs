//! The component for students, tutors, classes, assessments, gamification and the calendar.
//!
//! [`COMPONENT`] lists everything that it serves: its resources, its actions and its access table.
//! Requests are processed in `platform`.

mod analytics;
mod assessments;
mod attendance;
pub mod calendar;
mod classes;
mod feed;
mod free_slots;
mod gamification;
mod leaderboard;
mod meeting_url;
mod occurrences;
mod progress;
mod schedule;
mod students;
mod tutors;

use platform::auth::policy::Policy;
use platform::declare::action::Action;
use platform::declare::component::Component;
use platform::declare::resource::Resource;

/// The resources with their plain verbs.
pub const RESOURCES: &[Resource] = &[
    students::STUDENTS,
    tutors::TUTORS,
    classes::CLASSES,
    assessments::ASSESSMENTS,
    gamification::GAMIFICATION,
];

/// The actions.
pub static ACTIONS: &[Action] = &[
    students::ASSIGN_TUTOR,
    progress::GET,
    free_slots::FREE_SLOTS,
    free_slots::SEARCH_TUTORS,
    classes::CANCEL,
    classes::COMPLETE,
    occurrences::LIST,
    occurrences::CANCEL,
    occurrences::RESCHEDULE,
    classes::split::SPLIT,
    attendance::GET,
    attendance::RECORD,
    calendar::LIST,
    feed::CREATE,
    feed::GET,
    feed::REVOKE,
    feed::READ,
    leaderboard::GET,
    leaderboard::SUMMARY,
    analytics::STUDENTS,
    analytics::TUTORS,
];

/// The access table.
pub const POLICIES: &[Policy] = &[
    students::POLICY,
    tutors::POLICY,
    classes::POLICY,
    assessments::POLICY,
    gamification::POLICY,
    analytics::POLICY,
];

/// The component.
pub static COMPONENT: Component = Component {
    name: "academics",
    resources: RESOURCES,
    actions: ACTIONS,
    policies: POLICIES,
    application: &domain::APPLICATION,
}
.checked();

platform::entry!(COMPONENT);
