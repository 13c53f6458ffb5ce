//! Tests of the component `finance`: finance records, balances, payroll and statements of account.

mod balances;
mod centre_financials;
mod finance_record_numbers;
mod finance_record_scope;
mod finance_record_validation;
mod finance_records;
mod ledger_integrity;
mod payroll;
mod payroll_calculation;
mod payroll_late_lessons;
mod payroll_posting;
mod query_plans;
mod statement_of_account;
mod statement_page;
mod statement_totals;
mod tutor_rates;
