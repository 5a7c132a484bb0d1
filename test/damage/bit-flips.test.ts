/** Bit flips in the files of log and blobs: a read returns the correct bytes, or a refusal. None
 *  goes unnoticed. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { ClusterError } from "../../src/core/error.ts";
import { Random } from "../../src/core/random.ts";
import { openDiskBlobs } from "../../src/store/blob/disk.ts";
import type { Log } from "../../src/store/log/log.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { blobBytes, recordBytes } from "../failpoints/store-contents.ts";

const logFlips = 2_000;
const blobFlips = 1_000;
const seed = Number(process.env.FLIP_SEED ?? 1);
const snapshotAt = 5;
const small = { ballastBytes: 0 };
/** In memory where that is possible: two thousand stores are opened. */
const memory = "/dev/shm";
const place = existsSync(memory) ? memory : tmpdir();

type Files = ReadonlyMap<string, Buffer>;

function filesIn(dir: string): Files {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  const paths = all
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(dir, path))]));
}

/** The files as they were, one bit of one of them flipped. */
function damage(files: Files, path: string, bit: number, dir: string): void {
  removeFolder(dir);
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    const copy = Buffer.from(bytes);
    if (name === path) copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
    writeFileSync(join(dir, name), copy, { mode: 0o600 });
  }
}

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

/** A refusal must name what is damaged, and have an expected code. */
function refusal(error: unknown, codes: readonly string[]): string {
  assert.ok(error instanceof ClusterError, `not a typed error: ${String(error)}`);
  assert.ok(codes.includes(error.code), error.message);
  return `refused: ${error.code}`;
}

type Flipping = {
  readonly files: Files;
  readonly count: number;
  readonly says: (dir: string) => Promise<string>;
};

/** Flips random bits; a file's share is its share of the bytes, but at least a twentieth. */
async function flipBits({ files, count, says }: Flipping) {
  const random = new Random(seed);
  const dir = join(newFolder("tequio-flips-", place), "copy");
  const names = [...files.keys()].filter((name) => (files.get(name)?.length ?? 0) > 0);
  const whole = names.flatMap((name) => Array<string>(weightOf(files, name)).fill(name));
  const counts = { refused: 0, harmless: 0 };
  try {
    damage(files, "", 0, dir);
    const truth = await says(dir);
    assert.ok(!truth.startsWith("refused"), truth);
    for (let n = 0; n < count; n += 1) {
      const name = whole[random.below(whole.length)] as string;
      const bit = random.below((files.get(name)?.length ?? 1) * 8);
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

function weightOf(files: Files, name: string): number {
  let sum = 0;
  for (const bytes of files.values()) sum += bytes.length;
  return Math.max(1, Math.round((20 * (files.get(name)?.length ?? 0)) / sum));
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
