/** Where two results of one task differ: the first record. Of map outputs only the first partition
 *  is read whose hashes differ in the two manifests. */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { type DifferentRecord, recordTextMax } from "../../core/cluster/trust/audit.ts";
import type { Effect, OutputAt } from "../../core/effect.ts";
import { jobSpec } from "../../core/view.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import type { ManifestPartition } from "../../wire/block/manifest.ts";
import { RunReader } from "../../wire/block/run.ts";
import { outputManifest, partitionBytes } from "./partitions.ts";
import { recordText } from "./records.ts";
import type { Reading } from "./worker-output.ts";

type Order = Extract<Effect, { kind: "compare-outputs" }>;
type Services = Reading & { readonly blobs: Blobs };

/** Of one partition or output; larger ones are not compared. */
const bytesMax = 64 * 1024 * 1024;

/** Posts `outputs-compared`, or nothing when an output is gone or too large. Never rejects. */
export async function compareOutputs(services: Services, order: Order): Promise<void> {
  try {
    const isFinal =
      (jobSpec(services.loop.state, order.job)?.stages[order.stage]?.partitionCount ?? 0) === 0;
    const record = isFinal
      ? await inBlobs(services, order.outputs)
      : await inPartitions(services, order);
    const { job, stage, task } = order;
    const [one, other] = order.outputs;
    const attempts = [one.attempt, other.attempt] as const;
    if (record !== null) {
      await services.loop.post({ kind: "outputs-compared", job, stage, task, attempts, record });
    }
  } catch {
    // That they differ is known.
  }
}

async function inBlobs(
  { blobs }: Services,
  [a, b]: Order["outputs"],
): Promise<DifferentRecord | null> {
  const [one, other] = await Promise.all([a, b].map(({ root }) => whole(blobs.read(root))));
  return differing(lines(one as Buffer), lines(other as Buffer));
}

async function inPartitions(services: Services, order: Order): Promise<DifferentRecord | null> {
  const { job, outputs, stage, task } = order;
  const sources = outputs.map(({ attempt, root, worker }: OutputAt) => {
    return { ref: { job, stage, task, attempt }, root, worker };
  });
  const [one, other] = await Promise.all(sources.map((source) => outputManifest(services, source)));
  if (one === undefined || other === undefined) return null;
  let partition = 0;
  while (partition < one.length && isSame(one.at(partition), other.at(partition))) partition++;
  if (partition === one.length) return null;
  const runs = sources.map((source) => whole(partitionBytes(services, { ...source, partition })));
  const [first, second] = await Promise.all(runs);
  const found = differing(entries(first as Buffer), entries(second as Buffer));
  return found === null || one.length === 1 ? found : { ...found, partition };
}

function isSame(one: ManifestPartition | undefined, other: ManifestPartition | undefined): boolean {
  return one?.sha256 === other?.sha256;
}

async function whole(from: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of from) {
    sizeBytes += part.length;
    if (sizeBytes > bytesMax) throw new Error("too large to compare");
    parts.push(Uint8Array.from(part));
  }
  return Buffer.concat(parts);
}

/** Bytes that tell one record from another, and how people read them. */
type Entry = { readonly bytes: Uint8Array; readonly text: () => string };

function differing(one: Iterator<Entry>, other: Iterator<Entry>): DifferentRecord | null {
  for (let number = 0; ; number++) {
    const [a, b] = [one.next(), other.next()];
    if (a.done === true && b.done === true) return null;
    const [first, second] = [a, b].map((next) => (next.done === true ? null : next.value)) as [
      Entry | null,
      Entry | null,
    ];
    if (first !== null && second !== null && Buffer.compare(first.bytes, second.bytes) === 0) {
      continue;
    }
    return { number, first: shown(first), second: shown(second) };
  }
}

function shown(entry: Entry | null): string {
  return entry === null ? "" : entry.text().slice(0, recordTextMax);
}

function* lines(bytes: Buffer): Generator<Entry, void> {
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(0x0a, at);
    const end = found === -1 ? bytes.length : found;
    const line = bytes.subarray(at, end);
    yield { bytes: line, text: () => line.toString("utf8", 0, 4 * recordTextMax) };
    at = end + 1;
  }
}

function* entries(bytes: Buffer): Generator<Entry, void> {
  const read = (into: Uint8Array, offset: number) => {
    into.set(bytes.subarray(offset, offset + into.length));
  };
  const reader = new RunReader(read, bytes.length, crc32);
  while (reader.next()) {
    const key = reader.key.slice(0, reader.keyLength);
    const value = reader.bytes.slice(reader.valueStart, reader.valueEnd);
    const both = Buffer.concat([key, value]);
    yield { bytes: both, text: () => recordText(key, value) };
  }
}
