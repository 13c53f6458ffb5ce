//! The response of an action on success: its status, its schema and its representations. Problems
//! are described in `http::problem`.

use crate::declare::field::Field;
use crate::declare::resource::Resource;
use crate::http::problem::Problem;
use crate::http::response::Response;

const JSON: &str = "application/json";

/// The response of an action on success.
#[derive(Debug, Clone, Copy)]
pub struct ResponseSpec {
    /// The HTTP status.
    pub status: u16,
    /// The schema of the body; none if the body is empty.
    pub schema: Option<ResponseSchema>,
    /// One sentence for the reference.
    pub description: &'static str,
    /// The further statuses that the action's own statement or checks return, besides those that
    /// follow from access, path and body. They are problems, and 304 if the response has a version
    /// that is not a resource's.
    pub problems: &'static [u16],
}

/// The schema of a response body.
#[derive(Debug, Clone, Copy)]
pub enum ResponseSchema {
    /// An object with these fields.
    Fields(&'static [Field]),
    /// One of this resource.
    Resource(&'static Resource),
    /// An object with these fields, or one of its other representations for clients that accept it.
    Representations(&'static [Field], &'static [Representation]),
    /// Text of this media type, which a custom handler renders.
    Document(&'static str),
}

/// Another representation of a JSON result.
#[derive(Debug, Clone, Copy)]
pub struct Representation {
    /// Its media type, such as `text/html`.
    pub media: &'static str,
    /// The headers of the representation, besides `Content-Type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Renders the representation from the JSON text.
    pub write: fn(&str) -> Result<String, Problem>,
}

impl ResponseSpec {
    /// Declares 200 with a body.
    pub const fn of(schema: ResponseSchema, description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 200,
            schema: Some(schema),
            description,
            problems: &[],
        }
    }

    /// Declares 200 with an object of these fields.
    pub const fn fields(fields: &'static [Field], description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Fields(fields), description)
    }

    /// Declares 200 with one of the resource.
    pub const fn resource(resource: &'static Resource, description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Resource(resource), description)
    }

    /// Declares 204 without a body.
    pub const fn none(description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 204,
            schema: None,
            description,
            problems: &[],
        }
    }

    /// Sets another status.
    pub const fn status(mut self, status: u16) -> ResponseSpec {
        self.status = status;
        self
    }

    /// Adds the action's own statuses besides success.
    pub const fn problems(mut self, problems: &'static [u16]) -> ResponseSpec {
        self.problems = problems;
        self
    }

    /// Returns the available media types, the preferred one first.
    pub fn media(&self) -> Vec<&'static str> {
        match self.schema {
            Some(ResponseSchema::Document(media)) => vec![media],
            Some(ResponseSchema::Representations(_, others)) => std::iter::once(JSON)
                .chain(others.iter().map(|other| other.media))
                .collect(),
            _ => vec![JSON],
        }
    }

    /// Renders the result of a statement in one of the media types.
    ///
    /// # Errors
    ///
    /// When the representation cannot be rendered.
    pub fn render(&self, media: &str, body: String) -> Result<Response, Problem> {
        let other = match self.schema {
            None => return Ok(Response::empty(self.status)),
            Some(ResponseSchema::Representations(_, others)) => {
                others.iter().find(|other| other.media == media)
            }
            Some(_) => None,
        };
        let Some(other) = other else {
            return Ok(Response::json(self.status, body));
        };
        let headers = other
            .headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        Ok(Response {
            status: self.status,
            headers: std::iter::once(("content-type", format!("{media}; charset=utf-8")))
                .chain(headers)
                .collect(),
            body: (other.write)(&body)?.into_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{PLAN, REPORT};

    #[test]
    fn a_response_has_the_representation_that_is_asked_for() {
        let spec = REPORT.response;
        assert_eq!(spec.media(), ["application/json", "text/plain"]);
        let json = spec
            .render("application/json", "{\"lamps\":2}".to_owned())
            .unwrap();
        assert_eq!(json, Response::json(200, "{\"lamps\":2}"));
        let text = spec
            .render("text/plain", "{\"lamps\":2}".to_owned())
            .unwrap();
        assert_eq!(
            text,
            Response {
                status: 200,
                headers: vec![
                    ("content-type", "text/plain; charset=utf-8".to_owned()),
                    ("content-language", "en".to_owned()),
                ],
                body: b"{\"LAMPS\":2}".to_vec(),
            }
        );
    }

    #[test]
    fn a_response_without_a_schema_has_no_body() {
        assert_eq!(PLAN.response.media(), ["application/json"]);
        let response = PLAN.response.render("application/json", "x".to_owned());
        assert_eq!(response, Ok(Response::empty(204)));
    }
}
