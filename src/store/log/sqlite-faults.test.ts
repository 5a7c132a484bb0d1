/** The SQLite log under damage, full disks, failing disks and kill -9. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inPlace } from "../../../test/conformance/place.ts";
import { mountSmallDisk } from "../../../test/conformance/tmpfs.ts";
import { bytesOf, pattern, refusal } from "../../conformance/bytes.ts";
import { collect } from "../../conformance/log.ts";
import { ClusterError } from "../../core/error.ts";
import type { Log } from "./log.ts";
import { openSqliteLog } from "./sqlite.ts";
import { startWriter } from "./testdata/child.ts";

const small = { ballastBytes: 0 };
const recordCount = 40;

/** Some records fill less than a page, some overflow into further ones. */
function recordAt(position: number): Uint8Array {
  return pattern(position % 10 === 0 ? 9000 : 40 + 13 * position, position);
}

async function fill(log: Log): Promise<void> {
  const snapshotAt = 5;
  for (let last = 0; last < recordCount; ) {
    last = await log.append([recordAt(last + 1), recordAt(last + 2)], last);
  }
  await log.saveSnapshot(snapshotAt, pattern(6000, 99));
  await log.trim(snapshotAt - 2);
}

/** The log's contents as text, or the code of its refusal; anything else fails the test. */
async function contents(path: string): Promise<string> {
  let log: Log | null = null;
  try {
    log = await openSqliteLog(path, small);
    const records = (await collect(log, 3)).map(({ position, bytes }) => [position, hex(bytes)]);
    const snapshot = await log.loadSnapshot();
    return JSON.stringify([records, snapshot?.position, hex(snapshot?.bytes ?? bytesOf("none"))]);
  } catch (error) {
    assert.ok(error instanceof ClusterError, `not a typed error: ${String(error)}`);
    assert.ok(["storage-failed", "version-mismatch"].includes(error.code), error.message);
    return error.code;
  } finally {
    await log?.close();
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

type Image = Readonly<Record<string, Buffer>>;

/** A log's files as they are now: while it is open, what a kill -9 would leave. */
function imageOf(place: string): Image {
  const names = ["log.db", "log.db-wal", "log.db-shm", "log.db.witness"];
  const present = names.filter((name) => existsSync(join(place, name)));
  return Object.fromEntries(present.map((name) => [name, readFileSync(join(place, name))]));
}

function restore(image: Image, place: string): string {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const [name, bytes] of Object.entries(image)) writeFileSync(join(place, name), bytes);
  return join(place, "log.db");
}

async function closedImage(place: string): Promise<Image> {
  const log = await openSqliteLog(join(place, "log.db"), small);
  await fill(log);
  await log.close();
  return imageOf(place);
}

async function killedImage(place: string): Promise<Image> {
  const log = await openSqliteLog(join(place, "log.db"), small);
  await fill(log);
  for (let last = recordCount; last < recordCount + 10; last += 1) {
    await log.append([recordAt(last + 1)], last);
  }
  const image = imageOf(place);
  await log.close();
  return image;
}

/** Damages one file in many ways; every outcome is the correct contents or a refusal. Returns the
 *  number of refusals. */
async function damageAll(
  image: Image,
  place: string,
  damage: { readonly name: string; readonly count: number; apply(file: Buffer, i: number): Buffer },
): Promise<number> {
  const truth = await contents(restore(image, join(place, "copy")));
  assert.match(truth, /^\[/);
  let refusals = 0;
  for (let i = 0; i < damage.count; i += 1) {
    const damaged = damage.apply(Buffer.from(image[damage.name]!), i);
    const path = restore({ ...image, [damage.name]: damaged }, join(place, "copy"));
    const found = await contents(path);
    if (!found.startsWith("[")) refusals += 1;
    else assert.ok(found === truth, `${damage.name}, damage ${i}: silently different`);
  }
  return refusals;
}

function flip(file: Buffer, at: number): Buffer {
  file[at] = file[at]! ^ (1 << (at % 8));
  return file;
}

test("C6: a flipped byte in a record is found, and the record is named", () =>
  inPlace(async (place) => {
    const image = await closedImage(place);
    for (let position = 4; position <= recordCount; position += 3) {
      const damaged = Buffer.from(image["log.db"]!);
      const start = recordAt(position).subarray(0, 30);
      // Freed space may hold older copies: all are damaged, since they look the same as the row.
      for (let at = damaged.indexOf(start); at >= 0; at = damaged.indexOf(start, at)) {
        flip(damaged, at + (position % 30));
      }
      assert.notDeepEqual(damaged, image["log.db"]);
      const path = restore({ ...image, "log.db": damaged }, join(place, "copy"));
      const named = {
        code: "storage-failed",
        message: new RegExp(`record ${position} of .*damaged`),
      };
      const reading = async (): Promise<void> => {
        const log = await openSqliteLog(path, small);
        await collect(log, 3).finally(() => log.close());
      };
      await assert.rejects(reading, named);
    }
  }));

test("C6: flipped bytes anywhere in the database are found, or change nothing", () =>
  inPlace(async (place) => {
    const image = await closedImage(place);
    const sizeBytes = image["log.db"]!.byteLength;
    const count = 250;
    const refusals = await damageAll(image, place, {
      name: "log.db",
      count,
      apply: (file, i) => flip(file, Math.floor((i * sizeBytes) / count) + (i % 7)),
    });
    assert.ok(refusals > count / 2, `only ${refusals} of ${count} were refused`);
  }));

test("C6: zeroed pages and a cut-off database are found", () =>
  inPlace(async (place) => {
    const image = await closedImage(place);
    const pages = image["log.db"]!.byteLength / 4096;
    const name = "log.db";
    const zero = {
      name,
      count: pages,
      apply: (f: Buffer, i: number) => f.fill(0, i * 4096, (i + 1) * 4096),
    };
    assert.ok((await damageAll(image, place, zero)) > pages / 2);
    const cut = { name, count: pages, apply: (f: Buffer, i: number) => f.subarray(0, i * 4096) };
    assert.equal(await damageAll(image, place, cut), pages);
  }));

test("C6: a free list that leads to used pages is found before the first write", () =>
  inPlace(async (place) => {
    const image = await closedImage(place);
    const damaged = Buffer.from(image["log.db"]!);
    const usedPage = 3;
    const [firstFreePage, freePageCount] = [32, 36]; // https://sqlite.org/fileformat2.html
    damaged.writeUInt32BE(usedPage, firstFreePage);
    damaged.writeUInt32BE(1, freePageCount);
    const path = restore({ ...image, "log.db": damaged }, join(place, "copy"));
    await assert.rejects(openSqliteLog(path, small), refusal("storage-failed"));
  }));

test("C6: a damaged, cut-off or lost WAL never loses acknowledged records silently", () =>
  inPlace(async (place) => {
    const image = await killedImage(place);
    const name = "log.db-wal";
    const sizeBytes = image[name]!.byteLength;
    const count = 60;
    const offset = (i: number): number => Math.floor((i * sizeBytes) / count) + (i % 13);
    const flips = { name, count, apply: (f: Buffer, i: number) => flip(f, offset(i)) };
    assert.ok((await damageAll(image, place, flips)) > count / 2);
    const cuts = { name, count, apply: (f: Buffer, i: number) => f.subarray(0, offset(i)) };
    assert.ok((await damageAll(image, place, cuts)) > count / 2);
    const { [name]: _, ...lost } = image;
    assert.equal(await contents(restore(lost, join(place, "copy"))), "storage-failed");
  }));

test("C6: a damaged shared index is rebuilt, a damaged witness is refused", () =>
  inPlace(async (place) => {
    const image = await killedImage(place);
    const garbage = {
      name: "log.db-shm",
      count: 3,
      apply: (f: Buffer, i: number) => f.fill(i * 85),
    };
    assert.equal(await damageAll(image, place, garbage), 0);
    const name = "log.db.witness";
    const count = image[name]!.byteLength;
    assert.equal(await damageAll(image, place, { name, count, apply: flip }), count);
  }));

test("C6: an older copy of the database is not mistaken for the log", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    const first = await openSqliteLog(path, small);
    await first.append([bytesOf("a")], 0);
    await first.close();
    copyFileSync(path, join(place, "backup"));
    const second = await openSqliteLog(path, small);
    await second.append([bytesOf("b")], 1);
    await second.close();
    copyFileSync(join(place, "backup"), path);
    const missing = { code: "storage-failed", message: /record 2 of .*missing.*witness/ };
    await assert.rejects(openSqliteLog(path, small), missing);
    rmSync(`${path}.witness`);
    const restored = await openSqliteLog(path, small);
    assert.equal(await restored.last(), 1, "without its witness, a restored backup is accepted");
    await restored.close();
  }));

