/** Links over libp2p: the conformance tests, and existing peers that are played by the library
 *  alone. */
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { linkConformance } from "../../test/conformance/register.ts";
import { waitMaxMs } from "../store/testing/patience.ts";
import { FrameCutter, withLength } from "./libp2p/frames.ts";
import { type Connection, loadLibp2p, type Stream } from "./libp2p/load.ts";
import { Node, type NodeOptions, newKey } from "./libp2p.ts";
import type { Link } from "./link.ts";

const protocol = "/test/1";
const frameMaxBytes = 64 * 1024;

/** Frames of the tests: `?` or `!` for a request or an answer, its id, and a text. */
const ids: NodeOptions["ids"] = {
  read(frame) {
    const [kind = "", id, text = ""] = textOf(frame).split(" ");
    const bare = withLength(bytesOf(text));
    const number = Number(id);
    return {
      requestId: kind === "?" ? number : null,
      answerTo: kind === "!" ? number : null,
      bare,
    };
  },
  asRequest: (frame, id) =>
    textOf(frame) === "unknown" ? null : bytesOf(`? ${id} ${textOf(frame)}`),
  asAnswer: (frame, id) => bytesOf(`! ${id} ${textOf(frame)}`),
};

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function startNode(over: Partial<NodeOptions> = {}): Promise<Node> {
  return Node.start({ listen: "", protocol, ids, frameMaxBytes, key: await newKey(), ...over });
}

/** Shared by the conformance tests: starting nodes takes longer than they do. */
const shared = { links: [] as Link[], wake: () => {}, nodes: null as Promise<[Node, Node]> | null };
after(async () => {
  for (const node of (await shared.nodes) ?? []) await node.stop();
});

async function startShared(): Promise<[Node, Node]> {
  const onLink = (link: Link) => {
    shared.links.push(link);
    shared.wake();
    return true;
  };
  return [await startNode({ listen: "/ip4/127.0.0.1/tcp/0", onLink }), await startNode()];
}

linkConformance("libp2p", async () => {
  shared.nodes ??= startShared();
  const [server, client] = await shared.nodes;
  const first = await client.dial(server.addresses[0] as string, waitMaxMs);
  while (shared.links.length === 0) {
    await new Promise<void>((resolve) => {
      shared.wake = resolve;
    });
  }
  return { ends: [first, shared.links.shift() as Link] };
});

/** A peer that speaks only the protocol of existing ones, and what it is sent. */
async function existingPeer(
  t: TestContext,
  answer: (text: string, stream: Stream) => void,
  muxer: "mplex" | "yamux" = "yamux",
) {
  const libp2p = await loadLibp2p();
  const node = await libp2p.createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [libp2p.tcp()],
    connectionEncrypters: [libp2p.noise()],
    streamMuxers: [libp2p[muxer]()],
  });
  t.after(() => node.stop());
  let dialled: Connection | null = null;
  await node.handle(protocol, (stream, connection) => {
    dialled = connection;
    eachFrame(stream, (text) => answer(text, stream));
  });
  const ask = async (text: string): Promise<string> => {
    const stream = await (dialled as Connection).newStream(protocol);
    return new Promise((resolve) => {
      eachFrame(stream, resolve);
      stream.addEventListener("close", () => resolve("closed"));
      stream.addEventListener("remoteCloseWrite", () => void stream.close());
      stream.send(withLength(bytesOf(text)));
    });
  };
  return { address: String(node.getMultiaddrs()[0]), ask, node };
}

function eachFrame(stream: Stream, take: (text: string) => void): void {
  const cutter = new FrameCutter(frameMaxBytes);
  stream.addEventListener("message", ({ data }) => {
    for (const frame of cutter.add(data)) take(textOf(frame));
  });
}

function reply(stream: Stream, text: string): void {
  stream.send(withLength(bytesOf(text)));
  stream.close().catch(() => {});
}

