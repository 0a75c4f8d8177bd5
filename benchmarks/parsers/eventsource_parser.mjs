// npm's eventsource-parser, one stream per line. Install it beside this file:
//   npm install --prefix benchmarks/parsers --no-save eventsource-parser
// It takes text, so bytes are decoded as its page does; and it gives each event's own id, so the last one is kept.
import { createInterface } from "node:readline";
import { createParser } from "eventsource-parser";

for await (const line of createInterface({ input: process.stdin })) {
  const events = [];
  let last = "";
  const parser = createParser({
    onEvent(event) {
      if (event.id !== undefined) last = event.id;
      events.push([event.event ?? "message", event.data, last]);
    },
  });
  const decoder = new TextDecoder();
  for (const chunk of JSON.parse(line).chunks) {
    parser.feed(decoder.decode(Buffer.from(chunk, "base64"), { stream: true }));
  }
  console.log(JSON.stringify({ events }));
}
