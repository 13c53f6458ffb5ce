-- The rules for rows that refer to a person who leaves or a centre that closes: users, students,
-- tutors, staff and centres. docs/reference/leaving.md explains the decisions.

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
  'The rule for each reference to a person who leaves or a centre that closes. A test compares the rules with the foreign keys; keys that cascade need no rule.';
comment on column lms_private.dependency_rules.rule is
  'refuse: LM409 while such rows exist. end: end_statement is executed on leaving, and restore_statement on return. delete: deleted and restored together. keep: unchanged.';
comment on column lms_private.dependency_rules.only_on_deletion is
  'True when the rule applies to deletion only, not to deactivation.';
comment on column lms_private.dependency_rules.condition is
  'The rows to which the rule applies, with the alias c; for the rule delete, the rows that are restored.';
comment on column lms_private.dependency_rules.label is 'The name of the rows in the error.';
comment on column lms_private.dependency_rules.example is
  'An expression with the alias c that names one of the rows by id. Errors are logged, so it must not name a person.';
comment on column lms_private.dependency_rules.end_statement is
  'A statement with the tenant $1 and the parent''s id $2 that returns the ids of the rows that it has changed.';
comment on column lms_private.dependency_rules.restore_statement is
  'A statement with the tenant $1, the parent''s id $2 and those ids $3; null when nothing is restored.';
comment on column lms_private.dependency_rules.allowed_roles is
  'For rows of an account: the roles that the account may have. LM409 for a change to another role while such a row exists, and none can be created or restored for an account of another role. Null for any role.';

grant select on lms_private.dependency_rules to lms_definer;
