// The `EventSource` of npm's `eventsource`, with a limit where the fault is about one, and the timeouts of Undici. It has no setting
// for the wait, which is 3 s until the server sets another.

import { EventSource } from "eventsource";
import { closed, event, fetchWithTimeouts, settings } from "./line.mjs";

const events = new EventSource(settings.url, {
  fetch: (url, init) =>
    fetchWithTimeouts(url, { ...init, headers: { ...init.headers, authorization: settings.authorization } }),
  ...(settings.max_event > 0 && { maxBufferSize: settings.max_event }),
});
// Its waits don't keep the process alive.
setInterval(() => {}, 60_000);
events.addEventListener("message", ({ data, lastEventId }) => event(lastEventId, data));
events.addEventListener("error", ({ message }) => {
  if (events.readyState === EventSource.CLOSED) {
    closed(message ?? "");
  }
});
