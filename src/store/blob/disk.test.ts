/** Blobs on disk against the conformance tests of all blob stores; then damage, leftovers, full
 *  disks, adoption. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { inPlace } from "../../../test/conformance/place.ts";
import { blobConformance } from "../../../test/conformance/register.ts";
import { mountSmallDisk } from "../../../test/conformance/tmpfs.ts";
import { bytesIn, pattern, refusal, same, sha256 } from "../../conformance/bytes.ts";
import { type DiskBlobs, openDiskBlobs, viewDiskBlobs } from "./disk.ts";
import { layerPath, pieceBytes, sealedLayer } from "./pieces.ts";
import { temporaryName } from "./temporary.ts";

const chunkBytes = 1 << 20;

blobConformance("disk", async (place) => {
  const directory = join(place, "data", "blobs");
  return { blobs: await openDiskBlobs(directory), reopen: () => openDiskBlobs(directory) };
});

function withStore(run: (blobs: DiskBlobs, place: string) => Promise<void>): () => Promise<void> {
  return () => inPlace(async (place) => run(await openDiskBlobs(join(place, "blobs")), place));
}

const hashBytes = (bytes: Uint8Array) => Buffer.from(sha256(bytes), "hex");

/** What a consumer got before the error, and the error's code. */
async function readDamaged(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly bytes: number; readonly code: string }> {
  let bytes = 0;
  try {
    for await (const chunk of chunks) bytes += chunk.byteLength;
    return { bytes, code: "none" };
  } catch (error) {
    return { bytes, code: (error as { code: string }).code };
  }
}

test(
  "C6: one flipped bit anywhere is `data-lost` before the last chunk is returned",
  withStore(async (blobs) => {
    for (const sizeBytes of [1, 1000, chunkBytes, 2 * chunkBytes + 5]) {
      const { hash } = await blobs.put([pattern(sizeBytes)]);
      for (const at of [0, Math.floor(sizeBytes / 2), sizeBytes - 1]) {
        const damaged = pattern(sizeBytes);
        damaged[at] = damaged[at]! ^ 4;
        writeFileSync(blobs.path(hash)!, damaged);
        const { bytes, code } = await readDamaged(blobs.read(hash));
        assert.equal(code, "data-lost");
        assert.ok(bytes < sizeBytes, `${bytes} of ${sizeBytes} bytes were returned`);
      }
    }
  }),
);

test(
  "C6: a file that is too short or too long is `data-lost` at once, also for a range",
  withStore(async (blobs) => {
    for (const wrongBytes of [0, 99, 101]) {
      const { hash } = await blobs.put([pattern(100)]);
      truncateSync(blobs.path(hash)!, wrongBytes);
      const lost = { code: "data-lost", message: new RegExp(`blob ${hash} .*${wrongBytes} bytes`) };
      await assert.rejects(bytesIn(blobs.read(hash)), lost);
      await assert.rejects(bytesIn(blobs.read(hash, { start: 0, end: 1 })), lost);
      await assert.rejects(blobs.size(hash), lost);
    }
  }),
);

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = bytes[at]! ^ 4;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
}

for (const [how, sizeBytes] of [
  ["one piece", 1000],
  ["many pieces", 3 * chunkBytes + 5],
] as const) {
  test(
    `X2: a range of a blob of ${how} never returns bytes of a damaged piece`,
    withStore(async (blobs, place) => {
      const bytes = pattern(sizeBytes);
      const { hash } = await blobs.put([bytes], { ranges: true });
      const [last, step] = [sizeBytes - 1, Math.ceil(sizeBytes / 7)];
      for (const at of [0, pieceBytes - 1, pieceBytes, sizeBytes >> 1, last]) {
        if (at > last) continue;
        flip(blobs.path(hash)!, at);
        // A store that has verified it before, and one that opens it now.
        for (const store of [blobs, await openDiskBlobs(join(place, "blobs"))]) {
          for (let start = 0; start < sizeBytes; start += step) {
            const end = Math.min(sizeBytes, start + step);
            const got: Uint8Array[] = [];
            const read = async () => {
              for await (const chunk of store.read(hash, { start, end })) got.push(chunk);
            };
            if (start <= at && at < end) await assert.rejects(read, refusal("data-lost"));
            // Ranges beside the damage, even in the same piece, return correct bytes.
            else await read().catch(() => {});
            const given = Buffer.concat(got);
            assert.ok(same(given, bytes.subarray(start, start + given.length)), `flipped ${at}`);
          }
        }
        flip(blobs.path(hash)!, at);
      }
    }),
  );
}

