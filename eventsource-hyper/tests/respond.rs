//! The decisions of a response, without a socket.

use core::future::ready;
use core::time::Duration;
use eventsource_core::{EventStream, LastEventId};
use eventsource_hyper::{Aborted, EventBody, EventService, Refusal, Responder, respond};
use futures_util::{FutureExt, stream};
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;

type Hello = stream::Iter<std::vec::IntoIter<&'static str>>;

fn hello() -> EventStream<Hello> {
    EventStream::without_timer(stream::iter(vec!["hello"]))
}

type Headers<'a> = &'a [(&'a str, &'a [u8])];

fn request(method: Method, uri: &str, headers: Headers<'_>) -> Request<String> {
    let mut request = Request::builder().method(method).uri(uri).body(String::new()).unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

fn text<B: Body<Error: std::fmt::Debug>>(response: Response<B>) -> String {
    let collected = response.into_body().collect().now_or_never().unwrap().unwrap();
    String::from_utf8(collected.to_bytes().to_vec()).unwrap()
}

/// The last event ID that the stream is told, if it's started at all.
fn last_event_id(responder: &Responder, uri: &str, headers: Headers<'_>) -> Option<LastEventId> {
    let mut told = None;
    let _ = responder.respond(&request(Method::GET, uri, headers), |id| {
        told = Some(id);
        hello()
    });
    told
}

#[test]
fn get_is_answered_with_the_stream_and_its_headers() {
    let response = respond(&request(Method::GET, "/", &[]), |id| {
        assert_eq!(id, LastEventId::None);
        hello()
    });
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    assert_eq!(text(response), "data: hello\n\n");
}

#[test]
fn peer_fault_15_head_starts_no_stream() {
    let response = respond(&request(Method::HEAD, "/", &[]), |_| -> EventStream<Hello> { panic!("started") });
    assert_eq!(
        (response.status(), response.headers()["content-type"].as_bytes()),
        (StatusCode::OK, &b"text/event-stream"[..])
    );
    assert_eq!(response.body().size_hint().exact(), None);
    assert_eq!(text(response), "");
}

#[test]
fn peer_fault_16_other_methods_are_405_and_other_types_406() {
    let never = |_: LastEventId| -> EventStream<Hello> { panic!("started") };
    for method in [Method::PUT, Method::POST, Method::OPTIONS, Method::DELETE] {
        let response = respond(&request(method, "/", &[]), never);
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
    }
    let response = respond(&request(Method::GET, "/", &[("accept", b"application/json")]), never);
    assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE);
    assert!(text(response).contains("text/event-stream"));
    // Two header lines are one list.
    let accepts: [(&str, &[u8]); 2] = [("accept", b"text/html"), ("accept", b"*/*")];
    assert_eq!(respond(&request(Method::GET, "/", &accepts), |_| hello()).status(), StatusCode::OK);
}

#[test]
fn methods_and_headers_are_configurable() {
    let responder = Responder::new()
        .methods([Method::POST])
        .without_header(&CACHE_CONTROL)
        .header(HeaderName::from_static("x-own"), HeaderValue::from_static("1"));
    let response = responder.respond(&request(Method::POST, "/", &[]), |_| hello());
    assert!(!response.headers().contains_key("cache-control") && response.headers()["x-own"] == "1");
    let response = responder.respond(&request(Method::GET, "/", &[]), |_| hello());
    assert_eq!(response.headers()["allow"], "POST");
}

#[test]
fn the_last_event_id_comes_from_the_header_or_if_wished_from_the_query() {
    let plain = Responder::new();
    let asking = Responder::new().last_event_id_parameter("lastEventId");
    let id = |text: &str| Some(LastEventId::parse(text.as_bytes()));
    assert_eq!(last_event_id(&plain, "/?lastEventId=3", &[]), Some(LastEventId::None));
    assert_eq!(last_event_id(&asking, "/?lastEventId=3", &[]), id("3"));
    assert_eq!(last_event_id(&asking, "/?x&a=1&lastEventId=4&lastEventId=a+b%20%C3%A9", &[]), id("a b é"));
    assert_eq!(last_event_id(&asking, "/?last%45ventId=5", &[]), id("5"));
    assert_eq!(last_event_id(&asking, "/?lastEventId", &[]), Some(LastEventId::None));
    assert_eq!(last_event_id(&asking, "/?lastEventId=3", &[("last-event-id", b"7")]), id("7"));
    assert_eq!(last_event_id(&plain, "/", &[("last-event-id", "é".as_bytes())]), id("é"));
    assert_eq!(last_event_id(&plain, "/", &[("last-event-id", b"")]), Some(LastEventId::None));
}

