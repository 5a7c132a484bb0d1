/** Where the partitions of a sort begin: keys that cut a sample of the input into equal shares.
 *
 *  Any keys make a right result; good ones make equal work. So a few thousand records, from places
 *  all over the input, are enough. */
import { compareBytes } from "../../wire/block/arena.ts";
import type { OperatorSpec, SortSpec } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import { rawRecords, readRecords } from "../local/records.ts";
import { isRaw, keyedRow, rawRow, rowsJob } from "../local/sorting.ts";
import { placesIn, type Readable, readPlace, type Sampled } from "./places.ts";

/** Keys that are kept: of all places together, unless each has only so few. Neighbours are alike in
 *  many files: more places tell more than more keys of each. */
const keysMax = 32_768;
const keysOfPlaceMin = 8;
/** So many for each partition make the largest a few percent larger than it would be at best. */
const keysOfPartition = 1024;
/** Longest splitter: what is behind is left out, which moves a border by equal beginnings. */
const splitterMaxBytes = 256;

/** One fewer than there are reducers, in order, as base64. It takes the memory of one place and of
 *  at most 32,768 keys of at most 256 bytes, whatever the size of the inputs, and of the processor
 *  what reading these takes. */
export async function splittersOf(
  operator: OperatorSpec,
  apply: SortSpec,
  from: Sampled & { readonly reducers: number },
): Promise<string[]> {
  if (from.reducers <= 1) return [];
  const sign = apply.order === "descending" ? -1 : 1;
  const wanted = Math.min(keysMax, keysOfPartition * from.reducers);
  const keys = await sample(operator, apply, { ...from, wanted });
  keys.sort((a, b) => sign * compareBytes(a, b));
  return Array.from({ length: from.reducers - 1 }, (_, i) => {
    const key = keys[Math.floor(((i + 1) * keys.length) / from.reducers)];
    return Buffer.from(key ?? []).toString("base64");
  });
}

async function sample(
  operator: OperatorSpec,
  apply: SortSpec,
  from: Sampled & { readonly wanted: number },
): Promise<Uint8Array[]> {
  const format = operator.inputs.default as FormatSpec;
  const places = placesIn(from.files, format);
  const most = Math.max(keysOfPlaceMin, Math.ceil(from.wanted / places.length));
  const mayBeCut = isRaw(operator, apply);
  const keys: Uint8Array[] = [];
  for (const place of places) {
    const read = await readPlace(place, format, { ...from, mayBeCut });
    if (read === null) continue;
    let left = most;
    for (const key of keysOf(operator, apply, read)) {
      // A copy: a part of what was read would keep all of it.
      keys.push(Buffer.from(key.subarray(0, splitterMaxBytes)));
      if (--left === 0) break;
    }
  }
  return keys;
}

function* keysOf(
  operator: OperatorSpec,
  apply: SortSpec,
  read: Readable,
): Generator<Uint8Array, void> {
  if (isRaw(operator, apply)) {
    for (const bytes of rawRecords(...read)) yield rawRow(bytes, operator).key;
    return;
  }
  const { map } = rowsJob(operator, apply).inputs.default!;
  for (const record of readRecords(...read)) {
    const keys: Uint8Array[] = [];
    if (record.kind === "bad") continue;
    map(record.value, (key, value) => keys.push(keyedRow(key, value).key), {} as never);
    yield* keys;
  }
}
