/** The log in PostgreSQL: the conformance tests of all logs, and what only a database can do to
 *  it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { logConformance } from "../../../test/conformance/register.ts";
import { PostgresServer, withoutPostgres } from "../../../test/engines/postgres-server.ts";
import { bytesOf, refusal } from "../../conformance/bytes.ts";
import { inPlace } from "../../conformance/check.ts";
import { collect } from "../../conformance/log.ts";
import { errorWithout } from "../../link/testing/without-package.ts";
import { openDiskBlobs } from "../../store/blob/disk.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import type { Log } from "../../store/log/log.ts";
import { openPostgresLog, type PostgresLogOptions } from "./log.ts";
import { postgresPlace } from "./place.ts";
import { Session } from "./session.ts";

const skip = withoutPostgres;
let server: PostgresServer;
let schemas = 0;

before(async () => {
  if (skip === false) server = await PostgresServer.start();
});
after(async () => {
  if (skip === false) await server.remove();
});

function newPlace() {
  schemas += 1;
  return postgresPlace(server.url(`s${schemas}`));
}

async function openIn(
  place: ReturnType<typeof newPlace>,
  over: Partial<PostgresLogOptions> = {},
): Promise<Log> {
  return openPostgresLog(place, {
    snapshots: openMemoryBlobs(),
    witness: null,
    holder: "a test",
    ...over,
  });
}

if (skip === false) {
  logConformance("postgres", async (dir) => {
    const place = newPlace();
    const snapshots = await openDiskBlobs(join(dir, "snapshots"));
    const open = () => openIn(place, { snapshots, witness: join(dir, "witness") });
    return { log: await open(), reopen: open };
  });
}

/** Runs statements as an administrator would. */
async function change(place: ReturnType<typeof newPlace>, ...statements: readonly string[]) {
  const session = new Session(place);
  try {
    for (const text of statements) await session.run({ text });
  } finally {
    await session.close();
  }
}

test("postgres: opening the log again fences the earlier writer", { skip }, async () => {
  const place = newPlace();
  const old = await openIn(place);
  await old.append([bytesOf("a")], 0);
  const now = await openIn(place);
  await assert.rejects(old.append([bytesOf("b")], 1), refusal("fenced"));
  await assert.rejects(old.append([], 1), refusal("fenced"));
  await assert.rejects(old.saveSnapshot(1, bytesOf("b")), refusal("fenced"));
  assert.equal(await now.append([bytesOf("c")], 1), 2);
  assert.equal((await collect(now, 0)).length, 2);
  await Promise.all([old.close(), now.close()]);
});

const harms: Readonly<Record<string, readonly [string, RegExp]>> = {
  "a changed byte": [
    "UPDATE {}.batch SET bytes = set_byte(bytes, 20, 120) WHERE last = 3",
    /record 3 .* is damaged/,
  ],
  "a row that is gone": ["DELETE FROM {}.batch WHERE last = 3", /record 3 .* is missing/],
  "two rows in each other's places": [
    "UPDATE {}.batch SET bytes = (SELECT b.bytes FROM {}.batch b WHERE b.last = 7 - batch.last) " +
      "WHERE last > 2",
    /record [34] .* is damaged/,
  ],
  "an end that is gone": [
    "WITH x AS (DELETE FROM {}.batch WHERE last = 4) UPDATE {}.head SET last = 3, " +
      "last_hash = (SELECT hash FROM {}.batch WHERE last = 3)",
    /record 4 .* is missing, the witness of this machine has seen record 4/,
  ],
  "a snapshot with the position of another": [
    "UPDATE {}.head SET snapshot = 3",
    /the snapshot of .* at 3 is damaged/,
  ],
};

