/** An eavesdropper on the way to a peer, which records every byte of both directions. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";

export type Tap = {
  readonly port: number;
  /** What was sent to the peer so far, and by it: all connections in turn. */
  readonly said: { to(): Buffer; by(): Buffer };
};

/** In front of the peer at `port`; null = there is no peer, and incoming bytes are only
 *  recorded. */
export async function openTap(t: TestContext, port: number | null): Promise<Tap> {
  const said = { to: [] as Buffer[], by: [] as Buffer[] };
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket | null, chunks: Buffer[]) => {
    sockets.add(from);
    from.on("error", () => {}).on("close", () => to?.destroy());
    from.on("data", (chunk) => {
      chunks.push(chunk);
      to?.write(chunk);
    });
  };
  const server = createServer((near) => {
    const far = port === null ? null : connect(port, "127.0.0.1");
    carry(near, far, said.to);
    if (far !== null) carry(far, near, said.by);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    port: own,
    said: { to: () => Buffer.concat(said.to), by: () => Buffer.concat(said.by) },
  };
}
