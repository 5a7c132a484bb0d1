/** A main port: requests of any number of REQ sockets, each answered once.
 *
 *  It is a ROUTER, which looks like a REP to REQ sockets: so a slow request delays no other. */
import type { Listen } from "../listen.ts";
import { type BindOptions, bindTcp } from "./endpoint.ts";
import { loadZeromq, type ZeromqSocket } from "./load.ts";

export type ReplyServerOptions = Listen &
  BindOptions & {
    /** Of one request; a connection that sends more is closed by the library. */
    readonly requestMaxBytes: number;
    /** Requests that are being answered; more wait in their connections. */
    readonly requestsMax: number;
    /** Never rejects. */
    readonly answer: (request: Uint8Array) => Promise<Uint8Array>;
  };

export type ReplyServer = { readonly port: number; close(): Promise<void> };

/** How long answers may take to be sent once a socket is closed, ms. */
export const lingerMs = 1_000;
/** Longest handshake of a connection, ms. */
export const handshakeMs = 10_000;

export async function openReplyServer(options: ReplyServerOptions): Promise<ReplyServer> {
  const { Router } = await loadZeromq();
  const socket = new Router({
    linger: lingerMs,
    maxMessageSize: options.requestMaxBytes,
    handshakeInterval: handshakeMs,
    ipv6: options.host.includes(":"),
  });
  try {
    const port = await bindTcp(socket, options, options);
    const serving = serve(socket, options);
    return {
      port,
      async close() {
        socket.close();
        await serving;
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

async function serve(socket: ZeromqSocket, options: ReplyServerOptions): Promise<void> {
  const answering = new Set<Promise<void>>();
  // A second send while one waits throws EBUSY in the caller, so sends are done one after the
  // other.
  let sending: Promise<unknown> = Promise.resolve();
  const answerOne = async (frames: Buffer[]) => {
    const [peer, delimiter, request, ...more] = frames;
    if (delimiter?.length !== 0 || request === undefined || more.length > 0) return;
    const answer = await options.answer(request);
    sending = sending.then(() => sendQuietly(socket, [peer as Buffer, "", Buffer.from(answer)]));
    await sending;
  };
  for (;;) {
    const frames = await receiveQuietly(socket);
    if (frames === null) break;
    const one = answerOne(frames).finally(() => answering.delete(one));
    answering.add(one);
    if (answering.size >= options.requestsMax) await Promise.race(answering);
  }
  await Promise.all(answering);
}

/** Null once the socket is closed. */
async function receiveQuietly(socket: ZeromqSocket): Promise<Buffer[] | null> {
  try {
    return await socket.receive();
  } catch (error) {
    if (socket.closed) return null;
    throw error;
  }
}

/** The client may be gone, and so may the socket. */
async function sendQuietly(socket: ZeromqSocket, frames: Array<Buffer | string>): Promise<void> {
  if (socket.closed) return;
  await socket.send(frames).catch(() => {});
}
