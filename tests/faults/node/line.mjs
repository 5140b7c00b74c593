// What a client is started with, and what it prints: see `src/lib.rs`.

import { writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Agent, fetch } from "undici";

export const settings = JSON.parse(process.argv[2]);

// Undici's timeouts are the only ones that there are, as both READMEs have another `fetch` set.
const { timeout } = settings;
const dispatcher = new Agent({ bodyTimeout: timeout, headersTimeout: timeout, connect: { timeout } });

export const fetchWithTimeouts = (url, init) => fetch(url, { ...init, dispatcher });

const print = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

export const event = (id, data) => print({ event: { id: id ?? "", data: data.slice(0, 80) } });

export const closed = (reason) => {
  print({ closed: reason });
  process.exit();
};

export const takeTime = () => {
  const { pause } = settings;
  settings.pause = 0;
  return setTimeout(pause);
};
