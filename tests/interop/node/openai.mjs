// Asks as the SDK does by itself, and prints what comes, piece by piece, as JSON.

import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 });
const stream = await client.chat.completions.create({
  model: 'm',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  stream: true,
});
const said = [];
for await (const chunk of stream) said.push(chunk.choices[0].delta.content);
console.log(JSON.stringify(said));
