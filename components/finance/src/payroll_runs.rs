//! Payroll runs: what the tutors of a centre have earned in a month, first as a draft, then booked, once.

use domain::role;
use platform::auth::policy::{Grant, Policy, Verb};
use platform::auth::verbs;
use platform::declare::action::Action;
use platform::declare::field::{Field, Kind};
use platform::declare::resource::Resource;
use platform::declare::response_spec::ResponseSpec;

use crate::finance_records::METHODS;
use crate::tutor_rates::UNIT;

const CENTRE: Field = Field::new("centre_id", Kind::Reference("centres"), "The centre.");
const MONTH: Field = Field::new(
    "month",
    Kind::Date,
    "The month's first day, on the calendar of the centre.",
);
const STATUS: Field = Field::new(
    "status",
    Kind::OneOf(&["draft", "posted"]),
    "A draft is computed anew whenever it is made again; what is posted stays as it is.",
);
const POSTED_AT: Field = Field::new("posted_at", Kind::Time, "When it was posted.").nullable();

/// A run, without its items.
pub(crate) const PAYROLL_RUNS: Resource = Resource {
    name: "payroll-runs",
    table: "payroll_runs",
    singular: "payroll run",
    description: "What the tutors of a centre have earned in a month: one run for each centre and month.",
    fields: &[
        CENTRE.read_only().filterable(),
        MONTH.read_only().sortable(),
        STATUS.read_only().filterable(),
        POSTED_AT.read_only(),
    ],
    owner: None,
    validate: None,
    // What makes, shows and posts a run is written by hand: its items go with it.
    verbs: &[Verb::List, Verb::Export],
    requires_match: false,
    requires_key: true,
};

/// Books a draft.
const POST: Verb = Verb::Action("post");

const MANAGE: &[Verb] = &[Verb::Create, POST];

/// Who may do what to runs.
pub(crate) const POLICY: Policy = Policy {
    resource: "payroll-runs",
    grants: &[
        Grant::new(role::SUPERVISOR, verbs::READ_EXPORT),
        Grant::new(role::FINANCE, verbs::READ_EXPORT).and(MANAGE),
        Grant::new(role::ADMIN, verbs::READ_EXPORT).and(MANAGE),
    ],
};

const COUNT: Kind = Kind::Integer {
    min: 0,
    max: i32::MAX as i64,
};

/// A rate that an item was computed with.
const RATE: &[Field] = &[
    UNIT.required(),
    Field::new("amount", Kind::SignedMoney, "How much.").required(),
    Field::new("effective_from", Kind::Date, "Since when it held.").required(),
    Field::new("lessons", COUNT, "Lessons at this rate.").required(),
    Field::new("minutes", COUNT, "Their whole minutes, added up.").required(),
];

/// The lessons of an earlier month that a run pays.
const LATE: &[Field] = &[
    Field::new(
        "month",
        Kind::Date,
        "The first day of the month that they belong to.",
    )
    .required(),
    Field::new("lessons", COUNT, "Lessons of it.").required(),
    Field::new("minutes", COUNT, "Their whole minutes, added up.").required(),
    Field::new("first_on", Kind::Date, "The day of the first of them.").required(),
    Field::new("last_on", Kind::Date, "The day of the last of them.").required(),
];

/// What a tutor earned.
const ITEM: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    Field::new("tutor_id", Kind::Id, "The tutor.").required(),
    Field::new(
        "tutor_name",
        Kind::Text { min: 1, max: 200 },
        "The tutor's name; null where the caller doesn't see the tutor.",
    )
    .nullable()
    .required(),
    Field::new("lessons", COUNT, "Completed lessons.").required(),
    Field::new("minutes", COUNT, "Their whole minutes, added up.").required(),
    Field::new(
        "first_on",
        Kind::Date,
        "The day of the first of them, on the calendar of the centre.",
    )
    .required(),
    Field::new("last_on", Kind::Date, "The day of the last of them.").required(),
    Field::new(
        "rates",
        Kind::Rows(RATE),
        "The rates as they were, each with its lessons.",
    )
    .required(),
    Field::new(
        "late_lessons",
        Kind::Rows(LATE),
        "Those of the lessons that were reported after the payroll of their month was posted, by month; each at the rate of its day.",
    )
    .required(),
    Field::new(
        "currency",
        Kind::Currency,
        "The rates'; null where there is none.",
    )
    .nullable()
    .required(),
    Field::new(
        "amount",
        Kind::SignedMoney,
        "The exact sum, rounded once, half up, to the digits of the currency; null without a rate.",
    )
    .nullable()
    .required(),
    Field::new(
        "problem",
        Kind::OneOf(&["no_rate"]),
        "Why there is no amount: no rate holds on the days of these lessons.",
    )
    .nullable()
    .required(),
    Field::new(
        "finance_record_id",
        Kind::Id,
        "The salary that was booked for it; null in a draft, and where nothing is due.",
    )
    .nullable()
    .required(),
];

