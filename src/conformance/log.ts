/** What every log must do, also one of a third party. */
import assert from "node:assert/strict";
import type { Log, LogRecord } from "../store/log/log.ts";
import { bytesOf, pattern, refusal, textOf } from "./bytes.ts";
import { type Check, checksOf, inPlace, type SuiteOptions } from "./check.ts";

/** Opens a new, empty log; `place` is an empty directory that it may use, removed after the check.
 *  `reopen` opens the same log again after a `close`; left out by logs that remember nothing. */
export type OpenLog = (place: string) => Promise<{
  readonly log: Log;
  readonly reopen?: () => Promise<Log>;
}>;

/** Without `storage-failed` and `storage-full`: those need a disk, and are each store's own
 *  tests. Logs up to 3 MiB are written. */
export function logChecks(open: OpenLog, options: SuiteOptions = {}): Check[] {
  const withLog = (run: Tests[string]) => () =>
    inPlace(async (place) => {
      const { log, reopen } = await open(place);
      const opened = [log];
      const again = async (): Promise<Log> => {
        if (reopen === undefined) throw new Error("this log cannot be reopened: skip this check");
        const next = await reopen();
        opened.push(next);
        return next;
      };
      try {
        await run(log, again);
      } finally {
        for (const one of opened) await one.close();
      }
    });
  const tests = Object.entries({ ...records, ...snapshots, ...endings });
  return checksOf(
    "log",
    Object.fromEntries(tests.map(([title, run]) => [title, withLog(run)])),
    options,
  );
}

type Tests = Record<string, (log: Log, reopen: () => Promise<Log>) => Promise<void>>;

export async function collect(log: Log, after: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of log.read(after)) records.push(record);
  return records;
}

/** `["1 a", "2 b"]` */
async function listing(log: Log, after = 0): Promise<string[]> {
  const records = await collect(log, after);
  return records.map(({ position, bytes }) => `${position} ${textOf(bytes)}`);
}

function letters(text: string): Uint8Array[] {
  return Array.from(text, bytesOf);
}

