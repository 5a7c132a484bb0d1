/** The log in memory: for tests and the simulator; free of Node, clock and random numbers. */
import type { Log, LogRecord } from "./log.ts";
import { checkSnapshot, checkTrim, closedLog, fencedLog, trimmedLog } from "./rules.ts";

/** What would be on a disk: outlives the handles, so that a restart can be simulated. */
export type LogContents = {
  /** `records[i]` is at position `trimmed + 1 + i`. */
  records: Uint8Array[];
  trimmed: number;
  snapshot: LogRecord | null;
  /** Counts openings; only the newest handle may write. */
  generation: number;
};

export function emptyLog(): LogContents {
  return { records: [], trimmed: 0, snapshot: null, generation: 0 };
}

/** Opening the same contents again fences every earlier handle, as a restart does. */
export function openMemoryLog(contents: LogContents = emptyLog()): Log {
  contents.generation += 1;
  const generation = contents.generation;
  const name = "the log in memory";
  let closed = false;

  const last = (): number => contents.trimmed + contents.records.length;
  const mustBeOpen = (): void => {
    if (closed) throw closedLog(name);
  };
  const mustBeWriter = (): void => {
    mustBeOpen();
    if (contents.generation !== generation) throw fencedLog(name, "it was opened again later");
  };

  return {
    async append(records, after) {
      mustBeWriter();
      if (after !== last()) throw fencedLog(name, `it ends at ${last()}, not at ${after}`);
      for (const bytes of records) contents.records.push(bytes.slice());
      return last();
    },
    async *read(after) {
      mustBeOpen();
      const end = last();
      for (let position = after + 1; position <= end; position += 1) {
        mustBeOpen();
        if (position <= contents.trimmed) throw trimmedLog(name, contents.trimmed, position);
        const bytes = contents.records[position - contents.trimmed - 1] as Uint8Array;
        yield { position, bytes: bytes.slice() };
      }
    },
    async last() {
      mustBeOpen();
      return last();
    },
    async saveSnapshot(position, bytes) {
      mustBeWriter();
      checkSnapshot(name, position, { from: contents.snapshot?.position ?? 0, to: last() });
      contents.snapshot = { position, bytes: bytes.slice() };
    },
    async loadSnapshot() {
      mustBeOpen();
      const found = contents.snapshot;
      return found === null ? null : { position: found.position, bytes: found.bytes.slice() };
    },
    async trim(position) {
      mustBeWriter();
      checkTrim(name, position, contents.snapshot?.position ?? 0);
      if (position <= contents.trimmed) return;
      contents.records.splice(0, position - contents.trimmed);
      contents.trimmed = position;
    },
    async close() {
      closed = true;
    },
  };
}
