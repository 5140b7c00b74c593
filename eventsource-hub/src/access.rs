//! Who may do what.

use crate::options::Options;
use crate::refusal::{Refusal, refusal};
use hyper::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, TRANSFER_ENCODING,
    WWW_AUTHENTICATE,
};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode, Version};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// What hyper leaves to its callers of how a request is framed and addressed (RFC 9112, 3.2 and 6.1): proxies in front may
/// have understood it otherwise.
pub(crate) fn check_message<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let (status, why) = match (hosts.next(), hosts.next(), codings.next(), codings.next()) {
        (None, ..) if request.version() == Version::HTTP_11 => {
            (StatusCode::BAD_REQUEST, "a request of HTTP/1.1 names its Host")
        }
        (_, Some(_), ..) => (StatusCode::BAD_REQUEST, "a request has one Host"),
        (_, _, None, _) => return Ok(()),
        (_, _, Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => return Ok(()),
        _ => (StatusCode::NOT_IMPLEMENTED, "the one transfer coding here is chunked"),
    };
    let mut refusal = refusal(status, why);
    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Err(refusal)
}

/// Only this machine's own programs and pages may come, and those of a proxy whose name is given: a page of another origin could
/// otherwise reach a hub on loopback through its visitor's browser, under a name of its own that it has resolve to loopback. A
/// private hub has its token to tell them by.
pub(crate) fn check_host(request: &Parts, options: &Options) -> Result<(), Refusal> {
    if options.is_private || !options.address.ip().is_loopback() {
        return Ok(());
    }
    let host = match (request.uri.host(), request.headers.get(HOST)) {
        (Some(host), _) => Some(host),
        (None, host) => host.and_then(|host| host.to_str().ok()).map(without_port),
    };
    match host {
        Some(host)
            if is_loopback(host) || options.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) =>
        {
            Ok(())
        }
        _ => Err(refusal(
            StatusCode::FORBIDDEN,
            "this hub is on loopback, so its host is localhost or 127.0.0.1, or one that --host names",
        )),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether events, and what's said of them, may be read.
pub(crate) fn check_reading(request: &Parts, options: &Options) -> Result<(), Refusal> {
    let Some(token) = options.token.as_deref().filter(|_| options.is_private) else { return Ok(()) };
    let query = request.uri.query().unwrap_or_default();
    let in_query = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    match (bearer(&request.headers), in_query) {
        (Some(given), _) if is_equal(given, token) => Ok(()),
        (None, Some((_, given))) if is_equal(&given, token) => Ok(()),
        _ => {
            Err(unauthorized("listening needs the token, as `Authorization: Bearer TOKEN` or `?token=TOKEN`"))
        }
    }
}

pub(crate) fn check_publishing(request: &Parts, options: &Options) -> Result<(), Refusal> {
    match &options.token {
        // No page can send this header without a preflight, so its origin doesn't matter.
        Some(token) if bearer(&request.headers).is_some_and(|given| is_equal(given, token)) => Ok(()),
        Some(_) => Err(unauthorized("publishing needs `Authorization: Bearer TOKEN`")),
        None if !options.address.ip().is_loopback() => Err(refusal(
            StatusCode::FORBIDDEN,
            "a hub off loopback takes no publications unless it has a --token",
        )),
        None if is_foreign(&request.headers, options) => {
            Err(refusal(StatusCode::FORBIDDEN, "pages of this origin may not publish; see --cors"))
        }
        None => Ok(()),
    }
}

/// What a browser says of a page that sends a request: only a browser can, to HTTPS and to loopback, and no page can change it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A form or a `text/plain` request of any page arrives without a preflight, so it's for the server to look.
///
/// Behind a proxy, the hub knows neither the scheme that the browser sees nor always the host, but the browser does: an `http`
/// page of an `https` hub's host is foreign, for anybody on its way may have written it.
fn is_foreign(headers: &HeaderMap, options: &Options) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        let is_foreign = |site: &HeaderValue| site != "same-origin" && site != "none";
        return headers.get(SEC_FETCH_SITE).is_some_and(is_foreign);
    };
    let is_own = if let Some(site) = headers.get(SEC_FETCH_SITE) {
        site == "same-origin"
    } else {
        let own = headers.get(HOST).and_then(|host| host.to_str().ok()).map(|host| format!("http://{host}"));
        own.is_some_and(|own| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()))
    };
    !is_own && !options.cors.allows(headers)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

/// Without telling by the time it takes how much of it is right.
fn is_equal(given: &str, token: &str) -> bool {
    given.as_bytes().ct_eq(token.as_bytes()).into()
}

fn unauthorized(why: &'static str) -> Refusal {
    let mut response = refusal(StatusCode::UNAUTHORIZED, why);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
