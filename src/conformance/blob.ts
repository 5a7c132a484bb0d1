/** What every blob store must do, also one of a third party. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Blobs } from "../store/blob/blob.ts";
import { bytesIn, pattern, refusal, same, sha256 } from "./bytes.ts";
import { type Check, checksOf, inPlace, type SuiteOptions } from "./check.ts";

/** Opens a new, empty store; `place` is an empty directory that it may use, removed after the
 *  check. `reopen` opens the same store again after a `close`; left out by stores that remember
 *  nothing. */
export type OpenBlobs = (place: string) => Promise<{
  readonly blobs: Blobs;
  readonly reopen?: () => Promise<Blobs>;
}>;

/** Without `storage-failed` and `storage-full`, which are each store's own tests. Blobs up to
 *  3 MiB are written. */
export function blobChecks(open: OpenBlobs, options: SuiteOptions = {}): Check[] {
  const withBlobs = (run: Tests[string]) => () =>
    inPlace(async (place) => {
      const { blobs, reopen } = await open(place);
      const opened = [blobs];
      const again = async (): Promise<Blobs> => {
        if (reopen === undefined) throw new Error("this store cannot be reopened: skip this check");
        const next = await reopen();
        opened.push(next);
        return next;
      };
      try {
        await run(blobs, again);
      } finally {
        for (const one of opened) await one.close();
      }
    });
  const tests = Object.entries({ ...contents, ...refusals, ...endings });
  return checksOf(
    "blob",
    Object.fromEntries(tests.map(([title, run]) => [title, withBlobs(run)])),
    options,
  );
}

type Tests = Record<string, (blobs: Blobs, reopen: () => Promise<Blobs>) => Promise<void>>;

async function names(blobs: Blobs): Promise<string[]> {
  const found: string[] = [];
  for await (const hash of blobs.list()) found.push(hash);
  return found.sort();
}

const chunkBytes = 1 << 20;
const absent = "0".repeat(64);

const contents: Tests = {
  "blobs of 0, 1, and about a chunk's bytes come back as they were put": async (blobs) => {
    for (const sizeBytes of [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes]) {
      const bytes = pattern(sizeBytes);
      const put = await blobs.put([bytes]);
      assert.deepEqual(put, { hash: sha256(bytes), sizeBytes });
      assert.equal(await blobs.size(put.hash), sizeBytes);
      assert.ok(same(await bytesIn(blobs.read(put.hash)), bytes), `${sizeBytes} bytes`);
    }
  },

  "how the bytes are cut into chunks changes nothing": async (blobs) => {
    const bytes = pattern(700_001);
    async function* cut(): AsyncGenerator<Uint8Array> {
      let at = 0;
      for (let size = 0; at < bytes.byteLength; size = (size * 7 + 3) % 300_000) {
        yield bytes.subarray(at, at + size);
        at += size;
      }
    }
    assert.equal((await blobs.put(cut())).hash, sha256(bytes));
    assert.ok(same(await bytesIn(blobs.read(sha256(bytes))), bytes));
  },

  "the source may reuse its chunk once the next is requested": async (blobs) => {
    const chunk = new Uint8Array(100_000);
    function* reusing(): Generator<Uint8Array> {
      for (let i = 1; i <= 9; i += 1) yield chunk.fill(i);
    }
    const { hash } = await blobs.put(reusing());
    const bytes = await bytesIn(blobs.read(hash));
    assert.deepEqual([bytes.at(0), bytes.at(450_000), bytes.at(-1)], [1, 5, 9]);
  },

  "what a reader gets is its own": async (blobs) => {
    const bytes = pattern(1000);
    const { hash } = await blobs.put([bytes]);
    for await (const chunk of blobs.read(hash)) chunk.fill(0);
    assert.ok(same(await bytesIn(blobs.read(hash)), bytes));
  },

  "a range gives its bytes, whatever chunks it touches": async (blobs) => {
    const bytes = pattern(2 * chunkBytes + 10);
    const { hash } = await blobs.put([bytes]);
    const end = bytes.byteLength;
    for (const [start, stop] of [
      [0, 0],
      [0, 1],
      [5, 5],
      [chunkBytes - 1, chunkBytes + 1],
      [3, end - 3],
      [end - 1, end],
      [end, end],
      [0, end],
    ] as const) {
      const found = await bytesIn(blobs.read(hash, { start, end: stop }));
      assert.ok(same(found, bytes.subarray(start, stop)), `${start} to ${stop}`);
    }
  },

  "the same bytes put twice, also at once, are one blob": async (blobs) => {
    const bytes = pattern(300_000);
    const puts = await Promise.all(Array.from({ length: 8 }, () => blobs.put([bytes])));
    await blobs.put([bytes]);
    assert.equal(new Set(puts.map(({ hash }) => hash)).size, 1);
    assert.deepEqual(await names(blobs), [sha256(bytes)]);
    assert.ok(same(await bytesIn(blobs.read(sha256(bytes))), bytes));
  },

  "all blobs are listed, and no longer once they are deleted": async (blobs) => {
    const all = [1, 2, 3].map((start) => pattern(100, start));
    for (const bytes of all) await blobs.put([bytes]);
    assert.deepEqual(await names(blobs), all.map(sha256).sort());
    await blobs.delete(sha256(all[0]!));
    await blobs.delete(sha256(all[0]!));
    assert.deepEqual(await names(blobs), all.slice(1).map(sha256).sort());
    assert.equal(await blobs.size(sha256(all[0]!)), null);
  },

  "a path, where there is one, leads to the bytes": async (blobs) => {
    const bytes = pattern(5000);
    const { hash } = await blobs.put([bytes]);
    const path = blobs.path(hash);
    if (path !== null) assert.ok(same(await readFile(path), bytes));
    assert.equal(blobs.path(absent), null);
  },
};