const TOTAL: &[Field] = &[
    Field::new("currency", Kind::Currency, "The currency.").required(),
    Field::new("amount", Kind::SignedMoney, "The items of it, added up.").required(),
];

/// A run with its items.
const RUN: &[Field] = &[
    Field::new("id", Kind::Id, "The id.").required(),
    CENTRE.required(),
    MONTH.required(),
    STATUS.required(),
    POSTED_AT.required(),
    Field::new("items", Kind::Rows(ITEM), "What each tutor has earned, by name: one item for each currency, and one for lessons without a rate.").required(),
    Field::new("totals", Kind::Rows(TOTAL), "By currency.").required(),
    Field::new("created_at", Kind::Time, "When it was made.").required(),
    Field::new("updated_at", Kind::Time, "When it, or what it comes to, was last changed.").required(),
    Field::new("created_by", Kind::Id, "The user who made it.").nullable().required(),
    Field::new("updated_by", Kind::Id, "The user who last changed it.").nullable().required(),
];

/// Makes a draft, or makes it anew.
pub(crate) const CREATE: Action = Action::post("/v1/payroll-runs")
    .id("payroll-runs.create")
    .summary("Compute the payroll of a centre and month")
    .granted("payroll-runs", Verb::Create)
    .body(&[CENTRE.required(), MONTH.required()])
    .responds(ResponseSpec::fields(
        RUN,
        "The run of that centre and month: a draft as of now, from the completed \
            lessons and the rates of their days. Lessons of earlier months that were \
            reported after payroll had passed these are in it too, and named. \
            Nothing is booked. A run that is posted is answered as it is.",
    ))
    .sql(CREATE_SQL);

/// Shows a run.
pub(crate) const SHOW: Action = Action::get("/v1/payroll-runs/{id}")
    .id("payroll-runs.get")
    .summary("Show a payroll run")
    .granted("payroll-runs", Verb::Get)
    .responds(ResponseSpec::fields(RUN, "The run with its items.").problems(&[304]))
    .sql(SHOW_SQL);

/// Books what a draft comes to.
pub(crate) const BOOK: Action = Action::post("/v1/payroll-runs/{id}/post")
    .id("payroll-runs.post")
    .summary("Book a payroll run")
    .granted("payroll-runs", POST)
    .body(&[
        Field::new("method", METHODS, "How the salaries are paid.").required(),
        Field::new(
            "effective_on",
            Kind::Date,
            "The day on which they count; the month's last one when it is left out.",
        ),
    ])
    .responds(ResponseSpec::fields(
        RUN,
        "The run, posted, with the finance record of each item. One that was \
            posted before is answered as it is. 409 while the month lasts, when \
            lessons or rates have changed since the draft was made, and when lessons \
            have no rate.",
    ))
    .sql(BOOK_SQL);

const CREATE_SQL: &str = "select
  p.body,
  p.tag
from lms.draft_payroll(
  ($1->'input'->>'centre_id')::uuid,
  ($1->'input'->>'month')::date
) as p";

const SHOW_SQL: &str = "select
  p.body,
  p.tag
from lms.payroll_run(($1->>'id')::uuid) as p";

const BOOK_SQL: &str = "select
  p.body,
  p.tag
from lms.post_payroll(
  ($1->>'id')::uuid,
  $1->'input'->>'method',
  ($1->'input'->>'effective_on')::date
) as p";