/** On a disk of 4 MiB that is unmounted afterwards. */
async function onSmallDisk(
  skip: (reason: string) => void,
  run: (place: string) => Promise<void>,
): Promise<void> {
  await inPlace(async (place) => {
    const disk = mountSmallDisk(place, "4m");
    if ("skip" in disk) return skip(disk.skip);
    try {
      await run(place);
    } finally {
      disk.unmount();
    }
  });
}

/** Appends until the disk is full; returns the last position that was acknowledged. */
async function appendUntilFull(log: Log): Promise<number> {
  let last = await log.last();
  for (let round = 0; round < 1000; round += 1) {
    try {
      last = await log.append([pattern(30_000, last + 1), pattern(10_000, last + 2)], last);
    } catch (error) {
      assert.equal((error as ClusterError).code, "storage-full");
      return last;
    }
  }
  throw new Error("the disk was never full");
}

test("C4: on a full disk nothing is lost, reads work, and appends resume when there is room", (t) =>
  onSmallDisk(
    (reason) => t.skip(reason),
    async (place) => {
      const path = join(place, "log.db");
      const options = { ballastBytes: 256 << 10 };
      const log = await openSqliteLog(path, options);
      writeFileSync(join(place, "other"), new Uint8Array(1 << 20));
      const last = await appendUntilFull(log);
      await assert.rejects(log.append([bytesOf("x")], last), refusal("storage-full"));
      assert.equal(await log.last(), last);
      assert.equal((await collect(log, 0)).length, last);
      await log.saveSnapshot(last, pattern(10_000));
      rmSync(join(place, "other"));
      assert.equal(await log.append([bytesOf("y")], last), last + 1);
      assert.equal(statSync(`${path}.ballast`).size, 256 << 10, "the ballast is back");
      await log.close();
      const again = await openSqliteLog(path, options);
      assert.equal((await collect(again, 0)).length, last + 1);
      assert.equal((await again.loadSnapshot())?.position, last);
      await again.close();
    },
  ));

