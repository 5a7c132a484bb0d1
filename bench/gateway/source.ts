/** Stands for a coordinator that has large files: `GET /t/x/<bytes>` gives so many. Sends its
 *  parent the port. */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";

const part = randomBytes(1024 * 1024);

function* parts(count: number): Generator<Buffer> {
  for (let i = 0; i < count; i++) yield part;
}

const server = createServer((request, response) => {
  const sizeBytes = Number(request.url?.split("/").at(-1));
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": String(sizeBytes),
  });
  Readable.from(parts(sizeBytes / part.length)).pipe(response);
});
// A gateway that wants to be one of ours asks again later.
server.on("upgrade", (_request, socket) => {
  socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
