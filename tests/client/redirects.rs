//! Redirects, which the HTTP client follows.

use crate::harness::{event, get, heard, heard_all, request, serve, serve_each};
use crate::server::Reply;
use crate::transport::Transport;

const NOWHERE: &str = "over, the server redirects to nowhere, or too often";

pub(crate) async fn redirects_are_followed<T: Transport>() {
    for status in [301, 302, 303, 307, 308] {
        let other = serve::<T>(|_| Reply::text("data: a\n\n").silent());
        let url = other.url("/target");
        let server = serve::<T>(move |asked| match &asked.target[..] {
            "/absolute" => Reply::redirect(status, url.clone()),
            "/target" => Reply::text("data: a\n\n").silent(),
            _ => Reply::redirect(status, "/target"),
        });
        for (path, last) in [("/relative", &server), ("/absolute", &other)] {
            let mut source = T::source(get(server.url(path)));
            assert_eq!(heard(&mut source, 2).await, ["open 200", &event("a")], "{status}");
            let asked = last.exchanges().pop().unwrap();
            assert_eq!((&asked.method[..], &asked.target[..]), ("GET", "/target"));
            assert_eq!(asked.fields("accept"), [b"text/event-stream"]);
            assert_eq!(source.stats().attempts, 1);
        }
    }
}

pub(crate) async fn a_redirect_without_a_target_is_final<T: Transport>() {
    for status in [301, 307] {
        for reply in [Reply::status(status), Reply::redirect(status, "")] {
            let server = serve::<T>(move |_| reply.clone());
            let mut source = T::source(get(server.url("/")));
            assert_eq!(heard_all(&mut source).await, [NOWHERE], "{status}");
            // The empty one is the URL itself, as RFC 3986 has it.
            assert!(server.count() <= 22, "{status}, {}", server.count());
        }
    }
}

pub(crate) async fn a_redirect_to_itself_ends<T: Transport>() {
    let server = serve::<T>(|_| Reply::redirect(302, "/"));
    let mut source = T::source(get(server.url("/")));
    assert_eq!(heard_all(&mut source).await, [NOWHERE]);
    assert!(server.count() > 5 && server.count() <= 22, "{}", server.count());
}

pub(crate) async fn another_origin_gets_no_authorization<T: Transport>() {
    for status in [301, 302, 303, 307, 308] {
        let other = serve::<T>(|_| Reply::text("data: a\n\n").silent());
        let url = other.url("/target");
        let server = serve::<T>(move |asked| match &asked.target[..] {
            "/" => Reply::redirect(status, "/here"),
            _ => Reply::redirect(status, url.clone()),
        });
        let fields = &[("authorization", "Bearer of good news"), ("x-kept", "yes")];
        let mut source = T::source(request("GET", server.url("/"), fields, ""));
        assert_eq!(heard(&mut source, 2).await, ["open 200", &event("a")], "{status}");
        let asked: Vec<_> = server.exchanges().into_iter().chain(other.exchanges()).collect();
        let tokens: Vec<_> = asked.iter().map(|asked| asked.field("authorization").is_some()).collect();
        assert_eq!(tokens, [true, true, false], "{status}");
        assert!(asked.iter().all(|asked| asked.fields("x-kept") == [b"yes"]));
    }
}

pub(crate) async fn the_method_and_the_body_stay_or_go<T: Transport>() {
    for (status, method, body) in
        [(303, "GET", ""), (307, "POST", "body"), (308, "POST", "body"), (301, "GET", ""), (302, "GET", "")]
    {
        let server = serve_each::<T>([
            Reply::redirect(status, "/1"),
            Reply::redirect(status, "/2"),
            Reply::text("data: a\n\n").silent(),
        ]);
        let fields = &[("content-type", "text/x")];
        let mut source = T::source(request("POST", server.url("/"), fields, "body"));
        assert_eq!(heard(&mut source, 2).await, ["open 200", &event("a")], "{status}");
        for asked in &server.exchanges()[1..] {
            assert_eq!((&asked.method[..], &asked.body[..]), (method, body.as_bytes()), "{status}");
            assert_eq!(asked.field("content-type").is_some(), method == "POST", "{status}");
        }
        assert_eq!(server.count(), 3);
    }
}