test("C4: a log that fills the disk by itself makes room by snapshot and trim", (t) =>
  onSmallDisk(
    (reason) => t.skip(reason),
    async (place) => {
      const log = await openSqliteLog(join(place, "log.db"), { ballastBytes: 512 << 10 });
      const last = await appendUntilFull(log);
      await log.saveSnapshot(last, bytesOf("all"));
      await log.trim(last);
      assert.equal(await log.append([bytesOf("a")], last), last + 1);
      await log.close();
    },
  ));

test("C4: a log on a disk that is full from the start opens, reads, and waits for room", (t) =>
  onSmallDisk(
    (reason) => t.skip(reason),
    async (place) => {
      const path = join(place, "log.db");
      const options = { ballastBytes: 256 << 10 };
      const first = await openSqliteLog(path, options);
      await first.append([bytesOf("a")], 0);
      await first.close();
      assert.throws(() => writeFileSync(join(place, "other"), new Uint8Array(5 << 20)), /ENOSPC/);
      const log = await openSqliteLog(path, options);
      assert.equal((await collect(log, 0)).length, 1);
      await assert.rejects(log.append([bytesOf("b")], 1), refusal("storage-full"));
      truncateSync(join(place, "other"), 0);
      assert.equal(await log.append([bytesOf("b")], 1), 2);
      await log.close();
    },
  ));

test("C5: after a failed write the log refuses every further append, and keeps what it had", (t) =>
  inPlace(async (place) => {
    if (process.platform === "win32") return t.skip("needs a limit on file sizes");
    const path = join(place, "log.db");
    const writer = startWriter(path, small, "ulimit -f 300; exec");
    assert.equal(await writer.nextLine(), "open");
    let acknowledged = 0;
    for (let line = ""; !line.startsWith("error"); line = await writer.nextLine()) {
      if (line !== "") acknowledged = Number(line.slice(3));
      writer.say("append 20000");
    }
    writer.say("append 1");
    assert.equal(await writer.nextLine(), "error storage-failed");
    await writer.kill();
    const log = await openSqliteLog(path, small);
    assert.ok(acknowledged > 0);
    assert.ok((await log.last()) >= acknowledged);
    assert.equal((await collect(log, 0)).length, await log.last());
    await log.close();
  }));

test("C1: every record acknowledged before a kill -9 is there afterwards", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    let before = 0;
    for (const acks of [1, 37, 90, 250]) {
      const writer = startWriter(path);
      assert.equal(await writer.nextLine(), "open");
      writer.say("run 5");
      const heard: string[] = [];
      while (heard.length < acks) heard.push(await writer.nextLine());
      heard.push(...(await writer.kill()));
      const acknowledged = Number(heard.at(-1)?.slice(3));
      assert.ok(acknowledged > before);
      const log = await openSqliteLog(path);
      before = await log.last();
      assert.ok(before >= acknowledged, `${acknowledged} were acknowledged, ${before} are there`);
      for (const { position, bytes } of await collect(log, 0)) {
        assert.ok(new TextDecoder().decode(bytes).startsWith(`record ${position} `));
      }
      await log.close();
    }
  }));
