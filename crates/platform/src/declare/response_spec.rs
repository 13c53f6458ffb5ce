//! The response of an action when it succeeds: its status, its schema, and its representations.
//!
//! Problems are described in `http::problem`.

use crate::declare::field::Field;
use crate::declare::resource::Resource;
use crate::http::problem::Problem;
use crate::http::response::Response;

const JSON: &str = "application/json";

/// The response of an action that succeeds.
#[derive(Debug, Clone, Copy)]
pub struct ResponseSpec {
    /// The HTTP status.
    pub status: u16,
    /// The body; none when it is empty.
    pub schema: Option<ResponseSchema>,
    /// A sentence for the reference.
    pub description: &'static str,
    /// The statuses that its own statement or checks answer, besides those that follow from access, path and body: problems,
    /// and 304 where the response has a version that is no resource's.
    pub problems: &'static [u16],
}

/// The body of a response.
#[derive(Debug, Clone, Copy)]
pub enum ResponseSchema {
    /// An object with these fields.
    Fields(&'static [Field]),
    /// One of this resource.
    Resource(&'static Resource),
    /// An object with these fields, or one of its other representations for who asks for that.
    Representations(&'static [Field], &'static [Representation]),
    /// Text of this media type, written by a custom handler.
    Document(&'static str),
}

/// Another representation of a result that is JSON.
#[derive(Debug, Clone, Copy)]
pub struct Representation {
    /// Its media type, such as `text/html`.
    pub media: &'static str,
    /// The headers that go with it, besides `Content-Type`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Writes it from the JSON text.
    pub write: fn(&str) -> Result<String, Problem>,
}

impl ResponseSpec {
    /// 200 with a body.
    pub const fn of(schema: ResponseSchema, description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 200,
            schema: Some(schema),
            description,
            problems: &[],
        }
    }

    /// 200 with an object of these fields.
    pub const fn fields(fields: &'static [Field], description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Fields(fields), description)
    }

    /// 200 with one of the resource.
    pub const fn resource(resource: &'static Resource, description: &'static str) -> ResponseSpec {
        ResponseSpec::of(ResponseSchema::Resource(resource), description)
    }

    /// 204 without a body.
    pub const fn none(description: &'static str) -> ResponseSpec {
        ResponseSpec {
            status: 204,
            schema: None,
            description,
            problems: &[],
        }
    }

    /// The same with another status.
    pub const fn status(mut self, status: u16) -> ResponseSpec {
        self.status = status;
        self
    }

    /// The same with the statuses of its own besides success.
    pub const fn problems(mut self, problems: &'static [u16]) -> ResponseSpec {
        self.problems = problems;
        self
    }

    /// The media types that there are, our own favourite first.
    pub fn media(&self) -> Vec<&'static str> {
        match self.schema {
            Some(ResponseSchema::Document(media)) => vec![media],
            Some(ResponseSchema::Representations(_, others)) => std::iter::once(JSON)
                .chain(others.iter().map(|other| other.media))
                .collect(),
            _ => vec![JSON],
        }
    }

    /// The result of a statement as a response, in one of the media types.
    ///
    /// # Errors
    ///
    /// When another representation can't be written from it.
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
