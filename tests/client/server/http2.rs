//! HTTP/2, by hyper's server: it frames the parts.

use super::reply::{Head, Part};
use super::{End, Exchange, Reply, Shared};
use futures_util::{StreamExt, future, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::Notify;

pub(super) fn serve(listener: TcpListener, shared: &Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            if shared.is_over() {
                return;
            }
            socket.set_nodelay(true).unwrap();
            tokio::spawn(serve_connection(TokioIo::new(socket), Arc::clone(shared)));
        }
    });
}

async fn serve_connection(socket: TokioIo<tokio::net::TcpStream>, shared: Arc<Shared>) {
    let cut = Arc::new(Notify::new());
    let cut_by_reply = Arc::clone(&cut);
    let service = service_fn(move |request| answer(request, Arc::clone(&shared), Arc::clone(&cut_by_reply)));
    let mut server = http2::Builder::new(TokioExecutor::new());
    let connection = server.auto_date_header(false).serve_connection(socket, service);
    tokio::select! {
        // A client that goes without a word is an error, and nobody's business.
        _ = connection => {}
        () = cut.notified() => {}
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
    cut: Arc<Notify>,
) -> Result<hyper::Response<impl Body<Data = Bytes, Error = io::Error>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
    let fields = head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let exchange = Exchange::new(head.method.as_str(), target, fields.collect(), body.to_vec());
    let (Reply { head, parts, end }, in_progress) = shared.begin(exchange);
    let mut response = hyper::Response::builder();
    match head {
        Head::None => match future::pending::<Infallible>().await {},
        Head::Fields { status, fields, .. } => {
            response = response.status(status);
            for (name, value) in fields {
                response = response.header(name, value);
            }
        }
        Head::Raw(_) => panic!("HTTP/2 has no such head"),
    }
    let parts = stream::iter(parts).filter_map(async |part| match part {
        Part::Bytes(bytes) => Some(Ok(Frame::data(bytes))),
        Part::Pause(pause) => {
            tokio::time::sleep(pause).await;
            None
        }
    });
    let end = stream::once(async move {
        let _in_progress = in_progress;
        // What was sent before would be dropped otherwise: now the connection's task writes it.
        tokio::task::yield_now().await;
        match end {
            End::Whole => None,
            End::Reset => Some(Err(io::Error::other("it's reset"))),
            End::Fin => {
                cut.notify_one();
                future::pending().await
            }
            End::Silence => future::pending().await,
        }
    });
    let body = StreamBody::new(parts.chain(end.filter_map(future::ready)));
    Ok(response.body(Box::pin(body)).unwrap())
}
