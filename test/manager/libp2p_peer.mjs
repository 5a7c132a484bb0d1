/** What existing programs of the manager protocol have in common over libp2p: written from the
 *  protocol's page and the library's alone, with nothing of the product. */
import { noise } from "@chainsafe/libp2p-noise";
import { mplex } from "@libp2p/mplex";
import { tcp } from "@libp2p/tcp";
import { yamux } from "@libp2p/yamux";
import { createLibp2p } from "libp2p";

export const protocol = "/balthazar/worker/0.3.1";

export function varint(number) {
  const bytes = [];
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) + 128);
  return Buffer.from([...bytes, number]);
}

export function field(number, content) {
  if (typeof content === "number") return Buffer.concat([varint(number * 8), varint(content)]);
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

export function parse(bytes) {
  const fields = [];
  let at = 0;
  const number = () => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const key = number();
    if (key % 8 === 0) fields.push([key >> 3, number()]);
    else {
      const length = number();
      fields.push([key >> 3, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return fields;
}

/** The wrapper's one message, when its bytes are whole. */
function wrapperIn(bytes) {
  let at = 0;
  while (bytes[at] > 127) at++;
  if (at >= bytes.length) return null;
  let length = 0;
  for (let i = at; i >= 0; i--) length = length * 128 + (bytes[i] % 128);
  return bytes.length < at + 1 + length ? null : parse(bytes.subarray(at + 1))[0];
}

function readOne(stream) {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0);
    stream.addEventListener("message", ({ data }) => {
      held = Buffer.concat([held, data.subarray()]);
      const read = wrapperIn(held);
      if (read !== null) resolve(read);
    });
    stream.addEventListener("close", () => reject(new Error("closed without a message")));
  });
}

async function write(stream, message) {
  if (!stream.send(Buffer.concat([varint(message.length), message]))) await stream.onDrain();
}

/** `answer` gets the number and body of each request, and returns the answer. */
export async function startPeer({ listen, muxer, answer }) {
  const node = await createLibp2p({
    addresses: { listen: listen ? ["/ip4/127.0.0.1/tcp/0"] : [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [muxer === "mplex" ? mplex() : yamux()],
  });
  await node.handle(protocol, async (stream, connection) => {
    try {
      const [kind, body] = await readOne(stream);
      await write(stream, await answer(kind, body, connection));
      await stream.close();
    } catch {
      // A substream without a message.
    }
  });
  return node;
}

/** One substream a request; returns number and body of the answer. */
export async function ask(connection, message) {
  const stream = await connection.newStream(protocol);
  const answered = readOne(stream);
  await write(stream, message);
  const found = await answered;
  await stream.close();
  return found;
}

export function say(what) {
  console.log(JSON.stringify(what));
}