test("answers belong to their requests, whatever their order; requests keep theirs", async (t) => {
  const asked: string[] = [];
  const waiting: Stream[] = [];
  const peer = await existingPeer(t, (text, stream) => {
    asked.push(text);
    waiting.push(stream);
    if (waiting.length < 40) {
      // The first 24 are answered when they are all there, in reverse.
      if (waiting.length === 24) for (let at = 23; at >= 0; at--) reply(waiting[at]!, `to-${at}`);
      if (waiting.length > 24) reply(stream, `to-${waiting.length - 1}`);
    } else reply(stream, "to-39");
  });
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  assert.equal(link.matchesAnswers, true);
  const answers: string[] = [];
  const all = new Promise<void>((resolve) => {
    link.onFrame((frame) => {
      answers.push(textOf(frame));
      if (answers.length === 40) resolve();
    });
  });
  for (let id = 1; id <= 40; id++) link.send(bytesOf(`? ${id} m${id}`));
  await all;
  const expected = Array.from({ length: 40 }, (_, at) => `m${at + 1}`);
  assert.deepEqual(asked, expected);
  const right = Array.from({ length: 40 }, (_, at) => `! ${at + 1} to-${at}`);
  assert.deepEqual(answers.toSorted(), right.toSorted());
});

test("a peer's request is answered on its substream; an unknown one ends without", async (t) => {
  const peer = await existingPeer(t, (text, stream) => reply(stream, text));
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  const held: string[] = [];
  link.onFrame((frame) => {
    const [kind, id, text] = textOf(frame).split(" ");
    if (kind === "!") return;
    held.push(`${id} ${text}`);
    if (held.length === 2) for (const one of held.toReversed()) link.send(bytesOf(`! ${one}-done`));
  });
  // The connection is there with the first request.
  link.send(bytesOf("? 1 hello"));
  const answers = await Promise.all([peer.ask("a"), peer.ask("b"), peer.ask("unknown")]);
  assert.deepEqual(answers, ["a-done", "b-done", "closed"]);
});

test("a closed connection is dialled again by the next request", async (t) => {
  const peer = await existingPeer(t, (text, stream) => reply(stream, text));
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  const answered = () =>
    new Promise<string>((resolve) => link.onFrame((frame) => resolve(textOf(frame))));
  let answer = answered();
  link.send(bytesOf("? 1 one"));
  assert.equal(await answer, "! 1 one");
  for (const connection of peer.node.getConnections()) await connection.close();
  answer = answered();
  link.send(bytesOf("? 2 two"));
  assert.equal(await answer, "! 2 two");
});

test("what is sent to a peer that closed its connection waits for its new one", async (t) => {
  const taken = Promise.withResolvers<Link>();
  const onLink = (link: Link) => {
    link.onFrame((frame) => {
      const [kind, id] = textOf(frame).split(" ");
      if (kind === "?") link.send(bytesOf(`! ${id} yes`));
    });
    taken.resolve(link);
    return true;
  };
  const server = await startNode({ listen: "/ip4/127.0.0.1/tcp/0", onLink });
  t.after(() => server.stop());
  const asked = Promise.withResolvers<string>();
  const peer = await existingPeer(t, (text, stream) => {
    asked.resolve(text);
    reply(stream, text);
  });
  const { multiaddr } = await loadLibp2p();
  const dial = () => peer.node.dial(multiaddr(server.addresses[0] as string));
  const first = await dial();
  const stream = await first.newStream(protocol);
  const answered = new Promise<string>((resolve) => eachFrame(stream, resolve));
  stream.send(withLength(bytesOf("hello")));
  assert.equal(await answered, "yes");
  const link = await taken.promise;
  await first.close();
  link.send(bytesOf("? 1 execute"));
  await dial();
  assert.equal(await asked.promise, "execute");
});

test("a request goes again when its connection closes before the answer", async (t) => {
  let asked = 0;
  const peer = await existingPeer(t, (text, stream) => {
    asked += 1;
    if (asked > 1) reply(stream, text);
    else for (const connection of peer.node.getConnections()) void connection.close();
  });
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  const answer = new Promise<string>((resolve) => link.onFrame((frame) => resolve(textOf(frame))));
  link.send(bytesOf("? 1 one"));
  assert.equal(await answer, "! 1 one");
  assert.equal(asked, 2);
});

