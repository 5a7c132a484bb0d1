/** Bit flips in the files of log and blobs: a read returns the correct bytes, or a refusal. None
 *  goes unnoticed. */
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Random } from "../../src/core/random.ts";
import { openDiskBlobs } from "../../src/store/blob/disk.ts";
import type { Log } from "../../src/store/log/log.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { blobBytes, recordBytes } from "../failpoints/store-contents.ts";
import { damage, type Files, filesIn, flips, refusal } from "./flips.ts";

const logFlips = 2_000;
const blobFlips = 1_000;
const seed = Number(process.env.FLIP_SEED ?? 1);
const snapshotAt = 5;
const small = { ballastBytes: 0 };
/** In memory where that is possible: two thousand stores are opened. */
const memory = "/dev/shm";
const place = existsSync(memory) ? memory : tmpdir();

/** The contents of a log, or the code of its refusal. */
async function logSays(dir: string): Promise<string> {
  let log: Log | null = null;
  try {
    log = await openSqliteLog(join(dir, "log.db"), small);
    const said: unknown[] = [await log.last()];
    const snapshot = await log.loadSnapshot();
    said.push(snapshot?.position, hex(snapshot?.bytes));
    for await (const { position, bytes } of log.read(snapshotAt)) said.push(position, hex(bytes));
    return JSON.stringify(said);
  } catch (error) {
    return refusal(error, ["storage-failed", "version-mismatch"]);
  } finally {
    await log?.close();
  }
}

async function blobsSay(dir: string): Promise<string> {
  const blobs = await openDiskBlobs(dir);
  try {
    const said: string[] = [];
    for await (const hash of blobs.list()) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of blobs.read(hash)) chunks.push(chunk);
      const end = (await blobs.size(hash)) ?? 0;
      for await (const chunk of blobs.read(hash, { start: end >> 1, end })) chunks.push(chunk);
      said.push(`${hash} ${hex(Buffer.concat(chunks))}`);
    }
    return said.sort().join("\n");
  } catch (error) {
    return refusal(error, ["data-lost"]);
  } finally {
    await blobs.close();
  }
}

function hex(bytes: Uint8Array = new Uint8Array(0)): string {
  return Buffer.from(bytes).toString("hex");
}

type Flipping = {
  readonly files: Files;
  readonly count: number;
  readonly says: (dir: string) => Promise<string>;
};

async function flipBits({ files, count, says }: Flipping) {
  const random = new Random(seed);
  const dir = join(newFolder("tequio-flips-", place), "copy");
  const next = flips(files, random);
  const counts = { refused: 0, harmless: 0 };
  try {
    damage(files, "", 0, dir);
    const truth = await says(dir);
    assert.ok(!truth.startsWith("refused"), truth);
    for (let n = 0; n < count; n += 1) {
      const [name, bit] = next();
      damage(files, name, bit, dir);
      const said = await says(dir);
      if (said.startsWith("refused")) counts.refused += 1;
      else if (said === truth) counts.harmless += 1;
      else assert.fail(`bit ${bit} of ${name}, seed ${seed}: silently different`);
    }
    return counts;
  } finally {
    rmSync(dirname(dir), { recursive: true, force: true });
  }
}

/** A log as a killed process leaves it: records in the database, and further ones in the WAL. */
async function logFiles(): Promise<Files> {
  const dir = newFolder("tequio-flips-", place);
  const log = await openSqliteLog(join(dir, "log.db"), { ballastBytes: 256 << 10 });
  try {
    for (let last = 0; last < 40; ) {
      last = await log.append([recordBytes(last + 1, false), recordBytes(last + 2, false)], last);
    }
    await log.saveSnapshot(snapshotAt, recordBytes(99, false));
    await log.trim(snapshotAt - 1);
    await log.append([recordBytes(41, false)], 40);
    await log.append([recordBytes(42, false)], 41);
    const files = new Map(filesIn(dir));
    for (const left of ["log.db.ballast", "log.db.lock", "log.db-shm"]) files.delete(left);
    return files;
  } finally {
    await log.close();
    removeFolder(dir);
  }
}

async function blobFiles(): Promise<Files> {
  const dir = newFolder("tequio-flips-", place);
  const blobs = await openDiskBlobs(dir);
  for (const n of [1, 3, 50, 700]) await blobs.put([blobBytes(n)], { ranges: true });
  await blobs.close();
  const files = filesIn(dir);
  removeFolder(dir);
  return files;
}

test(`${logFlips} flipped bits in database, WAL and witness: none is silent (C6)`, async (t) => {
  const counts = await flipBits({ files: await logFiles(), count: logFlips, says: logSays });
  assert.ok(counts.refused > logFlips / 2, JSON.stringify(counts));
  t.diagnostic(`${counts.refused} refused, ${counts.harmless} changed nothing, seed ${seed}`);
});

test(`${blobFlips} flipped bits in blobs: none is silent (C6)`, async (t) => {
  const counts = await flipBits({ files: await blobFiles(), count: blobFlips, says: blobsSay });
  // Hashes of pieces are computed again.
  assert.ok(counts.refused > 0.9 * blobFlips, JSON.stringify(counts));
  t.diagnostic(`${counts.refused} refused, ${counts.harmless} changed nothing, seed ${seed}`);
});
