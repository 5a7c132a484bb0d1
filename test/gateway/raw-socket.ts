/** Frames and calls that no library sends, over a bare TCP socket, for tests. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestContext } from "node:test";

export const opcodes = { continuation: 0, text: 1, binary: 2, ping: 9, pong: 10 } as const;

/** Masked, as a client must. */
export function frame(opcode: number, payload: Uint8Array, over: { fin?: boolean } = {}): Buffer {
  const head = frameHead(opcode, payload.length, over);
  return Buffer.concat([head, payload]);
}

/** The mask is four zeros, so that the payload is what it is. */
export function frameHead(
  opcode: number,
  length: number,
  { fin = true, reserved = 0 }: { fin?: boolean; reserved?: number } = {},
): Buffer {
  const first = (fin ? 0x80 : 0) | reserved | opcode;
  const mask = Buffer.alloc(4);
  if (length < 126) return Buffer.concat([Buffer.from([first, 0x80 | length]), mask]);
  if (length < 65_536) {
    const head = Buffer.from([first, 0x80 | 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return Buffer.concat([head, mask]);
  }
  const head = Buffer.concat([Buffer.from([first, 0x80 | 127]), Buffer.alloc(8)]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, mask]);
}

export async function tcp(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** An open WebSocket. Nothing more is read from it. */
export async function upgraded(
  t: TestContext,
  port: number,
  headers: readonly string[] = [],
): Promise<{ readonly socket: Socket; readonly answer: string }> {
  const socket = await tcp(t, port);
  const lines = [
    "GET / HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...headers,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  const [answer] = await once(socket, "data");
  return { socket, answer: String(answer) };
}

/** Not by `once` of events, which rejects when the connection is reset. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

/** Every byte that arrives until the server ends or resets the connection. */
export async function allOf(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part) => parts.push(part));
  await closed(socket);
  return Buffer.concat(parts);
}

/** The code of the close frame among what a server sent; null when there was none. */
export function closeCode(bytes: Buffer): number | null {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const opcode = bytes[at]! & 0x0f;
    const short = bytes[at + 1]! & 0x7f;
    const [size, head] = short === 126 ? [bytes.readUInt16BE(at + 2), 4] : [short, 2];
    if (opcode === 8) return bytes.readUInt16BE(at + head);
    at += head + size;
  }
  return null;
}
