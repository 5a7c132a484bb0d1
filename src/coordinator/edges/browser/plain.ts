/** Converts pairs to NDJSON lines `[key, value]` and back, for basic browsers. Whole partitions are
 *  in memory, so they are bounded. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ClusterError } from "../../../core/error.ts";
import { Arena, compareBytes } from "../../../wire/block/arena.ts";
import { type Key, readKey, writeKey } from "../../../wire/block/key.ts";
import { encodeManifest } from "../../../wire/block/manifest.ts";
import { RunReader, RunWriter } from "../../../wire/block/run.ts";
import { readValue, writeValue } from "../../../wire/block/value.ts";

/** Bytes of one partition as a run, or as text. */
export const plainMaxBytes = 64 * 1024 * 1024;

export function* linesOfRun(run: Uint8Array): Generator<string, void> {
  const read = (into: Uint8Array, offset: number) => {
    into.set(run.subarray(offset, offset + into.length));
  };
  const reader = new RunReader(read, run.length, crc32);
  while (reader.next()) {
    const key = readKey(reader.key, 0, reader.keyLength);
    const value = readValue(reader.bytes, reader.valueStart, reader.valueEnd);
    yield `${JSON.stringify([key, value ?? null])}\n`;
  }
}

export type PlainOutput = {
  readonly manifest: Uint8Array;
  readonly run: Uint8Array;
  readonly records: number;
};

/** One text for each partition, in order; null = nothing was put there. Lines that are not pairs
 *  are the browser's error (`user-error`). */
export function outputOfLines(partitions: ReadonlyArray<string | null>): PlainOutput {
  const runs = partitions.map((text, index) => runOf(pairsOf(text ?? "", index)));
  const manifest = encodeManifest(
    runs.map(({ bytes, records }) => ({
      sizeBytes: bytes.length,
      records,
      sha256: bytes.length === 0 ? "" : createHash("sha256").update(bytes).digest("hex"),
    })),
  );
  const records = runs.reduce((sum, run) => sum + run.records, 0);
  return { manifest, run: Buffer.concat(runs.map(({ bytes }) => bytes)), records };
}

type Pair = { readonly key: Uint8Array; readonly value: Uint8Array };

function pairsOf(text: string, partition: number): Pair[] {
  const pairs: Pair[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (line.trim() === "") continue;
    const where = `line ${number} of partition ${partition}`;
    pairs.push(pairOf(line, where));
  }
  // Stable, so that values of one key keep the order in which they were written.
  return pairs.sort((a, b) => compareBytes(a.key, b.key));
}

function pairOf(line: string, where: string): Pair {
  let pair: unknown;
  try {
    pair = JSON.parse(line);
  } catch {
    throw new ClusterError("user-error", `${where} is not JSON`);
  }
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new ClusterError("user-error", `${where} is not a pair; write [key, value]`);
  }
  const arena = new Arena(64);
  writeKey(arena, pair[0] as Key, where);
  const key = arena.view().slice();
  arena.length = 0;
  writeValue(arena, pair[1], where);
  return { key, value: arena.view().slice() };
}

function runOf(pairs: readonly Pair[]): { bytes: Uint8Array; records: number } {
  if (pairs.length === 0) return { bytes: new Uint8Array(0), records: 0 };
  const parts: Uint8Array[] = [];
  const writer = new RunWriter((bytes) => parts.push(bytes.slice()), crc32);
  for (const { key, value } of pairs) {
    writer.key(key, 0, key.length);
    writer.value(value, 0, value.length);
  }
  writer.finish();
  return { bytes: Buffer.concat(parts), records: pairs.length };
}
