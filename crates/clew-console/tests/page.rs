//! The embedded page: whole, typed, cacheable, and under a policy that its own files obey.

#![allow(clippy::unwrap_used)]

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn get(path: &str, tag: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path);
    if let Some(tag) = tag {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    clew_console::router::<()>().with_state(()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(answer: Response<Body>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn every_file_that_the_page_names_is_served_with_its_type() {
    let page = text(get("/", None).await).await;
    let named: Vec<&str> = page
        .split(['"', '\''])
        .filter_map(|part| part.strip_prefix("./"))
        .filter(|name| name.contains('.'))
        .collect();
    assert!(named.contains(&"console.js") && named.contains(&"index.css"), "{named:?}");
    for name in named {
        let answer = get(&format!("/{name}"), None).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        assert_ne!(kind, "application/octet-stream", "{name}");
    }
}

#[tokio::test]
async fn the_policy_is_strict_and_the_page_needs_nothing_inline() {
    let answer = get("/", None).await;
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    let page = text(answer).await;
    assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("onload="), "{page}");
    for script in page.match_indices("<script").map(|(at, _)| &page[at..]) {
        assert!(script.split('>').next().unwrap().contains("src="), "an inline script: {script}");
    }
    let script = text(get("/console.js", None).await).await;
    assert!(!script.contains("eval(") && !script.contains("new Function("));
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let tag = get("/console.js", None).await.headers()[header::ETAG].to_str().unwrap().to_owned();
    let again = get("/console.js", Some(&tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(text(again).await.is_empty());
    assert_eq!(get("/console.js", Some("\"other\"")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_not_part_of_the_page_is_not_found() {
    assert_eq!(get("/../Cargo.toml", None).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get("/index.html.bak", None).await.status(), StatusCode::NOT_FOUND);
}