for (const [harm, [statement, text]] of Object.entries(harms)) {
  test(`postgres: ${harm} is found`, { skip }, async () => {
    await inPlace(async (dir) => {
      const place = newPlace();
      const over = { snapshots: openMemoryBlobs(), witness: join(dir, "witness") };
      const log = await openIn(place, over);
      await log.append([bytesOf("a"), bytesOf("b")], 0);
      await log.append([bytesOf("c")], 2);
      await log.saveSnapshot(2, bytesOf("ab"));
      await log.append([bytesOf("d")], 3);
      await log.close();
      await change(place, statement);
      const read = async () => {
        const again = await openIn(place, over);
        try {
          await again.loadSnapshot();
          await collect(again, 0);
        } finally {
          await again.close();
        }
      };
      await assert.rejects(read, { code: "storage-failed", message: text });
    });
  });
}

test("postgres: what an append has lost is known after a break", { skip }, async () => {
  const place = newPlace();
  const log = await openIn(place);
  const blocker = new Session(place);
  await blocker.run({ text: "BEGIN" });
  await blocker.run({ text: "SELECT * FROM {}.head FOR UPDATE" });
  const appended = log.append([bytesOf("a")], 0);
  const waiting = "wait_event_type = 'Lock' AND query LIKE '%fence%'";
  const other = new Session(place);
  for (;;) {
    const found = await other.run({
      text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${waiting}`,
    });
    if (found.length > 0) break;
  }
  await blocker.run({ text: "COMMIT" });
  assert.equal(await appended, 1);
  assert.equal(await log.append([bytesOf("b")], 1), 2);
  assert.equal((await collect(log, 0)).length, 2);
  await Promise.all([log.close(), blocker.close(), other.close()]);
});

test("postgres: what the writer before appends during a take-over is kept", { skip }, async () => {
  const place = newPlace();
  const old = await openIn(place);
  await old.append([bytesOf("a")], 0);
  const [blocker, other] = [new Session(place), new Session(place)];
  await blocker.run({ text: "BEGIN" });
  await blocker.run({ text: "SELECT * FROM {}.head FOR UPDATE" });
  const waiters = async (count: number) => {
    const text =
      "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' " +
      `AND application_name = 'tequio ${place.schema}'`;
    while ((await other.run({ text })).length < count);
  };
  // First in the queue: the append. Behind it, with an older end in hand: the new writer.
  const appended = old.append([bytesOf("b")], 1);
  await waiters(1);
  const opening = openIn(place);
  await waiters(2);
  await blocker.run({ text: "COMMIT" });
  assert.equal(await appended, 2);
  const now = await opening;
  assert.equal(await now.last(), 2);
  assert.equal(await now.append([bytesOf("c")], 2), 3);
  await assert.rejects(old.append([bytesOf("d")], 2), refusal("fenced"));
  await Promise.all([old.close(), now.close(), blocker.close(), other.close()]);
});

test("postgres: a commit whose answer is lost is not written again", { skip }, async () => {
  const place = newPlace();
  const log = await openIn(place, { times: { answerMs: 300 } });
  await change(
    place,
    "CREATE FUNCTION {}.slow() RETURNS trigger LANGUAGE plpgsql AS " +
      "'BEGIN PERFORM pg_sleep(0.6); RETURN NEW; END'",
    "CREATE TRIGGER slow BEFORE INSERT ON {}.batch FOR EACH ROW EXECUTE FUNCTION {}.slow()",
  );
  assert.equal(await log.append([bytesOf("a")], 0), 1);
  await change(place, "DROP TRIGGER slow ON {}.batch");
  assert.equal(await log.append([bytesOf("b")], 1), 2);
  assert.deepEqual(
    (await collect(log, 0)).map(({ position }) => position),
    [1, 2],
  );
  await log.close();
});

test("postgres: a warning about a write ends the log, one of the server's end does not", {
  skip,
}, async () => {
  const place = newPlace();
  const log = await openIn(place);
  const warnWith = (state: string) =>
    change(
      place,
      "CREATE OR REPLACE FUNCTION {}.warn() RETURNS trigger LANGUAGE plpgsql AS " +
        `'BEGIN RAISE WARNING USING ERRCODE = ''${state}'', MESSAGE = ''mark''; RETURN NEW; END'`,
      "CREATE OR REPLACE TRIGGER warn BEFORE INSERT ON {}.batch FOR EACH ROW " +
        "EXECUTE FUNCTION {}.warn()",
    );
  await warnWith("57P02");
  assert.equal(await log.append([bytesOf("a")], 0), 1);
  await warnWith("01000");
  await assert.rejects(log.append([bytesOf("b")], 1), { code: "storage-failed", message: /mark/ });
  await log.close();
});

test("C13: a server that restarts under an open log loses nothing of it", { skip }, async () => {
  const log = await openIn(newPlace());
  await log.append([bytesOf("a")], 0);
  await server.down("SIGQUIT");
  const appended = log.append([bytesOf("b")], 1);
  await server.up();
  assert.equal(await appended, 2);
  assert.equal((await collect(log, 0)).length, 2);
  await log.close();
});

test("C13: settings of PostgreSQL that lose what is acknowledged are refused", {
  skip,
}, async () => {
  const place = newPlace();
  const log = await openIn(place);
  for (const setting of ["fsync", "synchronous_commit"]) {
    await change(place, `ALTER SYSTEM SET ${setting} = off`, "SELECT pg_reload_conf()");
    const refused = { code: "bad-request", message: new RegExp(`${setting} = off`) };
    // A reload reaches sessions a moment later.
    for (;;) {
      const error = await openIn(place).then(
        (opened) => opened.close(),
        (cause) => cause,
      );
      if (error === undefined) continue;
      assert.match(error.message, refused.message);
      assert.equal(error.code, refused.code);
      break;
    }
    await change(place, `ALTER SYSTEM RESET ${setting}`, "SELECT pg_reload_conf()");
    const safe = await openOnceSafe(place);
    await safe.close();
  }
  await log.close();
});

test("postgres: a setting that is changed under an open log is noticed", { skip }, async () => {
  const place = newPlace();
  const log = await openIn(place);
  await log.append([bytesOf("a")], 0);
  await change(place, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()");
  let last = 1;
  try {
    for (;;) last = await log.append([bytesOf("b")], last);
  } catch (error) {
    assert.match((error as Error).message, /storage-failed: .*fsync = off/);
  }
  await change(place, "ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()");
  await log.close();
  const again = await openOnceSafe(place);
  assert.equal(await again.last(), last);
  await again.close();
});

async function openOnceSafe(place: ReturnType<typeof newPlace>): Promise<Log> {
  for (;;) {
    try {
      return await openIn(place);
    } catch (error) {
      if (!/= off/.test((error as Error).message)) throw error;
    }
  }
}

test("a password in the address, and what is no address, are refused", () => {
  const bad = { code: "bad-request" };
  assert.throws(() => postgresPlace("postgres://u:secret@h/d"), {
    ...bad,
    message: /PGPASSWORD/,
  });
  for (const text of ["postgres:d", "mysql://h/d", "postgres://h/d?schema=A-b"]) {
    assert.throws(() => postgresPlace(text), bad);
  }
  const { name, schema, url } = postgresPlace("postgres://u@h:1/d?schema=x&sslmode=require");
  assert.deepEqual(
    [name, schema, url],
    ["postgres://h:1/d/x", "x", "postgres://u@h:1/d?sslmode=require"],
  );
});

test("a database that is not there is reported", async () => {
  const place = postgresPlace("postgres://tequio@127.0.0.1:1/none");
  await assert.rejects(openIn(place), { code: "unavailable", message: /check that PostgreSQL/ });
});

test("without the package pg, the error says how to install it", async () => {
  const file = join(import.meta.dirname, "load.ts");
  assert.deepEqual(await errorWithout("pg", { file, load: "loadPg" }), {
    code: "unavailable",
    text:
      "a log in PostgreSQL needs the package pg, which is not installed; install it: " +
      "npm install pg@8",
  });
});
