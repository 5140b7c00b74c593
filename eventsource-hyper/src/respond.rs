//! The whole response.

use crate::{Answer, Cors, EventBody, Refusal};
use core::ops::ControlFlow;
use eventsource_core::http::{RESPONSE_HEADERS, accepts_event_stream};
use eventsource_core::stream::{OptionalTimer, Source};
use eventsource_core::{EventStream, LastEventId};
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_METHODS, ALLOW, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
    InvalidHeaderValue, TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Answers a request with an event stream, as [`Responder::default`] does. `stream` is called only if the
/// request is to be answered with one, with what the client says it has seen last; it makes the stream, or
/// [refuses](crate::Refusal).
///
/// ```
/// use eventsource_core::{EventStream, LastEventId};
/// use futures_util::stream;
///
/// let request = http::Request::get("/events").header("last-event-id", "7").body(())?;
/// let response = eventsource_hyper::respond(&request, |last_event_id| {
///     assert_eq!(last_event_id, LastEventId::parse(b"7"));
///     EventStream::without_timer(stream::pending::<&str>())
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
/// use eventsource_core::EventStream;
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
/// let events = |_| EventStream::without_timer(stream::pending::<&str>());
/// let response = responder.respond(&request, events);
/// assert_eq!(response.status(), StatusCode::BAD_REQUEST);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Responder {
    methods: Vec<Method>,
    headers: HeaderMap,
    parameter: Option<Cow<'static, str>>,
    refuse_unusable_id: bool,
    negotiates: bool,
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
            negotiates: true,
            cors: None,
        }
    }

    /// Allows these methods instead. `HEAD` never starts a stream, whatever else is allowed.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// Adds a header field to the response with the stream, or replaces one. `Content-Length` and `Transfer-Encoding` are left out: a
    /// stream has no length, and the server frames it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            self.headers.insert(name, value);
        }
        self
    }

    /// Leaves a header field out.
    #[must_use]
    pub fn without_header(mut self, name: &HeaderName) -> Self {
        self.headers.remove(name);
        self
    }

    /// Where there's no `Last-Event-ID` header, takes the last event ID from this parameter of the query, from the last one if
    /// it's repeated. The
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

    /// Whether to answer a request whose `Accept` excludes an event stream with 406; by default it's so. Switch it off for
    /// clients that ask for JSON and expect a stream, as the SDKs of some APIs do.
    ///
    /// ```
    /// use eventsource_hyper::{EventStream, Responder};
    /// use futures_util::stream;
    /// use http::Request;
    ///
    /// let request = Request::get("/answer").header("accept", "application/json").body(())?;
    /// let responder = Responder::new().negotiate(false);
    /// let events = |_| EventStream::without_timer(stream::pending::<&str>());
    /// assert_eq!(responder.respond(&request, events).status(), 200);
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn negotiate(mut self, negotiate: bool) -> Self {
        self.negotiates = negotiate;
        self
    }

    /// Lets pages of other origins read the responses, refusals too, and answers the preflight requests of their browsers.
    ///
    /// ```
    /// use eventsource_core::EventStream;
    /// use eventsource_hyper::{Cors, Responder};
    /// use futures_util::stream;
    /// use http::Request;
    ///
    /// let responder = Responder::new().cors(Cors::any());
    /// let request = Request::get("/events").header("origin", "https://app.example").body(())?;
    /// let events = |_| EventStream::without_timer(stream::pending::<&str>());
    /// let response = responder.respond(&request, events);
    /// assert_eq!(response.headers()["access-control-allow-origin"], "*");
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Answers `request`. Calls `stream` only if it's to be answered with one; it makes the stream, or
    /// [refuses](crate::Refusal).
    pub fn respond<B, A: Answer>(
        &self,
        request: &Request<B>,
        stream: impl FnOnce(LastEventId) -> A,
    ) -> Response<EventBody<A::Source, A::Timer>> {
        match self.check(request.method(), request.uri(), request.headers()) {
            ControlFlow::Continue(last_event_id) => {
                self.finish(request.headers(), stream(last_event_id).into_result())
            }
            ControlFlow::Break(response) => response,
        }
    }

    /// Returns the last event ID where a stream has to be made, and otherwise the whole response.
    pub(crate) fn check<S, T>(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> ControlFlow<Response<EventBody<S, T>>, LastEventId> {
        if let Some(preflight) = self.cors.as_ref().and_then(|cors| cors.preflight_for(method, headers)) {
            let mut preflight = preflight.map(|()| EventBody::empty());
            if let Some(methods) = preflight.headers_mut().get_mut(ACCESS_CONTROL_ALLOW_METHODS) {
                *methods = self.allowed().unwrap_or_else(|_| methods.clone());
            }
            return ControlFlow::Break(preflight);
        }
        match self.last_event_id_of(method, uri, headers) {
            Ok(_) if method == Method::HEAD => {
                ControlFlow::Break(self.with_headers(headers, EventBody::unsent()))
            }
            Ok(last_event_id) => ControlFlow::Continue(last_event_id),
            Err(refusal) => ControlFlow::Break(self.refuse(headers, refusal)),
        }
    }

    /// Returns the response with a stream, or the refusal. Of the request's header fields, `Origin` is enough.
    pub(crate) fn finish<S: Source, T: OptionalTimer>(
        &self,
        request: &HeaderMap,
        answer: Result<EventStream<S, T>, Refusal>,
    ) -> Response<EventBody<S, T>> {
        match answer {
            Ok(stream) => self.with_headers(request, EventBody::new(stream)),
            Err(refusal) => self.refuse(request, refusal),
        }
    }

    fn with_headers<S, T>(&self, request: &HeaderMap, body: EventBody<S, T>) -> Response<EventBody<S, T>> {
        let mut response = Response::new(body);
        response.headers_mut().clone_from(&self.headers);
        self.allow_origin(request, response)
    }

    fn refuse<S, T>(&self, request: &HeaderMap, refusal: Refusal) -> Response<EventBody<S, T>> {
        self.allow_origin(request, refusal.into_response())
    }

    fn allow_origin<B>(&self, request: &HeaderMap, mut response: Response<B>) -> Response<B> {
        if let Some(cors) = &self.cors {
            cors.allow(request, response.headers_mut());
        }
        response
    }

    /// Returns the last event ID of a request that's to be answered with a stream.
    fn last_event_id_of(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<LastEventId, Refusal> {
        if !self.methods.contains(method) {
            let allowed = self.allowed().unwrap_or_else(|_| HeaderValue::from_static(""));
            let why = format!("allowed here: {}\n", String::from_utf8_lossy(allowed.as_bytes()));
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED).body(why).header(ALLOW, allowed));
        }
        if self.negotiates && !accepts_event_stream(headers.get_all(ACCEPT)) {
            let refusal = Refusal::new(StatusCode::NOT_ACCEPTABLE);
            return Err(refusal.body("this resource is a text/event-stream\n"));
        }
        match self.last_event_id(uri, headers) {
            LastEventId::Unusable if self.refuse_unusable_id => {
                let refusal = Refusal::new(StatusCode::BAD_REQUEST);
                Err(refusal.body("the last event ID isn't one of this server\n"))
            }
            last_event_id => Ok(last_event_id),
        }
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

/// Returns the last value of a parameter, which is the newest where a client appends one at each reconnection, decoded from `application/x-www-form-urlencoded`, but as bytes: what isn't UTF-8
/// must not become another id.
fn query_value(query: &str, name: &str) -> Option<Vec<u8>> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
    let mut parameters = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    parameters.rfind(|(key, _)| decode(key) == name.as_bytes()).map(|(_, value)| decode(value))
}
