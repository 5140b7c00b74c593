// npm's `eventsource-client`, with the timeouts of Undici. It has no setting for the wait, which is 2 s until the server sets another.

import { createEventSource } from "eventsource-client";
import { closed, event, fetchWithTimeouts, settings, takeTime } from "./line.mjs";

const events = createEventSource({
  url: settings.url,
  fetch: fetchWithTimeouts,
  headers: { authorization: settings.authorization },
});
for await (const { data, id } of events) {
  event(id, data);
  await takeTime();
}
closed("");