test("a peer with mplex is sent no more substreams than it takes in a second", async (t) => {
  const peer = await existingPeer(t, (text, stream) => reply(stream, text), "mplex");
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  let answers = 0;
  const all = new Promise<void>((resolve, reject) => {
    link.onFrame(() => {
      answers += 1;
      if (answers === 12) resolve();
    });
    link.onClose((reason) => reject(new Error(reason)));
  });
  for (let id = 1; id <= 12; id++) link.send(bytesOf(`? ${id} m${id}`));
  await all;
});

test("a peer that cannot be dialled again ends its link", async (t) => {
  const peer = await existingPeer(t, (text, stream) => reply(stream, text));
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  link.onFrame(() => {});
  const closed = new Promise<string>((resolve) => link.onClose(resolve));
  await peer.node.stop();
  link.send(bytesOf("? 1 one"));
  assert.match(await closed, /the peer cannot be reached/);
});

test("what is sent before a close arrives; a peer that is not meant is not taken", async (t) => {
  const asked = Promise.withResolvers<string>();
  const peer = await existingPeer(t, (text, stream) => {
    asked.resolve(text);
    reply(stream, text);
  });
  const client = await startNode();
  t.after(() => client.stop());
  const link = await client.dial(peer.address, waitMaxMs);
  link.send(bytesOf("? 1 bye"));
  link.close("done");
  assert.equal(await asked.promise, "bye");
  const other = await startNode();
  t.after(() => other.stop());
  const wrong = peer.address.replace(/[^/]+$/, other.peerId);
  await assert.rejects(client.dial(wrong, waitMaxMs), /unavailable: no peer answers/);
  await assert.rejects(client.dial("/ip4/127.0.0.1/tcp/1", waitMaxMs), /bad-request.*which peer/);
});

test("a peer that speaks neither protocol is refused by the name of ours", async (t) => {
  const libp2p = await loadLibp2p();
  const node = await libp2p.createLibp2p({
    addresses: { listen: ["/ip4/127.0.0.1/tcp/0"] },
    transports: [libp2p.tcp()],
    connectionEncrypters: [libp2p.noise()],
    streamMuxers: [libp2p.yamux()],
  });
  t.after(() => node.stop());
  const client = await startNode();
  t.after(() => client.stop());
  const address = String(node.getMultiaddrs()[0]);
  await assert.rejects(
    client.dial(address, waitMaxMs),
    /version-mismatch: .*does not speak \/test\/1/,
  );
});

test("more than five dials of one host in a second are taken", async (t) => {
  const server = await startNode({ listen: "/ip4/127.0.0.1/tcp/0", onLink: () => true });
  t.after(() => server.stop());
  const address = server.addresses[0] as string;
  const clients = await Promise.all(Array.from({ length: 8 }, () => startNode()));
  t.after(() => Promise.all(clients.map((client) => client.stop())));
  await Promise.all(clients.map((client) => client.dial(address, waitMaxMs)));
});

test("frames are cut wherever their bytes are", () => {
  const frames = [0, 1, 127, 128, 300].map((length) => new Uint8Array(length).fill(length));
  const bytes = Buffer.concat(frames.map(withLength));
  for (let step = 1; step < 9; step++) {
    const cutter = new FrameCutter(300);
    const got: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      for (const frame of cutter.add(bytes.subarray(at, at + step))) got.push(frame);
    }
    assert.deepEqual(got, frames);
  }
  const cut: Uint8Array[] = [];
  const all = () => {
    for (const frame of new FrameCutter(299).add(bytes)) cut.push(frame);
  };
  assert.throws(all, /larger than 299 bytes/);
  assert.deepEqual(cut, frames.slice(0, -1), "those before it count");
  assert.throws(() => [...new FrameCutter(9).add(Buffer.alloc(9, 0xff))], /no varint/);
});