#[test]
fn unusable_ids_are_told_or_refused() {
    let long = vec![b'x'; 10_000];
    let refusing = Responder::new().last_event_id_parameter("id").refuse_unusable_id(true);
    let telling = Responder::new().last_event_id_parameter("id");
    let cases: [(&str, Headers<'_>); 6] = [
        ("/", &[("last-event-id", &long)]),
        ("/", &[("last-event-id", b"\xff\xfe")]),
        ("/?id=%00", &[]),
        ("/?id=%0a", &[]),
        ("/?id=%ff", &[]),
        ("/?id=%", &[("last-event-id", b"\xc3")]),
    ];
    for (uri, headers) in cases {
        assert_eq!(last_event_id(&telling, uri, headers), Some(LastEventId::Unusable));
        assert_eq!(last_event_id(&refusing, uri, headers), None);
        let response = refusing.respond(&request(Method::GET, uri, headers), |_| hello());
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}

#[test]
fn a_refusal_says_when_to_come_back_or_that_there_is_nothing_more() {
    let refuse = |refusal| {
        respond(&request(Method::GET, "/", &[]), |_| -> Result<EventStream<Hello>, _> { Err(refusal) })
    };
    for (retry_after, seconds) in [
        (Duration::ZERO, "0"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_secs(30), "30"),
        (Duration::from_millis(30_001), "31"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        let response = refuse(Refusal::unavailable(retry_after));
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], seconds);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text(response), "there is no stream at the moment\n");
    }
    let response = refuse(Refusal::no_content());
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        (response.headers().len(), &response.headers()["cache-control"]),
        (1, &"no-store".parse().unwrap())
    );
    assert!(response.body().is_end_stream());
    assert_eq!(text(response), "");
}

#[test]
fn what_may_refuse_is_asked_only_for_a_stream_and_may_answer_with_one() {
    let answer = |method, headers: Headers<'_>| {
        respond(&request(method, "/", headers), |id| match id {
            LastEventId::None => Ok(hello()),
            _ => Err(Refusal::no_content()),
        })
    };
    let seen: Headers<'_> = &[("last-event-id", b"7")];
    assert_eq!(text(answer(Method::GET, &[])), "data: hello\n\n");
    assert_eq!(answer(Method::GET, seen).status(), StatusCode::NO_CONTENT);
    assert_eq!(answer(Method::HEAD, seen).status(), StatusCode::OK);
    assert_eq!(answer(Method::PUT, seen).status(), StatusCode::METHOD_NOT_ALLOWED);
    let unwanted: Headers<'_> = &[("last-event-id", b"7"), ("accept", b"text/html")];
    assert_eq!(answer(Method::GET, unwanted).status(), StatusCode::NOT_ACCEPTABLE);
}

#[test]
fn a_service_may_refuse_by_the_head_of_the_request() {
    use hyper::service::Service;
    let service = EventService::new(|head: http::request::Parts, _| {
        ready(match head.uri.path() {
            "/open" => Ok(hello()),
            _ => Err(Refusal::unavailable(Duration::from_secs(1))),
        })
    });
    for (uri, status) in [("/open", StatusCode::OK), ("/closed", StatusCode::SERVICE_UNAVAILABLE)] {
        let response = service.call(request(Method::GET, uri, &[])).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), status, "{uri}");
    }
}

#[test]
fn no_header_of_a_caller_s_says_how_long_a_body_is() {
    let names = ["content-length", "transfer-encoding"].map(HeaderName::from_static);
    for name in names {
        let value = HeaderValue::from_static("3");
        let refusal =
            Refusal::new(StatusCode::BAD_GATEWAY).body("ten bytes\n").header(name.clone(), value.clone());
        let response = refusal.into_response::<Hello, eventsource_core::stream::NoTimer>();
        assert!(!response.headers().contains_key(&name));
        let responder = Responder::new().header(name.clone(), value);
        let response = responder.respond(&request(Method::GET, "/", &[]), |_| hello());
        assert!(!response.headers().contains_key(&name));
    }
}

#[test]
fn negotiation_can_be_switched_off() {
    let json = request(Method::GET, "/", &[("accept", b"application/json")]);
    assert_eq!(respond(&json, |_| hello()).status(), StatusCode::NOT_ACCEPTABLE);
    let responder = Responder::new().negotiate(false);
    assert_eq!(responder.respond(&json, |_| hello()).status(), StatusCode::OK);
}

