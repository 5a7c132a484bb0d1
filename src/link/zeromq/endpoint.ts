/** Binds sockets, and explains failures to do so. */
import { isIP } from "node:net";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../listen.ts";
import { type ListenAdvice, listenError } from "../listen-error.ts";
import type { ZeromqSocket } from "./load.ts";

/** Which numbers a port has that is not named. Ports of calls are odd; those where pings and
 *  reports are answered are even, as all of existing programs: what is still sent to one that is
 *  gone must not come to a call that has its number by now, which would take it for its second
 *  step, or for a piece of a file. */
export type Parity = "odd" | "even";

export type BindOptions = { readonly advice?: ListenAdvice; readonly parity?: Parity };

/** Below those that systems give to outgoing connections. */
const numbers = { first: 16_384, count: 16_384 };
const triesMax = 20;

/** Port 0 = one that the system picks, or one of this parity unless all that were tried are in use.
 *  Resolves with the port; rejects as `listenError` does. */
export async function bindTcp(
  socket: ZeromqSocket,
  { host, port }: Listen,
  { advice, parity }: BindOptions = {},
): Promise<number> {
  const tries = port === 0 && parity !== undefined ? triesMax : 0;
  for (let at = 0; at < tries; at += 1) {
    const number = numbers.first + 2 * Math.floor((Math.random() * numbers.count) / 2);
    const bound = await bindOne(socket, { host, port: number + (parity === "odd" ? 1 : 0) }).catch(
      () => null,
    );
    if (bound !== null) return bound;
  }
  return bindOne(socket, { host, port }, advice);
}

async function bindOne(
  socket: ZeromqSocket,
  { host, port }: Listen,
  advice?: ListenAdvice,
): Promise<number> {
  try {
    await socket.bind(`tcp://${isIP(host) === 6 ? `[${host}]` : host}:${port === 0 ? "*" : port}`);
  } catch (cause) {
    throw listenError(cause, { host, port }, advice);
  }
  const bound = Number(/:(\d+)$/.exec(socket.lastEndpoint ?? "")?.[1]);
  if (Number.isInteger(bound) && bound > 0) return bound;
  throw new ClusterError("unavailable", `the system named no port on ${host}; try again`);
}
