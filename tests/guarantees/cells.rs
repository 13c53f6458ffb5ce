//! Tests that a component serves and reaches only the database of its cell.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpListener;

use anyhow::{Result, bail, ensure};
use http::Method;
use tests::{fault_injection::assert_unavailable, role, run};

#[test]
fn a_database_of_another_cell_of_the_same_region_is_not_served() {
    run(async |app| {
        let admin = app.sign_in(role::ADMIN).await?;
        app.with_second_application(
            |variables| {
                variables.insert("cell".to_owned(), "eu-regulated".to_owned());
            },
            async |other| {
                assert_unavailable(&other.call(None, Method::GET, "/readyz", None).await?);
                assert_unavailable(&other.get(&admin, "/v1/users").await?);
                Ok(())
            },
        )
        .await?;
        app.get(&admin, "/v1/users").await?.expect(200);
        Ok(())
    });
}

/// Returns the ways to write the address of another cell's database.
fn spellings(port: u16, own_host: &str) -> Vec<String> {
    let rest = "user=lms_application password=secret dbname=lms sslmode=disable";
    let url = |host: &str| format!("postgres://lms_application:secret@{host}:{port}/lms");
    vec![
        url("127.0.0.1"),
        url("localhost"),
        url("127.1"),
        url("2130706433"),
        url("[::ffff:127.0.0.1]"),
        format!("{}?hostaddr=127.0.0.1", url(own_host)),
        format!("{}?host%61ddr=127.0.0.1", url(own_host)),
        format!("{}?host=127.0.0.1", url(own_host)),
        format!("host={own_host} hostaddr=127.0.0.1 port={port} {rest}"),
        format!("host={own_host},127.0.0.1 port={port},{port} {rest}"),
    ]
}

/// Returns whether a client has connected.
fn has_caller(listener: &TcpListener) -> Result<bool> {
    match listener.accept() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[test]
fn a_component_reaches_only_its_cells_database_however_the_address_is_written() {
    run(async |app| {
        // The listener stands for another cell's database, and would accept every connection.
        let other_cell_listener = TcpListener::bind("127.0.0.1:0")?;
        other_cell_listener.set_nonblocking(true)?;
        let port = other_cell_listener.local_addr()?.port();
        let own_host = app.variables["database_host"].clone();
        for address in spellings(port, &own_host) {
            let change = |variables: &mut BTreeMap<String, String>| {
                variables.insert("database_url".to_owned(), address.clone());
            };
            app.with_second_application(change, async |misled| {
                assert_unavailable(&misled.call(None, Method::GET, "/readyz", None).await?);
                Ok(())
            })
            .await?;
            ensure!(!has_caller(&other_cell_listener)?, "{address} was reached");
        }
        // The component connects to the listener once the variables allow its port.
        let allowed = |variables: &mut BTreeMap<String, String>| {
            variables.insert("database_port".to_owned(), port.to_string());
            let address = format!("postgres://lms_application:secret@{own_host}:{port}/lms");
            variables.insert("database_url".to_owned(), address);
        };
        app.with_second_application(allowed, async |misled| {
            let request = misled.call(None, Method::GET, "/readyz", None);
            let arrived = async {
                while !has_caller(&other_cell_listener)? {
                    tokio::task::yield_now().await;
                }
                Ok(())
            };
            tokio::select! {
                arrived = arrived => arrived,
                reply = request => bail!("answered {} without connecting", reply?.status),
            }
        })
        .await
    });
}
