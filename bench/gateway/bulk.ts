/** Bytes to a tab: fetched through a gateway from its coordinator, and as messages over its
 *  WebSocket. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { type BenchOptions, type Figure, takeTurns } from "../case.ts";
import { child, told, withGateway } from "./process.ts";
import { BenchTracker } from "./tracker.ts";

const mega = 1024 * 1024;
/** Larger than this a task's message is not taken. */
const messageBytes = mega;
/** Messages under way: a gateway disconnects a client that reads too slowly. */
const underWayMax = 4;

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
  const messages = sizeBytes / messageBytes;
  const all = Promise.withResolvers<void>();
  let [given, taken] = [0, 0];
  const give = () => {
    const more = { bytes: bytes.toString("base64") };
    if (given < messages) tracker.task(tracker.uids[0]!, given++, { more });
  };
  tab.on("message", (frame) => {
    const { action, data } = JSON.parse(String(frame));
    if (action !== "task") return;
    if (Buffer.from(data.more.bytes, "base64").length !== messageBytes)
      all.reject(new Error("cut short"));
    if (++taken === messages) all.resolve();
    give();
  });
  tab.on("close", () => all.reject(new Error("the gateway has cut the tab off")));
  for (let i = 0; i < underWayMax; i++) give();
  await all.promise;
  tab.close();
  await once(tab, "close");
  await tracker.close();
}
