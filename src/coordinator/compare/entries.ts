/** The first entry in which two partitions differ. A run is read from its end as well, so both are
 *  kept in files for as long. */
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { readSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { type DifferentRecord, recordTextMax } from "../../core/cluster/trust/audit.ts";
import { RunReader } from "../../wire/block/run.ts";
import { recordText } from "./records.ts";

type Chunks = AsyncIterable<Uint8Array>;

/** Entries that are compared before others may use the thread. */
const entriesAtOnce = 1_000;

/** Null = there is none. `dir` exists, and nothing stays in it. */
export async function differingEntry(
  [a, b]: readonly [Chunks, Chunks],
  dir: string,
): Promise<DifferentRecord | null> {
  await using one = await spooled(a, dir);
  await using other = await spooled(b, dir);
  const [first, second] = [await reader(one), await reader(other)];
  for (let number = 0; ; number++) {
    if (number % entriesAtOnce === 0) await setImmediate();
    const [hasFirst, hasSecond] = [first.next(), second.next()];
    if (!hasFirst && !hasSecond) return null;
    if (hasFirst && hasSecond && isSame(first, second)) continue;
    return { number, first: hasFirst ? text(first) : "", second: hasSecond ? text(second) : "" };
  }
}

/** A file that has no name any more, so that a kill leaves none. */
async function spooled(chunks: Chunks, dir: string): Promise<FileHandle> {
  const path = join(dir, randomUUID());
  const file = await open(path, "wx+", 0o600);
  try {
    await rm(path);
    for await (const chunk of chunks) await file.writeFile(chunk);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function reader(file: FileHandle): Promise<RunReader> {
  const read = (into: Uint8Array, offset: number) => {
    for (let at = 0; at < into.length; ) {
      const bytes = readSync(file.fd, into, at, into.length - at, offset + at);
      if (bytes === 0) throw new Error("a partition is shorter than it was");
      at += bytes;
    }
  };
  return new RunReader(read, (await file.stat()).size, crc32);
}

function key({ key: bytes, keyLength }: RunReader): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, keyLength);
}

function value({ bytes, valueEnd, valueStart }: RunReader): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + valueStart, valueEnd - valueStart);
}

function isSame(one: RunReader, other: RunReader): boolean {
  return key(one).equals(key(other)) && value(one).equals(value(other));
}

function text(run: RunReader): string {
  return recordText(key(run), value(run)).slice(0, recordTextMax);
}
