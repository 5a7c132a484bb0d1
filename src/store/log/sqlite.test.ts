/** The SQLite log against the conformance tests of all logs; then paths, versions, settings, and
 *  other writers. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { inPlace } from "../../../test/conformance/place.ts";
import { logConformance } from "../../../test/conformance/register.ts";
import { mountSmallDisk } from "../../../test/conformance/tmpfs.ts";
import { bytesOf, refusal } from "../../conformance/bytes.ts";
import { collect } from "../../conformance/log.ts";
import { assertDurable, makeDurable, pragma, schemaSteps, upgrade } from "./schema.ts";
import { openSqliteLog } from "./sqlite.ts";
import { startWriter } from "./testdata/child.ts";

const small = { ballastBytes: 0 };

logConformance("sqlite", async (place) => {
  const path = join(place, "data", "log.db");
  return { log: await openSqliteLog(path, small), reopen: () => openSqliteLog(path, small) };
});

async function refused(path: string, code: "bad-request" | "storage-failed", text: RegExp) {
  await assert.rejects(openSqliteLog(path, small), { code, message: text });
}

test("what an append has written is synced, by the settings that are read back", () =>
  inPlace(async (place) => {
    const database = new DatabaseSync(join(place, "settings.db"));
    makeDurable(database);
    assertDurable(database, "settings.db");
    assert.equal(pragma(database, "fullfsync"), 1);
    database.exec("PRAGMA synchronous = NORMAL");
    assert.throws(() => assertDurable(database, "settings.db"), /synchronous=1/);
    database.exec("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE");
    assert.throws(() => assertDurable(database, "settings.db"), /journal_mode=delete/);
    database.close();
  }));

test("only the owner may read the files of a log", () =>
  inPlace(async (place) => {
    const path = join(place, "data", "log.db");
    const log = await openSqliteLog(path, { ballastBytes: 1000 });
    await log.append([bytesOf("a")], 0);
    const modes = readdirSync(join(place, "data")).map((name) => {
      return `${name} ${(statSync(join(place, "data", name)).mode & 0o777).toString(8)}`;
    });
    await log.close();
    assert.deepEqual(modes.sort(), [
      "log.db 600",
      "log.db-shm 600",
      "log.db-wal 600",
      "log.db.ballast 600",
      "log.db.lock 600",
      "log.db.witness 600",
    ]);
    assert.equal(statSync(join(place, "data")).mode & 0o777, 0o700);
  }));

test("a record above its limit is refused by name, and its whole group with it", () =>
  inPlace(async (place) => {
    const log = await openSqliteLog(join(place, "log.db"), { ...small, recordMaxBytes: 10 });
    const group = [bytesOf("a"), new Uint8Array(11)];
    await assert.rejects(log.append(group, 0), {
      code: "limit-exceeded",
      message: /recordMaxBytes/,
    });
    assert.equal(await log.last(), 0);
    await log.close();
  }));

test("after a trim the WAL is empty, and the database frees the space it will not need soon", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    const log = await openSqliteLog(path, small);
    const large = new Uint8Array(1 << 20);
    for (let last = 0; last < 24; last += 1) await log.append([large], last);
    await log.saveSnapshot(24, bytesOf("all"));
    await log.trim(24);
    assert.equal(statSync(`${path}-wal`).size, 0);
    assert.ok(statSync(path).size < 17 << 20, `${statSync(path).size} bytes are left`);
    await log.close();
  }));

test("C10: a reader that keeps the WAL from being emptied stops appends, not the coordinator", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    const log = await openSqliteLog(path, { ...small, walMaxBytes: 64 << 10 });
    await log.append([new Uint8Array(100)], 0);
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN; SELECT * FROM record");
    await log.append([new Uint8Array(100 << 10)], 1);
    await assert.rejects(log.append([bytesOf("x")], 2), refusal("unavailable"));
    reader.close();
    assert.equal(await log.append([bytesOf("c")], 2), 3);
    await log.close();
  }));

test("C7: a path that cannot hold a log is refused, and the error says what it is", (t) =>
  inPlace(async (place) => {
    const at = (name: string): string => join(place, name);
    mkdirSync(at("directory"));
    await refused(at("directory"), "bad-request", /is a directory/);
    writeFileSync(at("text"), "this is a letter, and nothing that SQLite has written\n".repeat(99));
    await refused(at("text"), "storage-failed", /not a database/);
    await refused(at("text/log.db"), "bad-request", /ENOTDIR|EEXIST/);
    symlinkSync(at("elsewhere"), at("link"));
    await refused(at("link"), "bad-request", /symbolic link/);
    const foreign = new DatabaseSync(at("foreign"));
    foreign.exec("CREATE TABLE theirs (x)");
    foreign.close();
    await refused(at("foreign"), "storage-failed", /is not a log/);
    if (process.geteuid?.() !== 0) return t.diagnostic("another owner: only root can make one");
    writeFileSync(at("theirs"), "");
    chownSync(at("theirs"), 12345, 12345);
    await refused(at("theirs"), "bad-request", /belongs to user 12345/);
  }));

test("C7: a directory that cannot be written is refused", (t) =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    await (await openSqliteLog(path, small)).close();
    if (process.geteuid?.() !== 0) {
      chmodSync(place, 0o500);
      await refused(path, "bad-request", /cannot be written/);
      return chmodSync(place, 0o700);
    }
    const disk = mountSmallDisk(place, "1m");
    if ("skip" in disk) return t.skip(disk.skip);
    try {
      await (await openSqliteLog(path, small)).close();
      disk.makeReadOnly();
      await refused(path, "bad-request", /cannot be written \(EROFS\)/);
    } finally {
      disk.unmount();
    }
  }));

test("C7: a log of a newer version is refused and left as it is", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    await (await openSqliteLog(path, small)).close();
    const newer = new DatabaseSync(path);
    newer.exec(`PRAGMA user_version = ${schemaSteps.length + 1}`);
    newer.close();
    const answer = { code: "version-mismatch", message: /written by a newer version.*upgrade/ };
    await assert.rejects(openSqliteLog(path, small), answer);
    const after = new DatabaseSync(path);
    assert.equal(pragma(after, "user_version"), schemaSteps.length + 1);
    after.close();
  }));

test("C7: an upgrade is one transaction: all of its steps or none", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    await (await openSqliteLog(path, small)).close();
    const database = new DatabaseSync(path);
    const added = "CREATE TABLE added (x)";
    const broken = [...schemaSteps, added, "CREATE TABLE record (x)"];
    assert.throws(() => upgrade(database, path, broken), /already exists/);
    assert.equal(pragma(database, "user_version"), schemaSteps.length);
    upgrade(database, path, [...schemaSteps, added]);
    assert.equal(pragma(database, "user_version"), schemaSteps.length + 1);
    database.exec("SELECT x FROM added");
    database.close();
  }));

for (const name of ["log.db", "log.db-wal"]) {
  test(`C7: ${name} deleted or replaced while in use stops the appends, and loses none`, () =>
    inPlace(async (place) => {
      const path = join(place, "log.db");
      const log = await openSqliteLog(path, small);
      await log.append([bytesOf("a"), bytesOf("b")], 0);
      renameSync(join(place, name), join(place, "away"));
      const failed = { code: "storage-failed", message: /deleted or replaced/ };
      await assert.rejects(log.append([bytesOf("c")], 2), failed);
      await assert.rejects(log.append([bytesOf("c")], 2), failed);
      assert.equal((await collect(log, 0)).length, 2, "reads still work");
      await log.close();
      if (name === "log.db") renameSync(join(place, "away"), path);
      const again = await openSqliteLog(path, small);
      const texts = (await collect(again, 0)).map(({ bytes }) => new TextDecoder().decode(bytes));
      assert.deepEqual(texts.slice(0, 2), ["a", "b"]);
      await again.close();
    }));
}

test("C8: a second opener is refused with the holder's name, in this process and in another", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    const log = await openSqliteLog(path, small);
    const fenced = { code: "fenced", message: new RegExp(`in use by process ${process.pid} on`) };
    await assert.rejects(openSqliteLog(path, small), fenced);
    await assert.rejects(openSqliteLog(path, small), fenced);
    const other = startWriter(path);
    assert.equal(await other.nextLine(), "error fenced");
    await other.kill();
    assert.equal(await log.append([bytesOf("a")], 0), 1);
    await log.close();
    await (await openSqliteLog(path, small)).close();
  }));

test("C8: the lock of a killed process is free at once", () =>
  inPlace(async (place) => {
    const path = join(place, "log.db");
    const writer = startWriter(path);
    assert.equal(await writer.nextLine(), "open");
    await assert.rejects(openSqliteLog(path, small), refusal("fenced"));
    await writer.kill();
    await (await openSqliteLog(path, small)).close();
  }));

test("C8: a paused writer that was taken over gets `fenced` when it resumes", (t: TestContext) =>
  inPlace(async (place) => {
    if (process.platform === "win32") return t.skip("this system has no SIGSTOP");
    const path = join(place, "log.db");
    const old = startWriter(path);
    assert.equal(await old.nextLine(), "open");
    old.say("append 20");
    assert.equal(await old.nextLine(), "ok 1");
    old.process.kill("SIGSTOP");
    const log = await openSqliteLog(path, { ...small, takeOver: true });
    assert.equal(await log.append([bytesOf("mine")], 1), 2);
    old.process.kill("SIGCONT");
    old.say("append 20");
    assert.equal(await old.nextLine(), "error fenced");
    old.say("append 20");
    assert.equal(await old.nextLine(), "error fenced");
    await assert.rejects(
      openSqliteLog(path, small),
      refusal("fenced"),
      "the new one is locked too",
    );
    await old.kill();
    assert.equal(await log.append([bytesOf("mine")], 2), 3);
    assert.equal((await collect(log, 0)).length, 3);
    await log.close();
    assert.ok(existsSync(path));
    rmSync(path);
  }));
