/** Bytes to a tab: fetched through a gateway from its coordinator, and as messages over its
 *  WebSocket. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { type BenchOptions, type Figure, takeTurns } from "../case.ts";
import { child, told, withGateway } from "./process.ts";
import { BenchTracker } from "./tracker.ts";

const mega = 1024 * 1024;
/** Larger than this a task's message is not taken. */
const messageBytes = mega;
const waitingMaxBytes = 4 * mega;

export async function bulk(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = (options.quick ? 32 : 256) * mega;
  const source = child("source.ts");
  try {
    const port = await told<number>(source, (message) => typeof message === "number");
    const upstream = ["--tracker", `http://127.0.0.1:${port}`, "--token", "none"];
    return await withGateway(upstream, ({ url }) =>
      withGateway(["--anonymous"], async ({ socket }) => {
        const times = await takeTurns(
          [
            { name: "fetch", run: () => fetched(`${url}/t/x/${sizeBytes}`) },
            { name: "WebSocket", run: () => messaged(socket, sizeBytes) },
          ],
          options,
        );
        const rate = (name: string) => sizeBytes / 1e6 / (times.get(name)! / 1_000);
        const [byFetch, bySocket] = [rate("fetch"), rate("WebSocket")];
        return [
          { name: "bytes to a tab by fetch", value: byFetch, unit: "MB/s" },
          { name: "bytes to a tab by WebSocket messages", value: bySocket, unit: "MB/s" },
          { name: "fetch to WebSocket", value: byFetch / bySocket, unit: "×", atLeast: 2 },
        ];
      }),
    );
  } finally {
    source.disconnect();
  }
}

async function fetched(url: string): Promise<void> {
  const answer = await fetch(url);
  let left = Number(answer.headers.get("content-length"));
  if (answer.body === null) throw new Error(`${url} has no body`);
  for await (const part of answer.body) left -= part.length;
  if (left !== 0) throw new Error(`${left} bytes of ${url} are missing`);
}

/** As what a task may carry: text, so in base64. */
async function messaged(address: string, sizeBytes: number): Promise<void> {
  const tracker = await BenchTracker.dial(address);
  const tab = new WebSocket(address, { perMessageDeflate: false });
  await once(tab, "open");
  tab.send('{"status":1,"message":"","action":"connect","data":{"speed":1000}}');
  await tracker.browsers(1);
  const bytes = randomBytes(messageBytes);
  let left = sizeBytes;
  const all = Promise.withResolvers<void>();
  tab.on("message", (frame) => {
    const { action, data } = JSON.parse(String(frame));
    if (action !== "task") return;
    left -= Buffer.from(data.more.bytes, "base64").length;
    if (left <= 0) all.resolve();
  });
  for (let tid = 0; tid < sizeBytes / messageBytes; tid++) {
    tracker.task(tracker.uids[0]!, tid, { more: { bytes: bytes.toString("base64") } });
    while (tracker.waiting > waitingMaxBytes) await delay(1);
  }
  await all.promise;
  tab.close();
  await once(tab, "close");
  await tracker.close();
}
