//! The component `requests`: requests, inventory, loans, notifications.

mod due_times;
mod inventory;
mod inventory_loans;
mod lesson_messages;
mod lesson_messages_by_class;
mod notification_causes;
mod notification_languages;
mod notification_preferences;
mod notification_templates;
mod notifications;
mod notifications_of_requests;
mod request_lifecycle;
mod request_moves;
mod request_scope;
mod working_clock;
