/** Many small files in one call, from real peers on real sockets: all that have their roots, and
 *  nothing else. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { decode, encode, paths } from "../../../wire/p4/data.ts";
import * as many from "../../../wire/p4/many.ts";
import type { RedeemMany } from "../../serve/admission.ts";
import { noise, scratch, shelve, startPeer, type TestPeer, testPool } from "../../testing/peers.ts";
import { Fetcher } from "../fetcher.ts";
import type { SmallFile } from "./many.ts";

after(() => testPool.close());

type Got = { readonly name: string; readonly content: Buffer; readonly modifiedUs: number };

async function fetchAll(files: readonly SmallFile[], lockDir: string): Promise<Got[]> {
  const signal = new AbortController().signal;
  const fetcher = new Fetcher({ rules: { refuse: () => null }, lockDir, signal });
  const got: Got[] = [];
  try {
    await fetcher.readMany(files, (some) => {
      for (const { attributes, content, file } of some) {
        const { modifiedUs } = attributes;
        got.push({ name: file.source.fileName, content: Buffer.from(content), modifiedUs });
      }
    });
  } finally {
    await fetcher.close();
  }
  return got;
}

async function shared(peer: TestPeer, dir: string, sizes: readonly number[]) {
  const files: SmallFile[] = [];
  for (const [index, sizeBytes] of sizes.entries()) {
    const name = `f${index}`;
    const { root } = await shelve(peer, name, { dir, bytes: noise(sizeBytes, index + 1) });
    files.push({ root, sizeBytes, source: { ...peer.source(name), fileName: name } });
  }
  return files;
}

test("files of every small size come whole, with their times", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const sizes = [0, 1, 4_096, 16_384, 16_385, 100_000, 262_144, 262_144, 262_144, 262_144, 262_144];
  const files = await shared(peer, dir, sizes);
  const got = await fetchAll(files, join(dir, "locks"));
  assert.deepEqual(
    got.map(({ name }) => name),
    files.map(({ source }) => source.fileName),
  );
  for (const [index, { content, modifiedUs }] of got.entries()) {
    assert.ok(content.equals(noise(sizes[index]!, index + 1)), `${index}`);
    assert.ok(Math.abs(modifiedUs / 1000 - Date.now()) < 600_000);
  }
  assert.deepEqual(peer.broken, []);
});

test("what is gone, too large, or not admitted is left out; the others come", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const [a, gone, large, forged, b] = await shared(peer, dir, [10, 20, 262_145, 30, 40]);
  peer.shelf.remove("f1");
  const source = { ...forged!.source, credential: async () => "x".repeat(43) };
  const files = [a!, gone!, large!, b!];
  const names = (got: readonly Got[]) => got.map(({ name }) => name);
  assert.deepEqual(names(await fetchAll(files, join(dir, "locks"))), ["f0", "f4"]);
  // Without a master no ticket can be redeemed: nothing of that call comes.
  assert.deepEqual(await fetchAll([a!, { ...forged!, source }], join(dir, "locks")), []);
});

test("each ticket admits its own file, and many are redeemed in one request", async (t) => {
  const dir = scratch(t);
  const asked: Array<readonly string[]> = [];
  let redeemMany: RedeemMany | null = null;
  const peer = await startPeer(t, {
    admission: { linkSecret: "", redeem: () => null, redeemMany: () => redeemMany },
  });
  const files = await shared(peer, dir, [100, 200, 300]);
  redeemMany = async (tickets) => {
    asked.push(tickets);
    return tickets.map((ticket) => {
      if (ticket === "bad") return null;
      const { root } = files[Number(ticket)]!;
      return { fileName: `f${ticket}`, root, requester: "ann" };
    });
  };
  const withTicket = (index: number, ticket: string): SmallFile => {
    const file = files[index]!;
    return { ...file, source: { ...file.source, credential: async () => ticket } };
  };
  // The second shows a ticket for another file.
  const wanted = [withTicket(0, "0"), withTicket(1, "0"), withTicket(2, "bad"), withTicket(2, "2")];
  const got = await fetchAll(wanted, join(dir, "locks"));
  assert.deepEqual(
    got.map(({ name }) => name),
    ["f0", "f2"],
  );
  assert.deepEqual(asked, [["0", "bad", "2"]]);
});

test("content of another root, and files that were not asked for, are dropped", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t, {
    wrap: (methods) => ({
      ...methods,
      [paths.readMany]: {
        requestMaxBytes: many.manyMaxBytes.request,
        async handle(request, _call, sink) {
          const { files } = decode(many.readManyRequest, request);
          const none = { modifiedUs: 0, isExecutable: false, problem: "" };
          const wrong = files.map((_, index) => ({ ...none, index, content: noise(5, index + 9) }));
          wrong.push({ ...none, index: 99, content: noise(5, 1) });
          wrong.push({ ...none, index: 0, content: noise(5, 1) });
          const answer = { files: wrong };
          await sink.send([encode(many.readManyAnswer, answer, many.manyMaxBytes.answer)]);
        },
      },
    }),
  });
  const files = await shared(peer, dir, [5, 5]);
  const got = await fetchAll(files, join(dir, "locks"));
  assert.deepEqual(
    got.map(({ name, content }) => [name, content.equals(noise(5, 1))]),
    [["f0", true]],
  );
});

test("a peer without the call delivers nothing, and that is no failure", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t, {
    wrap: ({ [paths.readMany]: _none, ...others }) => others,
  });
  const files = await shared(peer, dir, [5]);
  assert.deepEqual(await fetchAll(files, join(dir, "locks")), []);
});
