//! The whole response.

use crate::refusal::refuse;
use crate::{Answer, Cors, EventBody};
use eventsource_core::{LastEventId, RESPONSE_HEADERS, accepts_event_stream};
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_METHODS, ALLOW, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue,
};
use http::{Method, Request, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Answers a request with an event stream, as [`Responder::default`] does. `stream` is called only if the
/// request is to be answered with one, with what the client says it has seen last; it makes the stream, or
/// [refuses](crate::Refusal).
///
/// ```
/// use eventsource_core::{EventStream, LastEventId, Never};
/// use futures_util::stream;
///
/// let request = http::Request::get("/events").header("last-event-id", "7").body(())?;
/// let response = eventsource_hyper::respond(&request, |last_event_id| {
///     assert_eq!(last_event_id, LastEventId::parse(b"7"));
///     EventStream::with_timer(stream::pending::<&str>(), Never)
/// });
/// assert_eq!(response.headers()["content-type"], "text/event-stream");
/// # Ok::<(), http::Error>(())
/// ```
pub fn respond<B, A: Answer>(
    request: &Request<B>,
    stream: impl FnOnce(LastEventId) -> A,
) -> Response<EventBody<A::Source, A::Timer>> {
    Responder::default().respond(request, stream)
}

/// How requests for an event stream are answered. Make it once, use it for every request.
///
/// ```
/// use eventsource_core::{EventStream, Never};
/// use eventsource_hyper::Responder;
/// use futures_util::stream;
/// use http::{Method, Request, StatusCode};
///
/// let responder = Responder::new()
///     .methods([Method::POST])
///     .last_event_id_parameter("lastEventId")
///     .refuse_unusable_id(true);
///
/// let request = Request::post("/answer?lastEventId=%00").body(())?;
/// let response = responder.respond(&request, |_| EventStream::with_timer(stream::pending::<&str>(), Never));
/// assert_eq!(response.status(), StatusCode::BAD_REQUEST);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Responder {
    methods: Vec<Method>,
    headers: HeaderMap,
    parameter: Option<Cow<'static, str>>,
    refuse_unusable_id: bool,
    cors: Option<Cors>,
}

impl Responder {
    /// `GET` and `HEAD`, with the [header fields](RESPONSE_HEADERS) that a stream needs.
    pub fn new() -> Self {
        let headers = RESPONSE_HEADERS
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Self {
            methods: vec![Method::GET, Method::HEAD],
            headers: headers.into_iter().collect(),
            parameter: None,
            refuse_unusable_id: false,
            cors: None,
        }
    }

    /// Allows these methods instead. `HEAD` never starts a stream, whatever else is allowed.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Adds a header field to the response with the stream, or replaces one.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Leaves a header field out.
    #[must_use]
    pub fn without_header(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    /// Where there's no `Last-Event-ID` header, takes the last event ID from this parameter of the query. The
    /// header goes before it, for a browser that reconnects repeats the URL that it began with.
    #[must_use]
    pub fn last_event_id_parameter(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.parameter = Some(name.into());
        self
    }

    /// Whether to answer a last event ID that can't be one with 400, instead of
    /// [`LastEventId::Unusable`]. Only for clients other than browsers: an `EventSource` doesn't come back after that.
    #[must_use]
    pub fn refuse_unusable_id(mut self, refuse: bool) -> Self {
        self.refuse_unusable_id = refuse;
        self
    }

    /// Lets pages of other origins read the responses, refusals too, and answers the preflight requests of their browsers.
    ///
    /// ```
    /// use eventsource_core::{EventStream, Never};
    /// use eventsource_hyper::{Cors, Responder};
    /// use futures_util::stream;
    /// use http::Request;
    ///
    /// let responder = Responder::new().cors(Cors::any());
    /// let request = Request::get("/events").header("origin", "https://app.example").body(())?;
    /// let response = responder.respond(&request, |_| EventStream::with_timer(stream::pending::<&str>(), Never));
    /// assert_eq!(response.headers()["access-control-allow-origin"], "*");
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Answers `request`. `stream` is called only if it's to be answered with one; it makes the stream, or
    /// [refuses](crate::Refusal).
    pub fn respond<B, A: Answer>(
        &self,
        request: &Request<B>,
        stream: impl FnOnce(LastEventId) -> A,
    ) -> Response<EventBody<A::Source, A::Timer>> {
        self.respond_to(request.method(), request.uri(), request.headers(), stream)
    }

    pub(crate) fn respond_to<A: Answer>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        stream: impl FnOnce(LastEventId) -> A,
    ) -> Response<EventBody<A::Source, A::Timer>> {
        let Some(cors) = &self.cors else { return self.answer(method, uri, headers, stream) };
        if let Some(preflight) = cors.preflight_for(method, headers) {
            let mut preflight = preflight.map(|()| EventBody::empty());
            if let Some(methods) = preflight.headers_mut().get_mut(ACCESS_CONTROL_ALLOW_METHODS) {
                *methods = self.allowed().unwrap_or_else(|_| methods.clone());
            }
            return preflight;
        }
        let mut response = self.answer(method, uri, headers, stream);
        cors.allow(headers, response.headers_mut());
        response
    }

    fn answer<A: Answer>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        stream: impl FnOnce(LastEventId) -> A,
    ) -> Response<EventBody<A::Source, A::Timer>> {
        if !self.methods.contains(method) {
            let allowed = self.allowed().unwrap_or_else(|_| HeaderValue::from_static(""));
            let why = format!("allowed here: {}\n", String::from_utf8_lossy(allowed.as_bytes()));
            let mut response = refuse(StatusCode::METHOD_NOT_ALLOWED, why);
            response.headers_mut().insert(ALLOW, allowed);
            return response;
        }
        if !accepts_event_stream(headers.get_all(ACCEPT)) {
            return refuse(StatusCode::NOT_ACCEPTABLE, "this resource is a text/event-stream\n");
        }
        let last_event_id = self.last_event_id(uri, headers);
        if self.refuse_unusable_id && last_event_id == LastEventId::Unusable {
            return refuse(StatusCode::BAD_REQUEST, "the last event ID isn't one of this server\n");
        }
        let body = match *method {
            Method::HEAD => EventBody::unsent(),
            _ => match stream(last_event_id).into_result() {
                Ok(stream) => EventBody::new(stream),
                Err(refusal) => return refusal.into_response(),
            },
        };
        let mut response = Response::new(body);
        response.headers_mut().clone_from(&self.headers);
        response
    }

    /// The methods, in a list. They're tokens, so it's a valid value.
    fn allowed(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        HeaderValue::try_from(self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", "))
    }

    fn last_event_id(&self, uri: &Uri, headers: &HeaderMap) -> LastEventId {
        if let Some(value) = headers.get(&LAST_EVENT_ID) {
            return LastEventId::parse(value.as_bytes());
        }
        let parameter = self.parameter.as_deref().zip(uri.query());
        let value = parameter.and_then(|(name, query)| query_value(query, name));
        value.map_or(LastEventId::None, |value| LastEventId::parse(&value))
    }
}

impl Default for Responder {
    fn default() -> Self {
        Self::new()
    }
}

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The first value of a parameter, decoded from `application/x-www-form-urlencoded`, but as bytes: what isn't UTF-8
/// must not become another id.
fn query_value(query: &str, name: &str) -> Option<Vec<u8>> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut parameters = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    parameters.find(|(key, _)| decode(key) == name.as_bytes()).map(|(_, value)| decode(value))
}