const records: Tests = {
  "a new log is empty and ends at 0": async (log) => {
    assert.equal(await log.last(), 0);
    assert.deepEqual(await listing(log), []);
    assert.equal(await log.loadSnapshot(), null);
  },

  "records come back in order, with positions from 1": async (log) => {
    assert.equal(await log.append(letters("ab"), 0), 2);
    assert.equal(await log.append(letters("c"), 2), 3);
    assert.deepEqual(await listing(log), ["1 a", "2 b", "3 c"]);
    assert.equal(await log.last(), 3);
  },

  "reading starts after the position that is given": async (log) => {
    await log.append(letters("abc"), 0);
    assert.deepEqual(await listing(log, 1), ["2 b", "3 c"]);
    assert.deepEqual(await listing(log, 3), []);
  },

  "a wrong `after` is fenced and writes nothing": async (log) => {
    await log.append(letters("ab"), 0);
    await assert.rejects(log.append(letters("x"), 1), refusal("fenced"));
    await assert.rejects(log.append(letters("x"), 3), refusal("fenced"));
    assert.deepEqual(await listing(log), ["1 a", "2 b"]);
    assert.equal(await log.append(letters("c"), 2), 3);
  },

  "of two appends at one position exactly one succeeds": async (log) => {
    const outcomes = await Promise.allSettled([
      log.append(letters("ab"), 0),
      log.append(letters("cd"), 0),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal((await listing(log)).length, 2);
  },

  "an empty append changes nothing, and is fenced all the same": async (log) => {
    assert.equal(await log.append([], 0), 0);
    await log.append(letters("a"), 0);
    assert.equal(await log.append([], 1), 1);
    await assert.rejects(log.append([], 0), refusal("fenced"));
    assert.deepEqual(await listing(log), ["1 a"]);
  },

  "empty records and records of every byte are kept as they are": async (log) => {
    const every = Uint8Array.from({ length: 256 }, (_, value) => value);
    await log.append([new Uint8Array(0), every, new Uint8Array(0)], 0);
    const found = (await collect(log, 0)).map(({ bytes }) => Array.from(bytes));
    assert.deepEqual(found, [[], Array.from(every), []]);
  },

  "a record of 1 MiB comes back whole": async (log) => {
    const large = pattern(1 << 20);
    await log.append([bytesOf("a"), large, bytesOf("b")], 0);
    const found = await collect(log, 0);
    assert.equal(Buffer.compare(found[1]!.bytes, large), 0);
  },

  "many records, more than are read at once, come back all": async (log) => {
    const many = Array.from({ length: 1500 }, (_, index) => bytesOf(`r${index}`));
    await log.append(many, 0);
    const found = await listing(log);
    assert.deepEqual(
      found,
      many.map((_, index) => `${index + 1} r${index}`),
    );
  },

  "the caller may reuse its bytes, and what it got is its own": async (log) => {
    const bytes = bytesOf("a");
    await log.append([bytes], 0);
    bytes.fill(0);
    for (const record of await collect(log, 0)) record.bytes.fill(1);
    assert.deepEqual(await listing(log), ["1 a"]);
  },

  "appending during a read is allowed; the reader gets at least what was there": async (log) => {
    await log.append(letters("abc"), 0);
    const seen: number[] = [];
    for await (const { position } of log.read(0)) {
      seen.push(position);
      if (position === 1) await log.append(letters("d"), 3);
    }
    assert.deepEqual(seen.slice(0, 3), [1, 2, 3]);
    assert.equal(await log.last(), 4);
  },
};

const snapshots: Tests = {
  "a snapshot comes back with its position, and the next replaces it": async (log) => {
    await log.append(letters("abc"), 0);
    await log.saveSnapshot(2, bytesOf("state 2"));
    await log.saveSnapshot(3, bytesOf("state 3"));
    const found = await log.loadSnapshot();
    assert.equal(found?.position, 3);
    assert.equal(textOf(found.bytes), "state 3");
  },

  "a snapshot and the records after it are the whole log": async (log) => {
    await log.append(letters("abcd"), 0);
    await log.saveSnapshot(2, bytesOf("ab"));
    await log.trim(2);
    const found = await log.loadSnapshot();
    assert.deepEqual(await listing(log, found?.position), ["3 c", "4 d"]);
  },

  "a snapshot can be empty, at position 0, and larger than a record": async (log) => {
    await log.saveSnapshot(0, new Uint8Array(0));
    assert.equal((await log.loadSnapshot())?.bytes.byteLength, 0);
    const large = pattern(3 << 20);
    await log.saveSnapshot(0, large);
    assert.equal(Buffer.compare((await log.loadSnapshot())!.bytes, large), 0);
  },

  "a snapshot ahead of the log, or behind the one before, is refused": async (log) => {
    await log.append(letters("abc"), 0);
    await log.saveSnapshot(2, bytesOf("ab"));
    await assert.rejects(log.saveSnapshot(4, bytesOf("x")), refusal("bad-request"));
    await assert.rejects(log.saveSnapshot(1, bytesOf("x")), refusal("bad-request"));
    assert.equal((await log.loadSnapshot())?.position, 2);
  },

  "trimming needs a snapshot, and goes no further than it": async (log) => {
    await log.append(letters("abc"), 0);
    await assert.rejects(log.trim(1), refusal("bad-request"));
    await log.saveSnapshot(2, bytesOf("ab"));
    await assert.rejects(log.trim(3), refusal("bad-request"));
    assert.deepEqual(await listing(log), ["1 a", "2 b", "3 c"]);
  },

  "what was trimmed counts on, cannot be read, and can be trimmed again": async (log) => {
    await log.append(letters("abc"), 0);
    await log.saveSnapshot(3, bytesOf("abc"));
    await log.trim(3);
    await log.trim(3);
    await log.trim(1);
    assert.equal(await log.last(), 3);
    await assert.rejects(listing(log, 0), refusal("bad-request"));
    assert.deepEqual(await listing(log, 3), []);
    assert.equal(await log.append(letters("d"), 3), 4);
    assert.deepEqual(await listing(log, 3), ["4 d"]);
  },
};

const endings: Tests = {
  "closing twice is allowed; every other call after it throws": async (log) => {
    await log.append(letters("a"), 0);
    const reading = log.read(0);
    await log.close();
    await log.close();
    const closed = refusal("unavailable");
    await assert.rejects(log.append(letters("b"), 1), closed);
    await assert.rejects(log.last(), closed);
    await assert.rejects(collect(log, 0), closed);
    await assert.rejects(reading[Symbol.asyncIterator]().next(), closed);
    await assert.rejects(log.saveSnapshot(0, bytesOf("x")), closed);
    await assert.rejects(log.loadSnapshot(), closed);
    await assert.rejects(log.trim(0), closed);
  },

  "a log opened again is the same log": async (log, reopen) => {
    await log.append(letters("abcd"), 0);
    await log.saveSnapshot(3, bytesOf("abc"));
    await log.trim(2);
    await log.close();
    const again = await reopen();
    assert.equal(await again.last(), 4);
    assert.deepEqual(await listing(again, 2), ["3 c", "4 d"]);
    assert.equal(textOf((await again.loadSnapshot())!.bytes), "abc");
    await assert.rejects(listing(again, 1), refusal("bad-request"));
    assert.equal(await again.append(letters("e"), 4), 5);
    assert.deepEqual(await listing(again, 3), ["4 d", "5 e"]);
  },

  "a log whose records are all trimmed continues at its position when opened again": async (
    log,
    reopen,
  ) => {
    await log.append(letters("ab"), 0);
    await log.saveSnapshot(2, bytesOf("ab"));
    await log.trim(2);
    await log.close();
    const again = await reopen();
    assert.equal(await again.last(), 2);
    await assert.rejects(again.append(letters("x"), 0), refusal("fenced"));
    assert.equal(await again.append(letters("c"), 2), 3);
    assert.deepEqual(await listing(again, 2), ["3 c"]);
  },
};
