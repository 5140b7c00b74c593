#!/usr/bin/env node
// Prints an event stream with npm's client, `eventsource`, which comes back where it left off when the connection breaks.
//
//   npm ci
//   node client.mjs http://127.0.0.1:7798/events --events stream,tick

import { parseArgs } from "node:util";
import { EventSource } from "eventsource";

const HELP = `\
Prints an event stream, and comes back where it left off when the connection breaks.

Usage: node client.mjs URL [--events NAME,NAME...]

  URL          an http:// or https:// address
  --events     events of these names, besides those that have none
  --help       this text
`;

// What would control the terminal, break the line or reorder its text is escaped, as in \u{1b}.
const HARMFUL = /[\x00-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const harmless = (text) => text.replace(HARMFUL, (it) => `\\u{${it.codePointAt(0).toString(16)}}`);

const note = (text) => console.log(`-- ${harmless(text)}`);

// The name and the id, then the data: beside them if it's one line, indented below if it's more.
function print({ type, lastEventId, data }) {
  const id = lastEventId === "" ? "" : ` #${harmless(lastEventId)}`;
  const lines = data.split("\n").map(harmless);
  console.log(`${harmless(type)}${id}${lines.length > 1 ? "\n    " : "  "}${lines.join("\n    ")}`);
}

function fail(reason) {
  console.error(`client.mjs: ${harmless(reason)}`);
  process.exit(1);
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { events: { type: "string", default: "" }, help: { type: "boolean" } },
  });
  if (values.help) return { help: true };
  if (positionals.length !== 1) throw new Error("which URL? --help says more");
  const url = URL.canParse(positionals[0]) ? new URL(positionals[0]) : undefined;
  if (!["http:", "https:"].includes(url?.protocol)) throw new Error(`not an http:// address: ${positionals[0]}`);
  return { url, names: new Set(["message", ...values.events.split(",").filter((name) => name !== "")]) };
}

function listen({ url, names }) {
  // While it waits before it reconnects, the client alone wouldn't keep the process alive.
  setInterval(() => {}, 60_000);
  const source = new EventSource(url);
  // A server's event may be named `open` or `error` too: then it carries data, and says nothing of the connection.
  source.addEventListener("open", (event) => {
    if (!(event instanceof MessageEvent)) note(`connected to ${url}`);
  });
  source.addEventListener("error", (event) => {
    if (event instanceof MessageEvent) return;
    const reason = event.message === undefined ? "" : `: ${event.message}`;
    if (source.readyState !== EventSource.CLOSED) return note(`the connection is gone${reason}; reconnecting`);
    if (event.code !== 204) fail(`${url} is no event stream${reason}`);
    note("the server says: don't come back (204)");
    process.exit();
  });
  for (const name of names) {
    source.addEventListener(name, (event) => {
      if (event instanceof MessageEvent) print(event);
    });
  }
}

// The reader of a pipe may be gone, as after `| head`; then there's nobody to tell.
process.stdout.on("error", () => process.exit());

try {
  const options = readArguments();
  if (options.help) process.stdout.write(HELP);
  else listen(options);
} catch (error) {
  fail(error.message);
}
