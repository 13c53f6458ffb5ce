//! The profile of a new account: the student, tutor, staff or guardian row of its role. The account
//! itself is created in [`crate::accounts`].

use platform::declare::field::{Field, Kind};
use platform::http::problem::Problem;
use platform::values::days;
use platform::values::field_error::FieldError;
use serde_json::{Map, Value};

/// The fields of the profiles of all roles.
pub(crate) const FIELDS: &[Field] = &[
    Field::new("dob", Kind::Date, "A student's date of birth."),
    Field::new(
        "special_needs",
        Kind::TextList {
            items: 50,
            max: 100,
        },
        "A student's special needs.",
    ),
    Field::new("languages", Kind::Languages, "A student's languages."),
    Field::new(
        "parent_id",
        Kind::Reference("users"),
        "A student's first contact.",
    ),
    Field::new(
        "max_students",
        Kind::Integer { min: 0, max: 1000 },
        "The maximum number of students that can be assigned to the tutor.",
    ),
    Field::new(
        "title",
        Kind::Text { min: 1, max: 200 },
        "A staff member's job title.",
    ),
    Field::new(
        "department",
        Kind::Text { min: 1, max: 200 },
        "A staff member's department.",
    ),
    Field::new(
        "hired_on",
        Kind::Date,
        "A staff member's first day of work.",
    ),
    Field::new(
        "student_id",
        Kind::Reference("students"),
        "A parent's child.",
    ),
    Field::new(
        "relationship",
        Kind::OneOf(&["parent", "guardian"]),
        "A parent's relationship to the child.",
    ),
];

/// Returns the fields of a role's profile, and the required ones among them.
fn fields_of_role(role: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match role {
        "student" => (&["dob", "special_needs", "languages", "parent_id"], &[]),
        "tutor" => (&["max_students"], &[]),
        "parent" => (
            &["student_id", "relationship"],
            &["student_id", "relationship"],
        ),
        _ => (&["title", "department", "hired_on"], &[]),
    }
}

/// Checks that the profile belongs to the role.
///
/// # Errors
///
/// 422 with the fields that do not belong or are missing, and for a student or tutor without a
/// centre.
pub(crate) fn check(body: &Map<String, Value>) -> Result<(), Problem> {
    let Some(Value::Object(profile)) = body.get("profile") else {
        return Ok(());
    };
    let role = body.get("role").and_then(Value::as_str).unwrap_or_default();
    let (known, required) = fields_of_role(role);
    let mut errors: Vec<FieldError> = profile
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            FieldError::new(
                format!("/profile/{name}"),
                "not_allowed",
                format!("A profile for the role {role} does not have this field."),
            )
        })
        .collect();
    errors.extend(
        required
            .iter()
            .filter(|name| !profile.contains_key(**name))
            .map(|name| {
                FieldError::new(
                    format!("/profile/{name}"),
                    "required",
                    "This field is required.",
                )
            }),
    );
    errors.extend(days::refuse_future(profile, "dob").map(|error| FieldError {
        pointer: format!("/profile{}", error.pointer),
        ..error
    }));
    let needs_centre = role == "student" || role == "tutor";
    if needs_centre && body.get("centre_id").is_none_or(Value::is_null) {
        errors.push(FieldError::new(
            "/centre_id",
            "required",
            format!("A {role} must belong to a centre."),
        ));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}
