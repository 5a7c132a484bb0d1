/** Downloads from real peers on real sockets: sizes, several sources, dying sources, resumption. */
import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { sha256, zeroHash } from "../hashing/sha256.ts";
import { PartialContent } from "../serve/partial-content.ts";
import { download, KiB, MiB, readingAs } from "../testing/downloads.ts";
import { noise, scratch, shelve, startPeer, testPool } from "../testing/peers.ts";
import { partialNames } from "./partial.ts";

after(() => testPool.close());

test("F11: files of 0 bytes, 1 byte and sizes around pieces arrive as they are", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const sizes = [0, 1, 16 * KiB - 1, 16 * KiB, 16 * KiB + 1, 16 * MiB, 16 * MiB + 1, 65 * MiB + 3];
  for (const size of sizes) {
    const bytes = noise(size);
    const { root } = await shelve(peer, `f${size}`, { dir, bytes });
    const target = join(dir, "got");
    const sources = [peer.source()];
    const result = await download(t, { root, target, sources, replaces: true }).run();
    assert.ok(bytes.equals(readFileSync(target)), `${size} bytes`);
    assert.equal(result.sizeBytes, size);
    assert.equal(result.receivedBytes, size);
  }
  const hidden = readdirSync(dir).filter((name) => name.startsWith("."));
  assert.deepEqual(hidden, [], "no leftovers");
  assert.deepEqual(peer.broken, []);
});

test("F11: a sparse file of 5 GB arrives, and its holes stay holes", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const sizeBytes = 5 * 1024 ** 3 + 17;
  const path = join(dir, "sparse");
  writeFileSync(path, "begin");
  truncateSync(path, sizeBytes);
  // Hashing 5 GB of holes would only take time.
  const pieces = Math.ceil(sizeBytes / MiB);
  const layer = Buffer.concat(new Array<Buffer>(pieces).fill(zeroHash(MiB)));
  layer.set(sha256(Buffer.concat([Buffer.from("begin"), Buffer.alloc(MiB - 5)])));
  layer.set(zeroHash(17), layer.length - 32);
  const { root } = await shelve(peer, "sparse", { dir, layer });
  const target = join(dir, "got");
  const result = await download(t, { root, target, sources: [peer.source()] }).run();
  assert.equal(result.sizeBytes, sizeBytes);
  const stats = await stat(target);
  assert.equal(stats.size, sizeBytes);
  assert.ok(stats.blocks * 512 < 64 * MiB, "holes are not written");
  assert.ok(result.receivedBytes <= 2 * MiB, "holes are not sent");
});

test("F3, F12: a peer that dies at 50 % costs nothing that was verified", async (t) => {
  const dir = scratch(t);
  const bytes = noise(20 * MiB);
  let sent = 0;
  let isDead = false;
  const mortal = await startPeer(t, {
    wrap: readingAs(
      (honest) => (request, call, sink) =>
        honest.handle(request, call, {
          async send(parts) {
            sent += parts[1]!.length;
            if (sent > bytes.length / 2 && !isDead) {
              isDead = true;
              void mortal.close();
            }
            await sink.send(parts);
          },
        }),
    ),
  });
  const other = await startPeer(t);
  const { root } = await shelve(mortal, "f", { dir, bytes });
  await shelve(other, "f", { dir, bytes });
  const target = join(dir, "got");
  const first = download(t, { root, target, sources: [mortal.source("mortal")] });
  await assert.rejects(first.run(), /no valid source.*mortal/);
  const more = async () => [other.source("other")];
  const dead = { ...mortal.source("mortal") };
  const result = await download(t, { root, target, sources: [dead], more }).run();
  assert.ok(bytes.equals(readFileSync(target)));
  // What was under way is lost: how much that is depends on how it was asked for.
  assert.ok(first.doneBytes > 0);
  assert.equal(result.resumedBytes, first.doneBytes);
  assert.equal(result.resumedBytes + result.receivedBytes, bytes.length);
});

test("F12: what an earlier download left is hashed again before it is used", async (t) => {
  const dir = scratch(t);
  // Pieces of zeros are holes of the file: damage in them counts, too.
  const bytes = Buffer.concat([noise(4 * MiB), Buffer.alloc(2 * MiB), noise(3 * MiB)]);
  const [some, all] = [await startPeer(t), await startPeer(t)];
  const { root } = await shelve(all, "f", { dir, bytes });
  await shelve(some, "f", { dir, bytes });
  const whole = some.shelf.rooted(root)!;
  const { layer, name, sizeBytes } = whole;
  const have = () => [{ first: 0, count: Math.floor(layer.length / 32 / 2) }];
  some.shelf.put({ layer, name, root, sizeBytes, have, read: (at, into) => whole.read(at, into) });
  const target = join(dir, "got");
  const limits = { againMs: 10, partsMs: 60 };
  await assert.rejects(
    download(t, { root, target, sources: [some.source()], limits }).run(),
    /none of the missing pieces/,
  );
  const part = openSync(partialNames(target, root).part, "r+");
  for (const at of [5, 4 * MiB + 100_000]) writeSync(part, Buffer.from("DAMA"), 0, 4, at);
  closeSync(part);
  const result = await download(t, { root, target, sources: [all.source()] }).run();
  assert.ok(bytes.equals(readFileSync(target)), "damaged bytes were called verified");
  assert.ok(result.resumedBytes > MiB, `${result.resumedBytes} bytes were kept`);
  assert.ok(result.receivedBytes > 3 * MiB, `${result.receivedBytes} bytes were fetched`);
});

