//! A server that says what it's told to say.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// A server that answers each connection with the next of `answers`, and gives back the requests.
pub(crate) fn serve(answers: Vec<String>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let (mut connection, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    connection.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                connection.write_all(answer.as_bytes()).unwrap();
                String::from_utf8(request).unwrap()
            })
            .collect()
    });
    (url, server)
}

/// An answer with an event stream.
pub(crate) fn stream(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n{body}"
    )
}
