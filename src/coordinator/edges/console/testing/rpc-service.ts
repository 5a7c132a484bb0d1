/** A log service and a portmapper that share no code with the product: ONC-RPC implemented from the
 *  RFCs. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** A received call; its arguments begin at a fixed place, since calls have no credentials. */
type Call = { readonly xid: number; readonly program: number; readonly args: Buffer };

/** Serves calls on a free port; `answer` returns the result, or null to stay silent. */
export async function rpcService(t: TestContext, answer: (call: Call) => number | null) {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    let held = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 4 && held.length >= 4 + (held.readUInt32BE(0) & 0x7fffffff)) {
        const size = held.readUInt32BE(0) & 0x7fffffff;
        const record = held.subarray(4, 4 + size);
        held = held.subarray(4 + size);
        const call = {
          xid: record.readUInt32BE(0),
          program: record.readUInt32BE(12),
          args: record.subarray(40),
        };
        const result = answer(call);
        if (result !== null) socket.write(words(0x8000001c, call.xid, 1, 0, 0, 0, 0, result));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  t.after(close);
  return { port: (server.address() as { port: number }).port, close };
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

/** XDR strings one after another. */
export function stringsOf(bytes: Buffer): string[] {
  const strings: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    strings.push(bytes.toString("utf8", at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return strings;
}
