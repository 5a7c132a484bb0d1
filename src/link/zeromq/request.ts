/** One request and its answer, on a socket of its own: a socket whose request was not answered
 *  cannot be used again. */
import { isIP } from "node:net";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../listen.ts";
import { loadZeromq } from "./load.ts";
import { handshakeMs } from "./reply-server.ts";

export type AskOptions = { readonly timeoutMs: number; readonly answerMaxBytes: number };

/** Throws `timed-out` when no answer comes in time: the request may or may not have been
 *  received. */
export async function askOnce(
  { host, port }: Listen,
  message: Uint8Array,
  { answerMaxBytes, timeoutMs }: AskOptions,
): Promise<Uint8Array> {
  const { Request } = await loadZeromq();
  const socket = new Request({
    // What was not sent by then is not sent later.
    linger: 0,
    maxMessageSize: answerMaxBytes,
    handshakeInterval: handshakeMs,
    receiveTimeout: timeoutMs,
    sendTimeout: timeoutMs,
    ipv6: host.includes(":"),
  });
  try {
    socket.connect(`tcp://${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
    await socket.send(Buffer.from(message));
    const [answer] = await socket.receive();
    return answer as Buffer;
  } catch (cause) {
    const text = `${host}:${port} did not answer within ${timeoutMs} ms`;
    throw new ClusterError("timed-out", text, { cause });
  } finally {
    socket.close();
  }
}
