//! Requests to servers anywhere.

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use std::error::Error;
use std::fs;
use std::iter::successors;
use std::path::Path;
use url::Url;

/// So many redirects are followed, as by a browser.
const MAX_REDIRECTS: usize = 20;

/// Makes a client of HTTP and HTTPS, which trusts the system's certificates, or those in a PEM file instead. Redirects to
/// another server are followed if they may lead `elsewhere`: reqwest keeps a login from that server, and no other header.
///
/// # Errors
/// When the file can't be read, or holds no certificate.
pub fn web(cacert: Option<&Path>, elsewhere: bool) -> Result<Client, Box<dyn Error>> {
    // One that is installed already is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder().referer(false).redirect(Policy::custom(move |redirect| {
        // One that isn't followed is an answer that's no event stream. As an error, it would be tried again for ever.
        let is_web = matches!(redirect.url().scheme(), "http" | "https");
        let is_here = redirect.previous().iter().all(|from| from.origin() == redirect.url().origin());
        let may_follow = is_web && (elsewhere || is_here) && redirect.previous().len() <= MAX_REDIRECTS;
        if may_follow { redirect.follow() } else { redirect.stop() }
    }));
    if let Some(file) = cacert {
        let pem = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let certificates = Certificate::from_pem_bundle(&pem)?;
        if certificates.is_empty() {
            return Err(format!("{}: no certificate", file.display()).into());
        }
        client = client.tls_certs_only(certificates);
    }
    // Without a file, it may be that the system has no certificates.
    client.build().map_err(|error| cause(&error).into())
}

/// Reads an address of HTTP or HTTPS.
///
/// # Errors
/// When it's none. What's wrong with it is told without it, for it may hold a password.
pub fn web_url(url: &str) -> Result<Url, Box<dyn Error>> {
    let url = Url::parse(url)?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!("not an http:// or https:// address but one of the scheme {scheme}").into()),
    }
}

/// Says what went wrong, and why in the end. What lies between is said in many words by some HTTP clients.
pub fn cause(error: &(dyn Error + 'static)) -> String {
    match successors(error.source(), |&error| error.source()).last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