test(
  "X2: a blob whose layer is damaged, missing or of another blob is verified as a whole",
  withStore(async (blobs, place) => {
    const bytes = pattern(2 * chunkBytes);
    const { hash } = await blobs.put([bytes], { ranges: true });
    const other = await blobs.put([pattern(2 * chunkBytes, 2)], { ranges: true });
    const layer = layerPath(blobs.path(hash)!, hash);
    const range = { start: pieceBytes + 5, end: 3 * pieceBytes };
    const wanted = bytes.subarray(range.start, range.end);
    const harms = [
      () => flip(layer, 40),
      () => truncateSync(layer, 64),
      () => rmSync(layer),
      () => writeFileSync(layer, readFileSync(layerPath(blobs.path(other.hash)!, other.hash))),
    ];
    for (const harm of harms) {
      harm();
      const store = await openDiskBlobs(join(place, "blobs"));
      assert.ok(same(await bytesIn(store.read(hash, range)), wanted));
      assert.equal(readFileSync(layer).length, 32 * 8 + 32, "it has been made again");
      rmSync(layer);
      // A read-only view leaves everything as it is.
      const view = viewDiskBlobs(join(place, "blobs"));
      assert.ok(same(await bytesIn(view.read(hash, range)), wanted));
      assert.equal(existsSync(layer), false);
      writeFileSync(layer, "");
    }
    flip(blobs.path(hash)!, 5);
    const store = await openDiskBlobs(join(place, "blobs"));
    await assert.rejects(bytesIn(store.read(hash, range)), refusal("data-lost"));
  }),
);

test(
  "a blob that is adopted gives ranges, and one that is deleted leaves nothing",
  withStore(async (blobs, place) => {
    const bytes = pattern(chunkBytes);
    writeFileSync(join(place, "result"), bytes);
    const { hash } = await blobs.adopt(join(place, "result"));
    const path = blobs.path(hash)!;
    const got = await bytesIn(blobs.read(hash, { start: 7, end: chunkBytes - 7 }));
    assert.ok(same(got, bytes.subarray(7, chunkBytes - 7)));
    assert.equal(readdirSync(dirname(path)).length, 2);
    await blobs.delete(hash);
    assert.deepEqual(readdirSync(dirname(path)), []);
  }),
);

test(
  "C6: putting the bytes again repairs a damaged blob",
  withStore(async (blobs) => {
    const bytes = pattern(5000);
    const { hash } = await blobs.put([bytes]);
    writeFileSync(blobs.path(hash)!, new Uint8Array(5000));
    await assert.rejects(bytesIn(blobs.read(hash)), refusal("data-lost"));
    // Damage is remembered once found, so a client that checks for the blob puts it again.
    await assert.rejects(blobs.size(hash), refusal("data-lost"));
    await blobs.put([bytes]);
    assert.equal(await blobs.size(hash), 5000);
    assert.ok(same(await bytesIn(blobs.read(hash)), bytes));
  }),
);

test(
  "F11: bytes beyond 4 GiB are found",
  withStore(async (blobs) => {
    // A sparse file: only its last bytes exist, and only the pieces that are read have hashes.
    const { hash } = await blobs.put([pattern(10)]);
    const path = blobs.path(hash)!;
    const sizeBytes = 2 ** 32 + 5;
    const large = join(dirname(path), `${hash}.${sizeBytes}`);
    renameSync(path, large);
    truncateSync(large, 2 ** 32);
    writeFileSync(large, "tail!", { flag: "a" });
    const layer = Buffer.alloc(32 * (2 ** 32 / pieceBytes + 1));
    layer.set(hashBytes(Buffer.alloc(pieceBytes)), layer.length - 64);
    layer.set(hashBytes(Buffer.from("tail!")), layer.length - 32);
    writeFileSync(layerPath(large, hash), sealedLayer({ hash, sizeBytes }, layer));
    assert.equal(await blobs.size(hash), sizeBytes);
    const tail = await bytesIn(blobs.read(hash, { start: 2 ** 32 - 1, end: sizeBytes }));
    assert.equal(Buffer.from(tail).toString(), "\0tail!");
  }),
);

