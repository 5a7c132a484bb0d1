/** Sources that lie, stall or never end: given up in time, and no wrong byte gets a name. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { decode, readAnswerParts, readRequest } from "../../wire/p4/data.ts";
import { bending, download, KiB, MiB, readingAs } from "../testing/downloads.ts";
import { noise, scratch, shelve, startPeer, testPool } from "../testing/peers.ts";

after(() => testPool.close());

/** What it sends, how, and the error that is reported. */
const liars: ReadonlyArray<readonly [string, ReturnType<typeof readingAs>, string]> = [
  ["one flipped bit", bending((content) => content.with(5, content[5]! ^ 1)), "not the file's"],
  ["right length, wrong bytes", bending((content) => content.fill(9)), "not the file's"],
  ["a piece that is cut", bending((content) => content.subarray(1)), "has \\d+ bytes"],
  [
    "a piece that is too long",
    bending((content) => Buffer.concat([content, content])),
    "has \\d+ bytes",
  ],
  [
    "another piece than was requested",
    readingAs(() => async (_request, _call, sink) => {
      await sink.send(readAnswerParts({ piece: 70_000, content: new Uint8Array(16 * KiB) }));
    }),
    "not asked for",
  ],
  ["nothing at all", readingAs(() => async () => {}), "pieces early"],
];

for (const [what, wrap, said] of liars) {
  test(`F1, F2: a peer that sends ${what} is given up for an honest one`, async (t) => {
    const dir = scratch(t);
    const [liar, honest] = [await startPeer(t, { wrap }), await startPeer(t)];
    const bytes = noise(2 * MiB);
    const { root } = await shelve(liar, "f", { dir, bytes });
    await shelve(honest, "f", { dir, bytes });
    const target = join(dir, "got");
    await assert.rejects(
      download(t, { root, target, sources: [liar.source("liar")] }).run(),
      new RegExp(`download-failed: no valid source of .* is left \\(liar: .*${said}`),
    );
    assert.equal(readdirSync(dir).includes("got"), false, "nothing has the name");
    const sources = [liar.source("liar"), honest.source("honest")];
    await download(t, { root, target, sources }).run();
    assert.ok(bytes.equals(readFileSync(target)));
  });
}

test("F2: a peer that never ends is cut off where the run ends", async (t) => {
  const dir = scratch(t);
  let cut = 0;
  const wrap = readingAs((honest) => async (request, call, sink) => {
    await honest.handle(request, call, sink);
    const { runs } = decode(readRequest, request);
    try {
      for (;;) {
        const content = new Uint8Array(16 * KiB);
        await sink.send(readAnswerParts({ piece: runs[0]!.first, content }));
      }
    } catch {
      cut += 1;
    }
  });
  const peer = await startPeer(t, { wrap });
  const bytes = noise(MiB);
  const { root } = await shelve(peer, "f", { dir, bytes });
  const target = join(dir, "got");
  const result = await download(t, { root, target, sources: [peer.source()] }).run();
  assert.equal(result.receivedBytes, bytes.length);
  assert.ok(bytes.equals(readFileSync(target)));
  await peer.close();
  assert.ok(cut > 0);
});

test("F1: swapped pieces are refused, though each is a piece of the file", async (t) => {
  const dir = scratch(t);
  const bytes = noise(64 * KiB);
  const wrap = readingAs(() => async (request, _call, sink) => {
    for (const { first, count } of decode(readRequest, request).runs) {
      for (let piece = first; piece < first + count; piece++) {
        const other = 3 - piece;
        const content = bytes.subarray(other * 16 * KiB, (other + 1) * 16 * KiB);
        await sink.send(readAnswerParts({ piece, content }));
      }
    }
  });
  const peer = await startPeer(t, { wrap });
  const { root } = await shelve(peer, "f", { dir, bytes });
  const one = download(t, { root, target: join(dir, "got"), sources: [peer.source()] });
  await assert.rejects(one.run(), /not the file's/);
});

test("F1: a layer or a size that does not make the root is refused before any piece", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(40 * KiB) });
  const honest = peer.shelf.rooted(root)!;
  const bent = [
    { layer: honest.layer.map((byte) => byte ^ 1) },
    { sizeBytes: honest.sizeBytes + 1 },
    { sizeBytes: 2 ** 52 },
    { root: "ab".repeat(32) },
  ];
  for (const change of bent) {
    const liar = await startPeer(t);
    const { layer, name, sizeBytes } = honest;
    const content = { layer, name, root, sizeBytes, ...change };
    const have = () => honest.have();
    liar.shelf.put({ ...content, have, read: (at, into) => honest.read(at, into) });
    // Found under the requested root, whatever root it reports.
    liar.shelf.rooted = () => liar.shelf.named(name);
    const one = download(t, { root, target: join(dir, "got"), sources: [liar.source()] });
    await assert.rejects(one.run(), /no valid source/);
    assert.ok(!readdirSync(dir).some((name) => name.startsWith(".") || name === "got"));
  }
});

test("F2: a peer that stalls is given up in time, and another one continues", async (t) => {
  const dir = scratch(t);
  const wrap = readingAs(
    () => (_request, call) =>
      new Promise((_, reject) => {
        call.signal.addEventListener("abort", () => reject(call.signal.reason));
      }),
  );
  const [slow, honest] = [await startPeer(t, { wrap }), await startPeer(t)];
  const bytes = noise(4 * MiB);
  const { root } = await shelve(slow, "f", { dir, bytes });
  await shelve(honest, "f", { dir, bytes });
  const target = join(dir, "got");
  const limits = { idleMs: 50, rateMin: 1e9, retryMs: 5, triesMax: 2 };
  await assert.rejects(
    download(t, { root, target, sources: [slow.source("slow")], limits }).run(),
    /slow: nothing came within/,
  );
  // On a busy machine an honest peer, too, may need longer than above.
  const longer = { ...limits, idleMs: 3_000 };
  const sources = [slow.source(), honest.source()];
  await download(t, { root, target, sources, limits: longer }).run();
  assert.ok(bytes.equals(readFileSync(target)));
});
