//! A server that says what it's told to say.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A server that answers each connection with the next of `answers`, and gives back the requests.
pub(crate) fn serve(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let accept = || listener.accept().unwrap().0;
        answers.into_iter().map(|answer| say(accept(), &answer)).collect()
    });
    (url, server)
}

/// Reads a request, answers it and hangs up.
pub(crate) fn say(mut connection: impl Read + Write, answer: &str) -> String {
    let request = request(&mut connection);
    connection.write_all(answer.as_bytes()).unwrap();
    request
}

/// Reads a request with its body.
pub(crate) fn request(connection: &mut impl Read) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let mut request = String::from_utf8(request).unwrap();
    let length = field(&request, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    request.push_str(&String::from_utf8(body).unwrap());
    request
}

/// A field's value in a request's head.
pub(crate) fn field(request: &str, name: &str) -> Option<String> {
    let (head, _) = request.split_once("\r\n\r\n").unwrap();
    let mut fields = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

/// An answer with an event stream.
pub(crate) fn stream(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n{body}"
    )
}

/// The certificate of [`serve_tls`], for localhost and 127.0.0.1, which nobody but itself has signed, valid for a hundred years:
/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout localhost.key -out localhost.pem -days 36500
/// -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE`
pub(crate) const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/localhost.pem");

/// A server over TLS that answers one request. A client that doesn't trust it gets no answer.
pub(crate) fn serve_tls(answer: String) -> (String, thread::JoinHandle<()>) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_file(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("localhost.key")).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut connection: TcpStream = listener.accept().unwrap().0;
        let mut tls = rustls::ServerConnection::new(config).unwrap();
        while tls.is_handshaking() {
            if tls.complete_io(&mut connection).is_err() {
                return;
            }
        }
        say(rustls::Stream::new(&mut tls, &mut connection), &answer);
        tls.send_close_notify();
        let _ = tls.complete_io(&mut connection);
    });
    (url, server)
}
