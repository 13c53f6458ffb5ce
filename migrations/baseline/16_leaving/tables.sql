-- The declaration of what becomes of everything that stands on somebody who leaves: one for users, students, tutors, staff and
-- centres. docs/leaving.md has the decisions in words.

create table lms_private.dependency_rules (
  parent text not null,
  child text not null,
  child_column text not null,
  rule text not null
    constraint dependency_rules_rule_check check (rule in ('refuse', 'end', 'delete', 'keep')),
  only_on_deletion boolean not null default false,
  condition text not null default 'true',
  label text,
  example text,
  end_statement text,
  restore_statement text,
  reason text not null,
  allowed_roles text[],
  primary key (child, child_column),
  constraint dependency_rules_label_check check ((rule = 'refuse') = (label is not null and example is not null)),
  constraint dependency_rules_end_statement_check check ((rule = 'end') = (end_statement is not null))
);

comment on table lms_private.dependency_rules is
  'The rule for each row that refers to somebody who leaves. A test holds it against the foreign keys; those that cascade belong to their row and need no entry.';
comment on column lms_private.dependency_rules.rule is
  'refuse: LM409 as long as there are such rows. end: ending is executed, and return when they come back. delete: deleted and restored together. keep: it tells of what was.';
comment on column lms_private.dependency_rules.only_on_deletion is 'True when deactivating leaves it alone.';
comment on column lms_private.dependency_rules.condition is 'Which rows count, by the alias c; of rule delete: which come back.';
comment on column lms_private.dependency_rules.label is 'The name of the rows in the refusal.';
comment on column lms_private.dependency_rules.example is
  'An expression that names one of them by its id, by the alias c. A refusal is in the server''s log, so no person is named in it.';
comment on column lms_private.dependency_rules.end_statement is
  'A statement on the tenant $1 and the parent''s id $2 that returns the ids of the rows that it has changed.';
comment on column lms_private.dependency_rules.restore_statement is 'A statement on tenant $1, parent $2 and those ids $3. Null: what was ended stays so.';
comment on column lms_private.dependency_rules.allowed_roles is
  'Of rows of an account: which roles the account may have. As long as there is one, a change to another role is LM409; none is made or restored for an account of another. Null: any.';

grant select on lms_private.dependency_rules to lms_definer;