test("F9: a journal that does not fit the partial file is ignored", async (t) => {
  const dir = scratch(t);
  const bytes = noise(3 * MiB);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes });
  const target = join(dir, "got");
  const names = partialNames(target, root);
  for (const journal of ["", "tequio download 1\nlies\n", Buffer.alloc(500, 1)]) {
    writeFileSync(names.part, Buffer.alloc(bytes.length, 5));
    writeFileSync(names.journal, journal);
    const result = await download(t, {
      root,
      target,
      sources: [peer.source()],
      replaces: true,
    }).run();
    assert.equal(result.resumedBytes, 0);
    assert.ok(bytes.equals(readFileSync(target)));
  }
});

test("several sources share the work, also when each has only parts", async (t) => {
  const dir = scratch(t);
  const bytes = noise(12 * MiB);
  const service = { rateMaxBytes: 40e6 };
  const peers = [];
  for (let n = 0; n < 3; n++) peers.push(await startPeer(t, { service }));
  let root = "";
  for (const [n, peer] of peers.entries()) {
    ({ root } = await shelve(peer, "f", { dir, bytes }));
    const whole = peer.shelf.rooted(root)!;
    const count = whole.layer.length / 32;
    const first = Math.floor((n * count) / 4);
    const have = () => [{ first, count: Math.floor(count / 2) + 1 }];
    const { layer, name, sizeBytes } = whole;
    peer.shelf.put({
      layer,
      name,
      root,
      sizeBytes,
      have,
      read: (at, into) => whole.read(at, into),
    });
  }
  const target = join(dir, "got");
  const sources = peers.map((peer, n) => peer.source(`part ${n}`));
  const result = await download(t, { root, target, sources }).run();
  assert.ok(bytes.equals(readFileSync(target)));
  for (const { name, receivedBytes } of result.sources) {
    assert.ok(receivedBytes > bytes.length / 10, `${name} sent ${receivedBytes}`);
  }
});

test("the wait for pieces that no source has is limited", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(MiB) });
  const whole = peer.shelf.rooted(root)!;
  const { layer, name, sizeBytes } = whole;
  const have = () => [{ first: 3, count: 20 }];
  peer.shelf.put({ layer, name, root, sizeBytes, have, read: (at, into) => whole.read(at, into) });
  const limits = { againMs: 10, partsMs: 60 };
  const sources = [peer.source("part")];
  const one = download(t, { root, target: join(dir, "got"), sources, limits });
  await assert.rejects(one.run(), /part: it has none of the missing pieces/);
});

test("a downloader serves what it has verified to another one, until both have all", async (t) => {
  const dir = scratch(t);
  const bytes = noise(8 * MiB);
  const seed = await startPeer(t, { service: { rateMaxBytes: 20e6 } });
  const middle = await startPeer(t);
  const { root } = await shelve(seed, "f", { dir, bytes });
  const opened = Promise.withResolvers<void>();
  let served: PartialContent | null = null;
  const first = download(t, {
    root,
    target: join(dir, "first"),
    sources: [seed.source("seed")],
    onOpen: (one) => {
      served = new PartialContent("f", one);
      middle.shelf.put(served);
      opened.resolve();
    },
    beforeClose: async () => served?.end(),
  }).run();
  await opened.promise;
  const second = download(t, {
    root,
    target: join(dir, "second"),
    sources: [middle.source("middle"), seed.source("seed")],
    limits: { againMs: 20 },
  }).run();
  const [, result] = await Promise.all([first, second]);
  assert.ok(bytes.equals(readFileSync(join(dir, "second"))));
  const middleBytes = result.sources.find(({ name }) => name === "middle")?.receivedBytes ?? 0;
  assert.ok(middleBytes > 0, "the one in the middle has sent something");
  await assert.rejects(served!.read(0, new Uint8Array(1)), /not here yet/, "its file is closed");
});

test("F9: a file that has taken the name meanwhile is not overwritten", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(100) });
  const target = join(dir, "got");
  const onOpen = () => writeFileSync(target, "mine");
  const one = download(t, { root, target, sources: [peer.source()], onOpen });
  await assert.rejects(one.run(), /conflict: .*has appeared meanwhile/);
  assert.equal(readFileSync(target, "utf8"), "mine");
});

test("an interrupted download keeps what was verified, and continues from there", async (t) => {
  const dir = scratch(t);
  const bytes = noise(10 * MiB);
  const peer = await startPeer(t, { service: { rateMaxBytes: 20e6 } });
  const { root } = await shelve(peer, "f", { dir, bytes });
  const target = join(dir, "got");
  const control = new AbortController();
  const one = download(t, { root, target, sources: [peer.source()], signal: control.signal });
  const running = one.run();
  const looking = setInterval(() => {
    if (one.partial?.done.count > 100) control.abort(new Error("Ctrl-C"));
  }, 5);
  t.after(() => clearInterval(looking));
  await assert.rejects(running, /Ctrl-C/);
  const result = await download(t, { root, target, sources: [peer.source()] }).run();
  assert.ok(result.resumedBytes >= 100 * 16 * KiB);
  assert.equal(result.resumedBytes + result.receivedBytes, bytes.length);
  assert.ok(bytes.equals(readFileSync(target)));
});

test("a target that cannot be written is not blamed on a source", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const { root } = await shelve(peer, "f", { dir, bytes: noise(100) });
  mkdirSync(join(dir, "got"));
  const target = join(dir, "missing", "got");
  const one = download(t, { root, target, sources: [peer.source()] });
  await assert.rejects(one.run(), /storage-failed|not-found/);
});
