//! What's counted.

use crate::answers::Answers;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Stats {
    words: AtomicU64,
    working: AtomicUsize,
}

/// `GET /stats`.
#[derive(Serialize)]
struct Report {
    /// Words said so far; those that were sent again aren't said again.
    words: u64,
    /// Answers that are being worked on.
    working: usize,
    /// Answers that can be resumed.
    answers: usize,
}

impl Stats {
    pub(crate) fn count_word(&self) {
        self.words.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one more at work, until what it returns is dropped.
    pub(crate) fn working(&self) -> impl Drop + '_ {
        self.working.fetch_add(1, Ordering::Relaxed);
        Working(&self.working)
    }

    pub(crate) fn respond(&self, answers: &Answers) -> Response<Full<Bytes>> {
        let report = Report {
            words: self.words.load(Ordering::Relaxed),
            working: self.working.load(Ordering::Relaxed),
            answers: answers.len(),
        };
        let report = serde_json::to_vec(&report).unwrap_or_default();
        let mut response = Response::new(Full::new(report.into()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

struct Working<'a>(&'a AtomicUsize);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
