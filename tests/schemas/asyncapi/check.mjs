// usage: node check.mjs MODULES DOCUMENT
// What AsyncAPI's own parser says of a document: exits with 1 where that is more than a hint. Then prints as JSON, for
// each message of each channel, its name, its payload's schema and the channel's address.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, document] = process.argv.slice(2);
const { Parser } = createRequire(pathToFileURL(`${modules}/package.json`))('@asyncapi/parser');
const parsed = await new Parser().parse(await readFile(document, 'utf8'), { source: document });
const hints = 3;
const wrong = parsed.diagnostics.filter(({ severity }) => severity < hints);
for (const { path, message, code } of wrong) console.error(`${path.join('.')}: ${message} (${code})`);
if (!parsed.document) {
  for (const { path, message } of parsed.diagnostics) console.error(`${path.join('.')}: ${message}`);
  process.exit(1);
}
const messages = parsed.document.channels().all().flatMap((channel) =>
  channel.messages().all().map((message) =>
    ({ channel: channel.address(), name: message.name(), payload: message.payload().json() })));
console.log(JSON.stringify(messages));
process.exit(wrong.length > 0 ? 1 : 0);
