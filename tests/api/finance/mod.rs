//! The component `finance`: finance records, balances, payroll, statements of account.

mod centre_financials;
mod finance_balance;
mod finance_book;
mod finance_input;
mod finance_numbers;
mod finance_plans;
mod finance_records;
mod finance_scope;
mod payroll;
mod payroll_late;
mod payroll_posting;
mod payroll_sums;
mod statement_of_account;
mod statement_page;
mod statement_sums;
mod tutor_rates;