test(
  "only the owner may read blobs, and nothing unfinished stays",
  withStore(async (blobs, place) => {
    const { hash } = await blobs.put([pattern(10)]);
    assert.equal(statSync(blobs.path(hash)!).mode & 0o077, 0);
    assert.equal(statSync(join(place, "blobs")).mode & 0o077, 0);
    await assert.rejects(blobs.put([pattern(11)], { expect: hash }), refusal("data-lost"));
    assert.deepEqual(readdirSync(join(place, "blobs", "part")), []);
  }),
);

test("F9: leftovers of dead processes are swept, those of living ones are not", () =>
  inPlace(async (place) => {
    const part = join(place, "part");
    mkdirSync(part);
    const mine = temporaryName();
    const [machine, pid] = mine.split("-") as [string, string];
    const dead = spawnSync(process.execPath, ["--version"]).pid;
    const kept = [mine, `${machine}-${process.ppid}-aaaa-1.part`, "elsewhere-1-aaaa-1.part"];
    const swept = [`${machine}-${dead}-aaaa-1.part`, `${machine}-${pid}-earlier-1.part`];
    const old = "elsewhere-1-aaaa-2.part";
    for (const name of [...kept, ...swept, old]) writeFileSync(join(part, name), "half");
    utimesSync(join(part, old), new Date(0), new Date(0));
    await (await openDiskBlobs(place)).close();
    assert.deepEqual(readdirSync(part).sort(), [...kept].sort());
  }));

test("F9: a process killed during puts leaves whole blobs only, and the rest is swept", () =>
  inPlace(async (place) => {
    const script = `
      import { openDiskBlobs } from ${JSON.stringify(join(import.meta.dirname, "disk.ts"))};
      const blobs = await openDiskBlobs(${JSON.stringify(place)});
      for (let i = 0; ; i += 1) {
        const put = await blobs.put([Buffer.alloc(100_000 + i, i), Buffer.alloc(200_000)]);
        process.stdout.write(put.hash + "\\n");
      }`;
    const args = ["--input-type=module-typescript", "-e", script];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    child.stdout.on("data", (text) => {
      printed += text;
      if (printed.length > 65 * 20) child.kill("SIGKILL");
    });
    await once(child, "close");
    const acknowledged = printed.split("\n").filter((line) => line.length === 64);
    const blobs = await openDiskBlobs(place);
    assert.deepEqual(readdirSync(join(place, "part")), []);
    assert.ok(acknowledged.length >= 20);
    for (const hash of acknowledged) await bytesIn(blobs.read(hash));
    for await (const hash of blobs.list()) await bytesIn(blobs.read(hash));
  }));

test("C4: on a full disk a put leaves nothing, reads still work, a delete makes room", (t) =>
  inPlace(async (place) => {
    const disk = mountSmallDisk(place, "2m");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      const blobs = await openDiskBlobs(place);
      const kept = await blobs.put([pattern(chunkBytes)]);
      const large = pattern(chunkBytes + 1000, 2);
      await assert.rejects(blobs.put([large]), refusal("storage-full"));
      assert.deepEqual(readdirSync(join(place, "part")), []);
      assert.equal(await blobs.size(sha256(large)), null);
      assert.ok(same(await bytesIn(blobs.read(kept.hash)), pattern(chunkBytes)));
      await blobs.delete(kept.hash);
      assert.equal((await blobs.put([large])).sizeBytes, large.byteLength);
    } finally {
      disk.unmount();
    }
  }));

