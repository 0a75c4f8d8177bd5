// The site of http2_site.py by Node.js, whose HTTP/2 is that of nghttp2.
import http2 from "node:http2";
import { setImmediate, setTimeout } from "node:timers/promises";

let dropped = 0;
const connections = new Set();

async function stream(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const asked = JSON.parse(body.toString());
  stream.respond({ ":status": 200, "x-size": String(body.length) });
  for (let number = 0; number < asked.events; number++) {
    stream.write(`data: ${number}\n\n`);
    await (asked.pause ? setTimeout(asked.pause * 1000) : setImmediate());
    if (stream.destroyed) {
      dropped += 1;
      return;
    }
  }
  stream.end();
}

const server = http2.createServer();
server.on("stream", (each, headers) => {
  each.on("error", () => {});
  connections.add(each.session);
  switch (headers[":path"]) {
    case "/early":
      each.respond({ ":status": 413 });
      each.end("too large");
      break;
    case "/seen":
      each.respond({ ":status": 200 });
      each.end(JSON.stringify({ dropped, connections: connections.size }));
      break;
    default:
      stream(each).catch(() => {});
  }
});
server.listen(Number(process.argv[2]), "127.0.0.1");
