//! Tests the pages that the `type` members of problems refer to.

use http::Method;
use platform::http::problem::Kind;
use tests::run;

#[test]
fn every_type_of_problem_leads_to_its_page() {
    run(async |app| {
        for kind in Kind::ALL {
            let (status, name, _) = kind.parts();
            let path = format!("/problems/{name}");
            let page = app.call(None, Method::GET, &path, None).await?.expect(200);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            assert!(page.text.contains(&path), "{path}");
            assert!(page.text.contains(&status.to_string()), "{path}");
        }
        Ok(())
    });
}

#[test]
fn the_index_links_every_page_and_every_link_leads_somewhere() {
    run(async |app| {
        let index = app.call(None, Method::GET, "/problems", None).await?;
        let index = index.expect(200).text;
        for kind in Kind::ALL {
            let link = format!("href=\"/problems/{}\"", kind.parts().1);
            assert!(index.contains(&link), "{link}");
        }
        for link in index.split("href=\"").skip(1) {
            let path = link.split('"').next().unwrap_or_default();
            app.call(None, Method::GET, path, None).await?.expect(200);
        }
        Ok(())
    });
}

#[test]
fn a_type_that_does_not_exist_has_no_page() {
    run(async |app| {
        let page = app.call(None, Method::GET, "/problems/no-such-type", None);
        page.await?.expect(404);
        Ok(())
    });
}
