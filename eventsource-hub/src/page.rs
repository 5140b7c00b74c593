//! The page.

use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};

/// A page, with a nonce in place of each `NONCE` that lets only its own script and style run.
pub(crate) fn page(html: &str) -> Response<Full<Bytes>> {
    let nonce = nonce();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = Response::new(Full::new(html.replace("NONCE", &nonce).into()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.extend(HeaderValue::try_from(policy).map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response
}

/// What nobody can guess, in hexadecimal digits.
///
/// # Panics
/// If the system has no randomness: the hub would not have started then.
fn nonce() -> String {
    let mut bytes = [0; 16];
    // Once Linux has booted, its `getrandom` has no error for so few bytes; and no page must go out without a secret.
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
