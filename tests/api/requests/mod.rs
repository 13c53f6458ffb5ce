//! Tests of the component `requests`: help-desk requests, inventory, loans and notifications.

mod automatic_notifications;
mod class_change_notifications;
mod due_times;
mod inventory;
mod inventory_loans;
mod lesson_notifications;
mod low_stock;
mod notification_languages;
mod notification_preferences;
mod notification_templates;
mod notifications;
mod request_lifecycle;
mod request_notifications;
mod request_scope;
mod request_transitions;
mod working_hours;