#[test]
fn an_error_ends_the_body_well_unless_it_is_to_abort() {
    let failing = || EventStream::without_timer(stream::iter([Ok("sent"), Err("broke")]));
    let body = EventBody::new(failing()).into_boxed();
    assert_eq!(body.collect().now_or_never().unwrap().unwrap().to_bytes(), "data: sent\n\n");

    let mut body = EventBody::from(failing()).abort_on_error(true);
    let mut next = || body.frame().now_or_never().unwrap();
    assert_eq!(next().unwrap().unwrap().into_data().unwrap(), "data: sent\n\n");
    let aborted: Aborted = next().unwrap().unwrap_err();
    assert_eq!(aborted.to_string(), "event stream aborted: the source failed: broke");
    assert!(next().is_none());
}

mod cors {
    use super::request;
    use eventsource_hyper::Cors;
    use http::header::{HeaderMap, HeaderValue};
    use http::{Method, Request, StatusCode};

    const OURS: HeaderValue = HeaderValue::from_static("https://ours.example");

    fn from(origin: &'static str) -> Request<String> {
        request(Method::GET, "/", &[("origin", origin.as_bytes())])
    }

    fn allowed(cors: &Cors, request: &Request<String>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        cors.allow(request.headers(), &mut headers);
        headers
    }

