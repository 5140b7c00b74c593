//! Who may do what.

use crate::options::Options;
use crate::refusal::{Refusal, refusal};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

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

/// A form or a `text/plain` request of any page arrives without a preflight, so it's for the server to look.
fn is_foreign(headers: &HeaderMap, options: &Options) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let own = headers.get(HOST).and_then(|host| host.to_str().ok()).map(|host| format!("http://{host}"));
    let is_own = own.is_some_and(|own| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes()));
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
