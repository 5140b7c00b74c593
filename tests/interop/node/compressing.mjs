// Forwards requests, and compresses the answers as npm's `compression` does by default, of every type.

import compression from 'compression';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { pipeline } from 'node:stream';

const { host, port, upstream, transforms } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const compress = compression({ filter: () => true, threshold: 0 });

createServer((asked, answer) => {
  compress(asked, answer, () => {
    const { method, headers } = asked;
    const forwarded = request(new URL(asked.url, upstream), { method, headers }, (answered) => {
      if (transforms) delete answered.headers['cache-control'];
      answer.writeHead(answered.statusCode, answered.headers);
      pipeline(answered, answer, () => {});
    });
    forwarded.on('error', () => answer.destroy());
    answer.on('close', () => forwarded.destroy());
    pipeline(asked, forwarded, () => {});
  });
}).listen(port, host);
