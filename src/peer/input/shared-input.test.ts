/** Ranges of shared files from real peers: right bytes or an error, wherever they come from. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, type TestContext, test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import { hostId } from "../../link/host.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import * as data from "../../wire/p4/data.ts";
import { PeerConnection } from "../fetch/connection.ts";
import {
  noise,
  scratch,
  shelve,
  startPeer,
  type TestPeer,
  type TestPeerOptions,
  testPool,
} from "../testing/peers.ts";
import { SharedInputs, type Wanted } from "./shared-input.ts";

after(() => testPool.close());

const sizeBytes = 5 * 1024 * 1024 + 17;
const bytes = noise(sizeBytes);

type Around = {
  readonly peers: readonly TestPeer[];
  /** What the name stands for by now; default: the root that was planned. */
  readonly rootNow?: string;
  /** "" = they are on another machine. */
  readonly host?: string;
};

function inputs(t: TestContext, root: string, { host = "", peers, rootNow = root }: Around) {
  const find = async (wanted: Wanted) => {
    if ("root" in wanted && rootNow !== root)
      throw new ClusterError("not-found", "no member has it");
    const sources = peers.map((peer, n) => peer.source(`peer ${n}`));
    return { name: "f", root: "root" in wanted ? wanted.root : rootNow, sizeBytes, sources };
  };
  const shared = new SharedInputs({ find, refuse: () => null, host, idleMs: waitMaxMs });
  t.after(() => shared.close());
  const content = { name: "f", root, sizeBytes };
  return async (start: number, end: number): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    const { signal } = new AbortController();
    for await (const chunk of shared.read(content, { start, end }, signal)) {
      chunks.push(Buffer.from(chunk));
    }
    return Buffer.concat(chunks);
  };
}

const ranges = [
  [0, 0],
  [0, 1],
  [0, sizeBytes],
  [16_383, 16_385],
  [1_000_000, 3_000_000],
  [sizeBytes - 17, sizeBytes],
] as const;

async function sharing(t: TestContext, options: TestPeerOptions = {}) {
  const peer = await startPeer(t, options);
  return { peer, ...(await shelve(peer, "f", { dir: scratch(t), bytes })) };
}

for (const host of ["", hostId()]) {
  const where = host === "" ? "another machine" : "this machine, where it lies";
  test(`every range of a file of ${where} is what was shared`, async (t) => {
    const { peer, root } = await sharing(t);
    const read = inputs(t, root, { peers: [peer], host });
    for (const [start, end] of ranges) {
      assert.ok(bytes.subarray(start, end).equals(await read(start, end)), `${start}-${end}`);
    }
    assert.deepEqual(peer.broken, []);
  });
}

test("I13: only a caller on the owner's machine is sent a file's path", async (t) => {
  const { path, peer } = await sharing(t);
  const paths: string[] = [];
  for (const host of ["", "0123456789abcdef", hostId()]) {
    const source = peer.source();
    const limits = { connectMs: waitMaxMs, answerMs: waitMaxMs };
    const connection = await PeerConnection.connect(source.address, { refuse: () => null }, limits);
    t.after(() => connection.close());
    const wanted = { fileName: "f", root: new Uint8Array(0), host };
    paths.push((await connection.open(wanted, await source.credential())).path);
  }
  assert.deepEqual(paths, ["", "", path]);
});

/** Sends a wrong byte in every piece from the tenth on. */
const lying: NonNullable<TestPeerOptions["wrap"]> = (methods) => {
  const { handle, requestMaxBytes } = methods[data.paths.read]!;
  let sent = 0;
  return {
    ...methods,
    [data.paths.read]: {
      requestMaxBytes,
      handle: (request, call, sink) =>
        handle(request, call, {
          send: (parts) => {
            const content = Buffer.from(parts.at(-1)!);
            sent += 1;
            if (sent > 10) content[7]! ^= 1;
            return sink.send([...parts.slice(0, -1), content]);
          },
        }),
    },
  };
};

test("F1: a wrong piece is never returned: another member continues, or it fails", async (t) => {
  const liar = await sharing(t, { wrap: lying });
  const honest = await sharing(t);
  const both = inputs(t, liar.root, { peers: [liar.peer, honest.peer] });
  assert.ok(bytes.equals(await both(0, sizeBytes)));
  const alone = inputs(t, liar.root, { peers: [liar.peer] });
  await assert.rejects(alone(0, sizeBytes), { code: "download-failed" });
});

test("F3: losing a member costs nothing while another one has the file", async (t) => {
  const gone = await sharing(t);
  const here = await sharing(t);
  const read = inputs(t, gone.root, { peers: [gone.peer, here.peer] });
  assert.equal((await read(0, 10)).length, 10);
  await gone.peer.close();
  assert.ok(bytes.equals(await read(0, sizeBytes)));
  await here.peer.close();
  await assert.rejects(read(0, 10), { code: "download-failed" });
});

/** Ends each stream without an error once ten pieces have been sent. */
const tiring: NonNullable<TestPeerOptions["wrap"]> = (methods) => {
  const { handle, requestMaxBytes } = methods[data.paths.read]!;
  let left = 10;
  return {
    ...methods,
    [data.paths.read]: {
      requestMaxBytes,
      handle: (request, call, sink) =>
        handle(request, call, {
          send: async (parts) => {
            left -= 1;
            if (left >= 0) await sink.send(parts);
          },
        }),
    },
  };
};

test("F3: a member that ends in the middle of a range counts as missing data", async (t) => {
  const tired = await sharing(t, { wrap: tiring });
  const alone = inputs(t, tired.root, { peers: [tired.peer] });
  await assert.rejects(alone(0, sizeBytes), { code: "download-failed" });
});

test("F10: other content under the name is data-lost, locally and over the network", async (t) => {
  for (const host of ["", hostId()]) {
    const { path, peer, root } = await sharing(t);
    const read = inputs(t, root, { peers: [peer], host });
    await read(0, 10);
    // Of the same size: only the hashes of the pieces show the change.
    writeFileSync(path, noise(sizeBytes, 2));
    await assert.rejects(read(0, sizeBytes), { code: "data-lost", message: /submit it again/ });
  }
  const { peer, root } = await sharing(t);
  const renamed = inputs(t, root, { peers: [peer], rootNow: "0".repeat(64) });
  await assert.rejects(renamed(0, 1), { code: "data-lost" });
});
