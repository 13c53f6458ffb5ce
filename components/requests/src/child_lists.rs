//! Lists of the children of one row, such as the comments on a request: all of them, oldest first,
//! page by page. Lists of whole resources are in `platform::declare::statements::listing`.

use platform::declare::field::{Field, Kind};
use platform::declare::page;
use platform::sql::statement::Sql;

/// The parameters of a child list.
pub(crate) const QUERY: &[Field] = &[page::cursor(Kind::Id), page::LIMIT];

/// The cursor of the next page.
pub(crate) const NEXT_CURSOR: Field = page::next_cursor(Kind::Id);

/// The tables and columns of a child list.
pub(crate) struct ChildList {
    /// The table of the parent.
    pub(crate) parent_table: &'static str,
    /// The table of the children.
    pub(crate) child_table: &'static str,
    /// The column of a child that references the parent.
    pub(crate) parent_column: &'static str,
    /// The members of the child `p` in its JSON object.
    pub(crate) members: &'static str,
}

/// Returns the statement of a page. It returns no row when the parent does not exist.
pub(crate) fn page(list: &ChildList) -> Sql {
    let mut sql = Sql::from(
        "select
  json_build_object(
    'data', coalesce(json_agg(page.item order by page.id) filter (where page.position <= page.page_size), '[]'),
    'next_cursor', max(page.id::text) filter (where page.position = page.page_size and page.has_more)
  )::text as body,
  null::text as tag
from lms.",
    );
    sql.push(list.parent_table)
        .push(
            " as w
left join lateral (
  select
    p.id,
    coalesce(($1->>'limit')::integer, 50) as page_size,
    row_number() over (order by p.id) as position,
    lead(p.id) over (order by p.id) is not null as has_more,
    json_build_object(
      ",
        )
        .push(list.members)
        .push(
            "
    ) as item
  from lms.",
        )
        .push(list.child_table)
        .push(" as p\n  where p.")
        .push(list.parent_column)
        .push(
            " = w.id
    and p.id > coalesce($1->>'cursor', '00000000-0000-0000-0000-000000000000')::uuid
    and p.deleted_at is null
  order by p.id
  limit coalesce(($1->>'limit')::integer, 50) + 1
) as page
  on true
where w.id = ($1->>'id')::uuid
  and w.deleted_at is null
group by w.id",
        );
    sql
}