    #[test]
    fn only_the_origins_of_the_list_are_echoed() {
        let cors = Cors::origins([OURS]).credentials(true);
        let headers = allowed(&cors, &from("https://ours.example"));
        assert_eq!(headers["access-control-allow-origin"], OURS);
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "origin");
        for foreign in
            ["https://ours.example.evil", "https://OURS.example", "http://ours.example", "null", ""]
        {
            let headers = allowed(&cors, &from(foreign));
            assert_eq!(headers.keys_len(), 1, "{foreign}: {headers:?}");
            assert_eq!(headers["vary"], "origin", "{foreign}");
        }
    }

    #[test]
    fn pages_send_and_read_the_headers_that_are_named() {
        let session = http::HeaderName::from_static("x-session");
        let cors = Cors::any().request_headers([session.clone()]).expose_headers([session]);
        let read = allowed(&cors, &from("https://ours.example"));
        assert_eq!(read["access-control-expose-headers"], "x-session");
        let mut preflight = from("https://ours.example");
        *preflight.method_mut() = Method::OPTIONS;
        preflight.headers_mut().insert("access-control-request-method", HeaderValue::from_static("GET"));
        let preflight = cors.preflight(&preflight).unwrap();
        assert_eq!(preflight.headers()["access-control-allow-headers"], "x-session");
    }

    #[test]
    fn any_origin_gets_no_credentials() {
        let headers = allowed(&Cors::any().credentials(true), &from("https://ours.example"));
        assert_eq!(
            (headers.len(), &headers["access-control-allow-origin"]),
            (1, &HeaderValue::from_static("*"))
        );
        // Also where there's no origin: a cache may keep that answer for a page that has one.
        let headers = allowed(&Cors::any(), &request(Method::GET, "/", &[]));
        assert_eq!(headers["access-control-allow-origin"], "*");
    }

    #[test]
    fn what_does_not_depend_on_the_page_says_nothing_of_it() {
        let nobody = request(Method::GET, "/", &[]);
        let cors = Cors::origins([OURS]).credentials(true);
        assert!(!cors.allows(nobody.headers()) && !Cors::any().allows(nobody.headers()));
        let headers = allowed(&cors, &nobody);
        assert_eq!((headers.len(), &headers["vary"]), (1, &HeaderValue::from_static("origin")));
    }

    #[test]
    fn a_response_varies_by_origin_once() {
        let cors = Cors::origins([OURS]);
        for (before, after) in [
            (&[][..], &["origin"][..]),
            (&["origin"], &["origin"]),
            (&["Accept-Encoding ,\tOrigin"], &["Accept-Encoding ,\tOrigin"]),
            (&["accept", "ORIGIN,"], &["accept", "ORIGIN,"]),
            (&["*"], &["*"]),
            (&["accept-encoding"], &["accept-encoding", "origin"]),
            (&["x-origin, origins"], &["x-origin, origins", "origin"]),
        ] {
            let mut headers = HeaderMap::new();
            for line in before {
                headers.append("vary", HeaderValue::from_static(line));
            }
            // Another's answer is replaced.
            headers.append("access-control-allow-origin", HeaderValue::from_static("*"));
            for _ in 0..2 {
                cors.allow(from("https://ours.example").headers(), &mut headers);
                assert_eq!(headers.get_all("vary").iter().collect::<Vec<_>>(), after, "{before:?}");
                assert_eq!(headers.get_all("access-control-allow-origin").iter().collect::<Vec<_>>(), [OURS]);
            }
        }
    }

    fn preflight(origin: &'static str) -> Request<String> {
        let headers: [(&str, &[u8]); 2] =
            [("origin", origin.as_bytes()), ("access-control-request-method", b"GET")];
        request(Method::OPTIONS, "/", &headers)
    }

    /// A list's members, over all its lines.
    fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap());
        lines.flat_map(|line| line.split(',').map(|member| member.trim().to_owned())).collect()
    }

    #[test]
    fn a_responder_lets_pages_read_its_responses_and_its_refusals() {
        use eventsource_core::EventStream;
        use eventsource_hyper::Responder;
        let responder = Responder::new().cors(Cors::origins([OURS]));
        let ask = |request: &Request<String>| {
            responder
                .respond(request, |_| EventStream::without_timer(futures_util::stream::pending::<&str>()))
        };
        for (request, status) in [
            (from("https://ours.example"), StatusCode::OK),
            (preflight("https://ours.example"), StatusCode::NO_CONTENT),
            (
                request(Method::GET, "/", &[("origin", b"https://ours.example"), ("accept", b"text/html")]),
                StatusCode::NOT_ACCEPTABLE,
            ),
            (
                request(Method::PUT, "/", &[("origin", b"https://ours.example")]),
                StatusCode::METHOD_NOT_ALLOWED,
            ),
        ] {
            let response = ask(&request);
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["access-control-allow-origin"], OURS, "{status}");
            assert_eq!(response.headers()["vary"], "origin", "{status}");
        }
        let foreign = ask(&from("https://evil.example"));
        assert!(!foreign.headers().contains_key("access-control-allow-origin"));
        let puts = Responder::new().methods([Method::PUT]).cors(Cors::any());
        let answer = puts.respond(
            &preflight("https://ours.example"),
            |_| -> EventStream<futures_util::stream::Empty<&str>> {
                panic!("a preflight request starts nothing")
            },
        );
        assert_eq!(answer.headers()["access-control-allow-methods"], "PUT");
        // No preflight, so just another method.
        let options = ask(&request(Method::OPTIONS, "/", &[]));
        assert_eq!(options.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn a_preflight_may_ask_for_the_last_event_id() {
        for (cors, origin, credentials, vary) in [
            (Cors::origins([OURS]), "https://ours.example", None, Some("origin")),
            (Cors::origins([OURS]).credentials(true), "https://ours.example", Some("true"), Some("origin")),
            (Cors::any().credentials(true), "*", None, None),
        ] {
            let asked = preflight("https://ours.example");
            let response = cors.preflight(&asked).unwrap();
            let mut headers = response.headers().clone();
            // As whoever adds it to every response does.
            cors.allow(asked.headers(), &mut headers);
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            assert_eq!(headers["access-control-allow-origin"], origin);
            let value = |name| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!((value("access-control-allow-credentials"), value("vary")), (credentials, vary));
            assert_eq!(headers.get_all("vary").iter().count(), usize::from(vary.is_some()));
            // A `*` among these wouldn't hold with credentials, nor ever for `authorization`.
            let names = list(&headers, "access-control-allow-headers");
            for name in ["last-event-id", "authorization", "cache-control", "content-type"] {
                assert!(names.iter().any(|allowed| allowed == name), "{name}: {names:?}");
            }
            assert!(list(&headers, "access-control-allow-methods").contains(&"GET".to_owned()));
            assert_eq!(value("access-control-max-age"), Some("600"));
        }
    }

    #[test]
    fn a_preflight_of_a_page_that_may_not_is_answered_without_a_word() {
        for cors in [Cors::origins([OURS]).credentials(true), Cors::origins([])] {
            let refused = cors.preflight(&preflight("https://evil.example")).unwrap();
            let headers = refused.headers();
            assert_eq!((headers.len(), &headers["vary"]), (1, &HeaderValue::from_static("origin")));
        }
    }

    #[test]
    fn a_preflight_has_an_origin_and_a_method() {
        let cors = Cors::any();
        let (origin, method) =
            (("origin", &b"https://ours.example"[..]), ("access-control-request-method", &b"GET"[..]));
        assert!(cors.preflight(&request(Method::OPTIONS, "/", &[origin, method])).is_some());
        for (method_of_request, headers) in [
            (Method::OPTIONS, &[][..]),
            (Method::OPTIONS, &[origin]),
            (Method::OPTIONS, &[method]),
            (Method::GET, &[origin, method]),
            (Method::POST, &[origin, method]),
        ] {
            assert!(cors.preflight(&request(method_of_request, "/", headers)).is_none());
        }
    }
}