const refusals: Tests = {
  "bytes that are not the expected ones are refused and leave nothing": async (blobs) => {
    const bytes = pattern(1000);
    await assert.rejects(blobs.put([bytes], { expect: absent }), refusal("data-lost"));
    assert.deepEqual(await names(blobs), []);
    const put = await blobs.put([bytes], { expect: sha256(bytes) });
    assert.equal(put.sizeBytes, 1000);
  },

  "more bytes than allowed are refused by name and leave nothing": async (blobs) => {
    const bytes = pattern(1001);
    const limit = { code: "limit-exceeded", message: /sizeMaxBytes/ };
    await assert.rejects(blobs.put([bytes], { sizeMaxBytes: 1000 }), limit);
    assert.deepEqual(await names(blobs), []);
    await blobs.put([bytes], { sizeMaxBytes: 1001 });
    for (const sizeMaxBytes of [2 ** 53, -1, 0.5, Number.NaN]) {
      await assert.rejects(blobs.put([bytes], { sizeMaxBytes }), refusal("bad-request"));
    }
  },

  "a source that fails leaves nothing, and its own error is passed on": async (blobs) => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield pattern(400_000);
      throw new RangeError("the source broke");
    }
    await assert.rejects(blobs.put(failing()), { name: "RangeError" });
    assert.deepEqual(await names(blobs), []);
  },

  "a blob that is not there has no size and cannot be read": async (blobs) => {
    assert.equal(await blobs.size(absent), null);
    await assert.rejects(bytesIn(blobs.read(absent)), refusal("not-found"));
  },

  "a range outside of the blob is refused": async (blobs) => {
    const { hash } = await blobs.put([pattern(10)]);
    for (const range of [
      { start: -1, end: 5 },
      { start: 0, end: 11 },
      { start: 6, end: 5 },
      { start: 0.5, end: 5 },
      { start: 0, end: 2 ** 53 },
    ]) {
      await assert.rejects(bytesIn(blobs.read(hash, range)), refusal("bad-request"));
    }
  },

  "a name that is no hash is refused, and never becomes a path": async (blobs) => {
    for (const name of ["", "..", `../${absent}`, absent.toUpperCase().replace("0", "A"), "a\0b"]) {
      await assert.rejects(blobs.size(name), refusal("bad-request"));
      await assert.rejects(bytesIn(blobs.read(name)), refusal("bad-request"));
      await assert.rejects(blobs.delete(name), refusal("bad-request"));
      await assert.rejects(blobs.put([], { expect: name }), refusal("bad-request"));
      assert.throws(() => blobs.path(name), refusal("bad-request"));
    }
  },
};

const endings: Tests = {
  "closing twice is allowed; every other call after it throws": async (blobs) => {
    const { hash } = await blobs.put([pattern(10)]);
    await blobs.close();
    await blobs.close();
    const closed = refusal("unavailable");
    await assert.rejects(blobs.put([]), closed);
    await assert.rejects(blobs.size(hash), closed);
    await assert.rejects(bytesIn(blobs.read(hash)), closed);
    await assert.rejects(blobs.delete(hash), closed);
    await assert.rejects(names(blobs), closed);
    assert.throws(() => blobs.path(hash), closed);
  },

  "a store opened again has the same blobs": async (blobs, reopen) => {
    const bytes = pattern(100_000);
    await blobs.put([bytes]);
    await blobs.close();
    const again = await reopen();
    assert.deepEqual(await names(again), [sha256(bytes)]);
    assert.ok(same(await bytesIn(again.read(sha256(bytes))), bytes));
  },
};
