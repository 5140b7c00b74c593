//! The page of `tick`.

use crate::browser::Browser;
use crate::server::{Server, free_port};
use fantoccini::Locator;
use serde_json::json;

const TICK: &str = env!("CARGO_BIN_EXE_tick");

#[tokio::test]
async fn the_page_shows_ticks_gets_everything_exactly_and_reconnects() {
    the_page_of(TICK).await;
}

#[tokio::test]
async fn the_page_on_smol() {
    the_page_of(env!("CARGO_BIN_EXE_tick_smol")).await;
}

#[tokio::test]
async fn the_page_in_axum() {
    the_page_of(env!("CARGO_BIN_EXE_tick_axum")).await;
}

#[tokio::test]
async fn the_page_in_actix() {
    the_page_of(env!("CARGO_BIN_EXE_tick_actix")).await;
}

async fn the_page_of(program: &str) {
    let port = free_port();
    let server = Server::start(program, port);
    let browser = Browser::open(false).await;
    browser.client.goto(&format!("http://127.0.0.1:{port}/")).await.unwrap();

    // Ticks arrive, with their type and id.
    browser.wait_for("return document.querySelectorAll('tbody tr').length >= 2").await;
    assert_eq!(browser.text("#state").await, "open");
    let row = browser
        .run("return [...document.querySelector('tbody tr').cells].map((c) => c.textContent)", vec![])
        .await;
    assert_eq!(row[0], "tick");
    assert!(row[1].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000, "{row}");
    assert!(row[2].as_str().unwrap().ends_with(&browser.text("#now").await), "{row}");

    // Everything arrives exactly.
    browser
        .run(
            "window.seen = [];
             for (const type of ['message', 'exact']) source.addEventListener(type, (event) => {
                 seen.push([event.type, event.data, event.lastEventId]);
             });",
            vec![],
        )
        .await;
    let long = "x".repeat(1024 * 1024);
    let cases = [
        ("exact", "a\r\nb\r\n", "1", "a\nb\n"),
        ("", "", "2", ""),
        ("exact", "  leading", "3", "  leading"),
        ("exact", &long, "4", &long),
        ("exact", "🦀 ünï\u{2028}\u{85}\0", "é", "🦀 ünï\u{2028}\u{85}\0"),
        ("exact", "a\rid: evil\r\rdata: evil", "6", "a\nid: evil\n\ndata: evil"),
    ];
    for (event, data, id, _) in &cases {
        let emit = "const [event, data, id, done] = arguments;
            const query = new URLSearchParams({ stream: key, id });
            if (event) query.set('event', event);
            fetch('/emit?' + query, { method: 'POST', body: data }).then((response) => done(response.status));";
        let status =
            browser.client.execute_async(emit, vec![json!(event), json!(data), json!(id)]).await.unwrap();
        assert_eq!(status, 204);
    }
    browser.wait_for(&format!("return seen.length >= {}", cases.len())).await;
    let seen = browser.run("return seen", vec![]).await;
    for (seen, (event, _, id, expected)) in seen.as_array().unwrap().iter().zip(&cases) {
        let event = if event.is_empty() { "message" } else { event };
        assert_eq!((&seen[0], &seen[2]), (&json!(event), &json!(id)));
        assert!(seen[1] == json!(expected), "case {id} differs");
    }

    // By the form, as a person would.
    let field = async |name: &str| browser.client.find(Locator::Css(name)).await.unwrap();
    field("[name=event]").await.send_keys("greeting").await.unwrap();
    field("[name=id]").await.send_keys("g1").await.unwrap();
    field("button").await.click().await.unwrap();
    browser.wait_for("return [...document.querySelectorAll('tr.own')].some((r) => r.cells[0].textContent === 'greeting' && r.cells[2].textContent === 'Hello,\\nworld')").await;
    browser.screenshot("tick-light.png").await;

    // Names that mean something to the page or to `EventSource` itself are only events when a server sends them.
    for name in ["error", "open", "stream", "tick"] {
        let emit = "const [event, done] = arguments;
            listenTo(event);
            const query = new URLSearchParams({ stream: key, event });
            fetch('/emit?' + query, { method: 'POST', body: 'anything' }).then((response) => done(response.status));";
        assert_eq!(browser.client.execute_async(emit, vec![json!(name)]).await.unwrap(), 204);
        browser.wait_for(&format!("return [...document.querySelectorAll('tbody tr')].some((r) => r.cells[0].textContent === '{name}' && r.cells[2].textContent === 'anything')")).await;
    }
    assert_eq!(
        (browser.text("#state").await, browser.text("#reconnections").await),
        ("open".into(), "0".into())
    );

    // The server goes, and comes again.
    drop(server);
    browser.wait_for("return document.querySelector('#state').textContent === 'reconnecting'").await;
    browser.screenshot("tick-reconnecting.png").await;
    let _server = Server::start(program, port);
    browser.wait_for("return document.querySelector('#state').textContent === 'open'").await;
    assert_eq!(browser.text("#reconnections").await, "1");
    let events: u64 = browser.text("#events").await.parse().unwrap();
    browser
        .wait_for(&format!("return Number(document.querySelector('#events').textContent) > {events} + 1"))
        .await;
}

#[tokio::test]
async fn the_page_in_the_dark() {
    let server = Server::start(TICK, 0);
    let browser = Browser::open(true).await;
    browser.client.goto(&format!("http://{}/", server.address)).await.unwrap();
    browser.wait_for("return document.querySelectorAll('tbody tr').length >= 3").await;
    assert_eq!(
        browser.run("return matchMedia('(prefers-color-scheme: dark)').matches", vec![]).await,
        json!(true)
    );
    browser.screenshot("tick-dark.png").await;
}