test("C7: a place that cannot hold blobs is refused", (t) =>
  inPlace(async (place) => {
    writeFileSync(join(place, "file"), "");
    await assert.rejects(openDiskBlobs(join(place, "file")), refusal("bad-request"));
    const directory = join(place, "blobs");
    await (await openDiskBlobs(directory)).close();
    if (process.geteuid?.() !== 0) {
      chmodSync(join(directory, "part"), 0o500);
      return assert.rejects(openDiskBlobs(directory), refusal("bad-request"));
    }
    const disk = mountSmallDisk(directory, "1m");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      disk.makeReadOnly();
      await assert.rejects(openDiskBlobs(directory), refusal("bad-request"));
    } finally {
      disk.unmount();
    }
  }));

test(
  "an adopted file is a blob without a copy, and stays when its old name goes",
  withStore(async (blobs, place) => {
    const bytes = pattern(2 * chunkBytes + 1);
    const file = join(place, "result");
    writeFileSync(file, bytes);
    const put = await blobs.adopt(file, sha256(bytes));
    assert.deepEqual(put, { hash: sha256(bytes), sizeBytes: bytes.byteLength });
    assert.equal(statSync(blobs.path(put.hash)!).ino, statSync(file).ino);
    assert.equal(statSync(blobs.path(put.hash)!).mode & 0o777, 0o400);
    rmSync(file);
    assert.ok(same(await bytesIn(blobs.read(put.hash)), bytes));
    await blobs.adopt(blobs.path(put.hash)!);
    assert.ok(
      same(await bytesIn(blobs.read(put.hash)), bytes),
      "adopting a blob itself is harmless",
    );
  }),
);

test("adopting copies where it cannot link", (t) =>
  inPlace(async (place) => {
    mkdirSync(join(place, "blobs"));
    const disk = mountSmallDisk(join(place, "blobs"), "1m");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      const blobs = await openDiskBlobs(join(place, "blobs"));
      writeFileSync(join(place, "result"), pattern(5000));
      const { hash } = await blobs.adopt(join(place, "result"), sha256(pattern(5000)));
      assert.ok(same(readFileSync(blobs.path(hash)!), pattern(5000)));
    } finally {
      disk.unmount();
    }
  }));

test("what is not the expected plain file is not adopted, and is left where it is", () =>
  inPlace(async (place) => {
    const blobs = await openDiskBlobs(join(place, "blobs"), { blobMaxBytes: 1000 });
    const at = (name: string): string => join(place, name);
    writeFileSync(at("file"), pattern(1000));
    symlinkSync(at("file"), at("link"));
    linkSync(at("file"), at("twin"));
    writeFileSync(at("large"), pattern(1001));
    await assert.rejects(blobs.adopt(at("none")), refusal("not-found"));
    await assert.rejects(blobs.adopt(at("link")), refusal("bad-request"));
    await assert.rejects(blobs.adopt(place), refusal("bad-request"));
    await assert.rejects(blobs.adopt(at("large")), refusal("limit-exceeded"));
    await assert.rejects(blobs.adopt(at("file"), sha256(pattern(9))), refusal("data-lost"));
    assert.ok(existsSync(at("file")));
    assert.deepEqual(readdirSync(at("blobs/part")), []);
    for await (const hash of blobs.list()) assert.fail(`${hash} is there`);
    assert.equal((await blobs.adopt(at("twin"))).sizeBytes, 1000);
  }));

test(
  "lent chunks are right until the second after is asked for, and take few buffers",
  withStore(async (blobs, place) => {
    const bytes = pattern(9 * chunkBytes + 5);
    const { hash } = await blobs.put([bytes]);
    const memory = new Set<ArrayBufferLike>();
    const chunks: Uint8Array[] = [];
    let at = 0;
    const right = (chunk: Uint8Array | undefined) => {
      if (chunk === undefined) return;
      assert.ok(same(chunk, bytes.subarray(at, at + chunk.length)), `at ${at}`);
      at += chunk.length;
    };
    for await (const chunk of viewDiskBlobs(join(place, "blobs")).lend(hash)) {
      memory.add(chunk.buffer);
      // The last but one, now that the last is given.
      right(chunks.at(-1));
      chunks.push(chunk);
    }
    right(chunks.at(-1));
    assert.equal(at, bytes.length);
    assert.equal(memory.size, 3);
  }),
);
