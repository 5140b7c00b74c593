//! Pages of other origins.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response, StatusCode};

/// Which pages of other origins may read the responses: the [CORS protocol](https://fetch.spec.whatwg.org/#http-cors-protocol), as
/// far as an event stream needs it.
///
/// ```
/// use eventsource_hyper::Cors;
/// use http::{HeaderValue, Request, Response};
///
/// let cors = Cors::origins([HeaderValue::from_static("https://app.example")]).credentials(true);
///
/// let request = Request::get("/events").header("origin", "https://app.example").body(())?;
/// let mut response = Response::new("…");
/// // A `Responder` that's given it does all this.
/// cors.allow(request.headers(), response.headers_mut());
/// assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
///
/// let preflight = Request::options("/events")
///     .header("origin", "https://app.example")
///     .header("access-control-request-method", "GET")
///     .body(())?;
/// assert_eq!(cors.preflight(&preflight).unwrap().status(), 204);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    /// None: any.
    origins: Option<Vec<HeaderValue>>,
    credentials: bool,
    /// What a page's request may carry besides what each may.
    request_headers: HeaderValue,
    /// What a page may read of a response besides what each may.
    exposed_headers: Option<HeaderValue>,
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("last-event-id, authorization, cache-control, content-type");

impl Cors {
    /// Allows pages of any origin, which send no cookies.
    pub fn any() -> Self {
        Self::of(None)
    }

    /// Allows pages of these origins, each as browsers write it: `https://app.example`, without a slash at its end. Any
    /// scheme will do, such as that of an app, and `null`. None of them: no page.
    pub fn origins(origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        Self::of(Some(origins.into_iter().collect()))
    }

    fn of(origins: Option<Vec<HeaderValue>>) -> Self {
        Self { origins, credentials: false, request_headers: REQUEST_HEADERS, exposed_headers: None }
    }

    /// Allows requests with these header fields, instead of `Last-Event-ID`, `Authorization`, `Cache-Control` and
    /// `Content-Type`.
    ///
    /// ```
    /// use eventsource_hyper::Cors;
    /// use http::header::{AUTHORIZATION, HeaderName};
    ///
    /// let session = HeaderName::from_static("x-session");
    /// let cors = Cors::any()
    ///     .request_headers([AUTHORIZATION, session.clone()])
    ///     .expose_headers([session]);
    /// ```
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.request_headers = list(names);
        self
    }

    /// Lets pages read these header fields of a response.
    #[must_use]
    pub fn expose_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.exposed_headers = Some(list(names));
        self
    }

    /// Whether these pages may send cookies (`withCredentials`). Never applies to [any](Self::any) origin: any page could read what
    /// only its visitor may.
    #[must_use]
    pub fn credentials(mut self, allow: bool) -> Self {
        self.credentials = allow;
        self
    }

    /// Whether a page of the request's origin may read the response. Without an `Origin` it's no such page, and the answer `false`.
    pub fn allows(&self, request: &HeaderMap) -> bool {
        request.contains_key(ORIGIN) && self.allowed(request).is_some()
    }

    fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let Some(origins) = &self.origins else {
            // Also where there's no origin, for a cache may keep the answer.
            return Some(HeaderValue::from_static("*"));
        };
        request.get(ORIGIN).filter(|origin| origins.contains(origin)).cloned()
    }

    /// Adds to a response the header fields that let the page of a request read it. To a response that has them, it adds
    /// nothing.
    pub fn allow(&self, request: &HeaderMap, response: &mut HeaderMap) {
        // Also where it isn't allowed: a cache mustn't give that answer to others.
        if self.origins.is_some() && !varies_by_origin(response) {
            response.append(VARY, HeaderValue::from_static("origin"));
        }
        let Some(origin) = self.allowed(request) else { return };
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials && self.origins.is_some() {
            response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(exposed) = &self.exposed_headers {
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    /// The answer to a preflight request, which browsers send before a script's request with a `Last-Event-ID` or an
    /// `Authorization`, though Chromium doesn't when an `EventSource` reconnects; none to any other request.
    pub fn preflight<B>(&self, request: &Request<B>) -> Option<Response<()>> {
        self.preflight_for(request.method(), request.headers())
    }

    pub(crate) fn preflight_for(&self, method: &Method, request: &HeaderMap) -> Option<Response<()>> {
        let asks = request.contains_key(ORIGIN) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if method != Method::OPTIONS || !asks {
            return None;
        }
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.allow(request, response.headers_mut());
        if self.allows(request) {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.request_headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        Some(response)
    }
}

/// Returns names as a list. They're tokens, so it's a valid value.
fn list(names: impl IntoIterator<Item = HeaderName>) -> HeaderValue {
    let names: Vec<_> = names.into_iter().collect();
    let list = names.iter().map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
    let value = HeaderValue::try_from(list);
    debug_assert!(value.is_ok(), "tokens and commas are a value");
    value.unwrap_or(HeaderValue::from_static(""))
}

/// Whether `Vary`, a list over any number of lines, says so already.
fn varies_by_origin(response: &HeaderMap) -> bool {
    let mut names =
        response.get_all(VARY).iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
    names.any(|name| matches!(name.trim_ascii(), b"*") || name.trim_ascii().eq_ignore_ascii_case(b"origin"))
}
