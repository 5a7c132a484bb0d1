/** A program for a network namespace in which rpcbind runs: registers a log service there (SET of
 *  RFC 1833), sends it an operation, and prints what arrived. */
import { once } from "node:events";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { RpcLog } from "../rpc-log.ts";
import { rpcService, stringsOf, words } from "./rpc-service.ts";

const closers: Array<() => unknown> = [];
const t = { after: (close: () => unknown) => closers.push(close) } as unknown as TestContext;
const arrived = Promise.withResolvers<string[]>();
const service = await rpcService(t, ({ args }) => {
  arrived.resolve(stringsOf(args));
  return 0;
});

/** True when rpcbind has accepted it; it may still be starting. */
async function registered(): Promise<boolean> {
  const socket = connect(111, "127.0.0.1");
  try {
    await once(socket, "connect");
    const set = [1, 0, 2, 100_000, 2, 1, 0, 0, 0, 0, 495_775, 1, 6, service.port];
    socket.write(words(0x80000000 + set.length * 4, ...set));
    const [answer] = (await once(socket, "data")) as [Buffer];
    return answer.readUInt32BE(answer.length - 4) === 1;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const untilMs = performance.now() + 10_000;
while (!(await registered())) {
  if (performance.now() > untilMs) throw new Error("rpcbind accepts no registration");
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const log = new RpcLog({ host: "127.0.0.1", onNews: (text) => console.log(text) });
log.add({ user: "ana", operation: "REGISTER", file: "", dateTime: "21/11/2026 02:15:45" });
console.log(`arrived: ${(await arrived.promise).join(" ")}`);
await log.close();
for (const close of closers) await close();
