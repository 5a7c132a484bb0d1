/** Many tabs that only pretend: they connect, answer pings, and finish what they are given. Arguments:
 *  address of the gateway, how many. Says when all are connected, and each time all have heard. */
import { once } from "node:events";
import { WebSocket } from "ws";

const [url = "", count = "1"] = process.argv.slice(2);
const tabCount = Number(count);
const atOnce = 100;
let heard = 0;

function say(action: string, data: object): string {
  return JSON.stringify({ status: 1, message: "", action, data });
}

async function openTab(): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("message", (bytes) => {
    const { action, data } = JSON.parse(String(bytes)) as { action: string; data: { tid: number } };
    if (action === "ping") socket.send(say("pong", {}));
    if (action !== "task") return;
    socket.send(say("finish", { type: "m", tid: data.tid, url: ["/out"] }));
    heard++;
    if (heard % tabCount === 0) process.send?.("heard");
  });
  await once(socket, "open");
  socket.send(say("connect", { speed: 1_000 }));
}

for (let at = 0; at < tabCount; at += atOnce) {
  await Promise.all(Array.from({ length: Math.min(atOnce, tabCount - at) }, openTab));
}
process.send?.("connected");
process.on("disconnect", () => process.exit());
