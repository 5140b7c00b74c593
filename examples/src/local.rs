//! Who may come to a server on this machine.

use crate::text;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Response, StatusCode, Version};
use std::net::IpAddr;

/// Refuses what pages of other sites send.
///
/// Every page that's open in a browser on this machine can reach a server on 127.0.0.1, in two ways. It can send a
/// request that browsers send without asking the server first, such as a `POST` of text; the request's `Origin` tells
/// where the page came from. Or it can have a name of its own resolve to 127.0.0.1 (DNS rebinding), so that the browser
/// takes this server for a part of the page's site; the `Host` is that name then, and not one of this machine's.
///
/// A server behind a proxy has to know the proxy's names and its `https://` origin instead.
///
/// # Errors
/// The refusal to answer with: 403, or 400 to a request that names no host, or two.
pub fn check_local<B>(request: &Request<B>) -> Result<(), Box<Response<Full<Bytes>>>> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        // No browser sends a request without, but a health check in HTTP/1.0 does.
        (None, _) if request.version() == Version::HTTP_10 => "localhost",
        _ => return Err(Box::new(text(StatusCode::BAD_REQUEST, "name one host\n"))),
    };
    if !is_loopback(host) {
        return Err(Box::new(text(StatusCode::FORBIDDEN, "this server's host is localhost or 127.0.0.1\n")));
    }
    let own = format!("http://{host}");
    let mut origins = request.headers().get_all(ORIGIN).iter();
    if origins.any(|origin| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes())) {
        return Err(Box::new(text(StatusCode::FORBIDDEN, "pages of other sites may ask nothing here\n")));
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host();
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        name.eq_ignore_ascii_case("localhost")
            || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
