#!/usr/bin/env bash
# @libp2p/mplex 12.0.32 (libp2p 3.3.11): of more than five substreams that a peer opens within a
# second the sixth is never answered, and nothing says so: the connection stays open, the opener
# waits for its own time limit, and a second later substreams work again.
#
# The option `disconnectThreshold` (default 5) is documented to count only "when maxInboundStreams is
# hit", and then to close the connection. Each substream here is closed before the next is opened, so
# that never more than one is open. With yamux all ten are answered.
# Seen: mplex answers 5 of 10, the others end with TimeoutError after 2 s each; yamux 10 of 10.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" libp2p@3.3.11 \
  @libp2p/tcp@11.0.28 @chainsafe/libp2p-noise@17.0.0 @libp2p/mplex@12.0.32 @libp2p/yamux@8.0.3
cat > try.mjs <<'JS'
import { noise } from "@chainsafe/libp2p-noise";
import { mplex } from "@libp2p/mplex";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";

async function answered(muxer) {
  const start = (listen) =>
    createLibp2p({
      addresses: { listen },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [muxer()],
      connectionMonitor: { enabled: false },
    });
  const server = await start(["/ip4/127.0.0.1/tcp/0"]);
  await server.handle("/echo/1", (stream) => {
    stream.addEventListener("message", ({ data }) => stream.send(data));
    stream.addEventListener("remoteCloseWrite", () => stream.close());
  });
  const client = await start([]);
  const connection = await client.dial(server.getMultiaddrs());
  let count = 0;
  const began = performance.now();
  let failed = "";
  for (let n = 0; n < 10 && performance.now() - began < 900; n++) {
    try {
      const stream = await connection.newStream("/echo/1", { signal: AbortSignal.timeout(2_000) });
      await new Promise((resolve) => {
        stream.addEventListener("message", resolve);
        stream.send(Buffer.from("hello"));
      });
      await stream.close();
      count += 1;
    } catch (error) {
      failed = error.name;
    }
  }
  const after = `${connection.status} ${failed}`.trim();
  await Promise.all([client.stop(), server.stop()]);
  return `${count} of 10, ${after}`;
}

console.log(`mplex ${await answered(mplex)}; yamux ${await answered(yamux)}`);
JS
seen=$(node try.mjs)
echo "seen: $seen"
[ "$seen" = "mplex 5 of 10, open TimeoutError; yamux 10 of 10, open" ] || { echo "this has changed"; exit 1; }
