/** Many clients of the browser protocol in a process of their own, which only hold their
 *  connections. Arguments: address, how many. Reports to its parent when all are connected and when
 *  all have a task. */
import { WebSocket } from "ws";

const [address = "", wanted = "0"] = process.argv.slice(2);
const count = Number(wanted);
/** Handshakes under way at once; more would only wait in the kernel's queue. */
const dialsMax = 64;

export type TabsReport = {
  readonly kind: "connected" | "tasks";
  /** Unix time, ms, with fractions. */
  readonly atMs: number;
};

const say = (action: string, data: object) =>
  JSON.stringify({ status: 1, message: "", action, data });
const connect = say("connect", { speed: 1_000 });
const pong = say("pong", {});

function report(kind: TabsReport["kind"]): void {
  process.send?.({ kind, atMs: performance.timeOrigin + performance.now() } satisfies TabsReport);
}

let [opened, tasks] = [0, 0];
for (let i = 0; i < Math.min(dialsMax, count); i++) void dialNext();

async function dialNext(): Promise<void> {
  while (opened < count) {
    opened++;
    await dial();
    if (opened === count) dialled();
  }
}

let left = Math.min(dialsMax, count);
function dialled(): void {
  left--;
  if (left === 0) report("connected");
}

function dial(): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(address, { perMessageDeflate: false });
    socket.on("open", () => {
      socket.send(connect);
      resolve();
    });
    socket.on("message", (frame) => {
      const text = String(frame);
      if (text.includes('"ping"')) socket.send(pong);
      else if (text.includes('"task"') && ++tasks % count === 0) report("tasks");
    });
    socket.on("error", (error) => {
      process.stderr.write(`a tab of ${process.pid}: ${error.message}\n`);
      process.exit(1);
    });
  });
}
process.on("disconnect", () => process.exit());
