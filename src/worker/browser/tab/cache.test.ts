/** Inputs that a tab keeps on its device, on a folder in memory. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { InputFile } from "../../../wire/block/plan.ts";
import { contentName, type Folder, InputCache } from "./cache.ts";

type Place = { readonly at: number };

/** Files in memory, by name. `lastModified` is the order of writing. `isBusy`: another tab reads
 *  them, and the browser lets only one. */
function folderOf(files = new Map<string, Uint8Array>(), isBusy = false) {
  const open = new Set<string>();
  const fileOf = (name: string) => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new Error(`NotFoundError: ${name}`);
    const lastModified = [...files.keys()].indexOf(name);
    return Object.assign(new Blob([bytes as Uint8Array<ArrayBuffer>]), { name, lastModified });
  };
  const handleOf = (name: string) => ({
    kind: "file",
    getFile: async () => fileOf(name),
    createSyncAccessHandle: async (options = {}) => {
      const isRead = "mode" in options;
      if (!isRead && open.has(name)) throw new Error("NoModificationAllowedError");
      if (isRead && (isBusy || !files.has(name))) throw new Error("NoModificationAllowedError");
      open.add(name);
      let bytes = Buffer.from(files.get(name) ?? []);
      return {
        getSize: () => bytes.length,
        read: (into: Uint8Array, { at }: Place) => bytes.copy(into, 0, at),
        write(part: Uint8Array, { at }: Place) {
          bytes = Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + part.length)]);
          return part.length;
        },
        truncate(sizeBytes: number) {
          bytes = bytes.subarray(0, sizeBytes);
        },
        close() {
          open.delete(name);
          if (!isRead) files.set(name, bytes);
        },
      };
    },
  });
  const folder = {
    getFileHandle: async (name: string) => handleOf(name),
    removeEntry: async (name: string) => void files.delete(name),
    async *values() {
      for (const name of files.keys()) yield handleOf(name);
    },
  };
  return { files, folder: folder as unknown as Folder };
}

const size = 100_000;
const input = (n: number) => new Uint8Array(size).fill(n);
/** As from a coordinator that sends no digest. */
const fetched = (bytes: Uint8Array) => ({ bytes, digest: null });

test("an input that is kept is given again, also to the next life of the page", async () => {
  const { files, folder } = folderOf();
  const cache = await InputCache.of(folder, 1e6);
  const bytes = input(1);
  const putting = cache.put("aa", 7, fetched(bytes));
  bytes.fill(9);
  await putting;
  assert.deepEqual(await cache.get("aa", 7, 7 + size), input(1));
  assert.equal(await cache.get("aa", 8, 8 + size), null);
  const next = await InputCache.of(folderOf(files).folder, 1e6);
  assert.equal(next.usedBytes, size + 32);
  assert.deepEqual(await next.get("aa", 7, 7 + size), input(1));
  const beside = await InputCache.of(folderOf(files, true).folder, 1e6);
  const read = await beside.get("aa", 7, 7 + size);
  assert.deepEqual(read, input(1));
  assert.equal(read?.buffer.byteLength, size, "its buffer can be handed over");
});

test("what was used longest ago goes first, and the quota holds", async () => {
  const { files, folder } = folderOf();
  const cache = await InputCache.of(folder, 2.5 * size);
  await cache.put("aa", 0, fetched(input(1)));
  await cache.put("bb", 0, fetched(input(2)));
  assert.ok((await cache.get("aa", 0, size)) !== null);
  await cache.put("cc", 0, fetched(input(3)));
  assert.deepEqual([...files.keys()].sort(), [`aa-0-${size}`, `cc-0-${size}`]);
  assert.ok(cache.usedBytes <= 2.5 * size);
  await cache.put("small", 0, fetched(new Uint8Array(100)));
  assert.equal(files.size, 2, "a small one is not kept");
  await cache.limit(0);
  assert.deepEqual([files.size, cache.usedBytes], [0, 0]);
  await cache.put("dd", 0, fetched(input(4)));
  assert.equal(files.size, 0);
});

test("a limit that is set while an input is being written holds for it, too", async () => {
  const { files, folder } = folderOf();
  const [begun, limited] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: Folder = {
    ...folder,
    async getFileHandle(name) {
      begun.resolve();
      await limited.promise;
      return folder.getFileHandle(name);
    },
  };
  const cache = await InputCache.of(slow, 1e6);
  const writing = cache.put("aa", 0, fetched(input(1)));
  await begun.promise;
  await cache.limit(0);
  limited.resolve();
  await writing;
  assert.deepEqual([files.size, cache.usedBytes], [0, 0]);
});

test("an entry that has changed, or is gone, is dropped", async () => {
  const { files, folder } = folderOf();
  const cache = await InputCache.of(folder, 1e6);
  await cache.put("aa", 0, fetched(input(1)));
  files.get(`aa-0-${size}`)![500]! ^= 1;
  assert.equal(await cache.get("aa", 0, size), null);
  assert.equal(files.size, 0);
  await cache.put("aa", 0, fetched(input(1)));
  files.clear();
  assert.equal(await cache.get("aa", 0, size), null);
  assert.equal(cache.usedBytes, 0);
});

test("a digest that came with an input is kept, and compared by who reads", async (t) => {
  const { files, folder } = folderOf();
  const cache = await InputCache.of(folder, 1e6);
  const digest = new Uint8Array(createHash("sha256").update(input(1)).digest());
  const digests = t.mock.method(crypto.subtle, "digest");
  await cache.put("aa", 0, { bytes: input(1), digest });
  assert.equal(digests.mock.callCount(), 0, "it is not computed again");
  assert.deepEqual(await cache.get("aa", 0, size), input(1));
  await cache.put("bb", 0, { bytes: input(2), digest });
  assert.equal(await cache.get("bb", 0, size), null);
  assert.deepEqual([...files.keys()], [`aa-0-${size}`]);
});

test("a file that has changed, or is another owner's, has another name", async () => {
  const at = { kind: "path", host: "h", path: "/a", mtimeMs: 1 } as const;
  const name = (file: object, owner = "ana") =>
    contentName({ sizeBytes: 10, at, ...file } as InputFile, owner);
  assert.equal(await name({}), await name({ name: "shown otherwise" }));
  assert.notEqual(await name({}), await name({ at: { ...at, mtimeMs: 2 } }));
  assert.notEqual(await name({}), await name({ sizeBytes: 11 }));
  assert.notEqual(await name({}), await name({}, "eva"));
  const shared = (host: string) => name({ at: { kind: "shared", root: "aa", host } });
  assert.equal(await shared("one"), await shared("another"));
});
