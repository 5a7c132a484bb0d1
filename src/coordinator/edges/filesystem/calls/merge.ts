/** Merges pairs into files that each hold the pickle of `(key, [v1, v2, …])`. */
import { ClusterError } from "../../../../core/error.ts";
import { hit } from "../../../../store/failpoint.ts";
import { asList } from "../../../../wire/filesystem/fields.ts";
import { pickleBytesMax } from "../../../../wire/filesystem/limits.ts";
import type { Details, Pair } from "../../../../wire/filesystem/messages.ts";
import { readPickle } from "../../../../wire/filesystem/pickle/reader.ts";
import { writePickle } from "../../../../wire/filesystem/pickle/writer.ts";
import { PyTuple, type PyValue } from "../../../../wire/filesystem/value.ts";
import type { StoredFile } from "../store/catalogue.ts";
import type { CallContext } from "./context.ts";
import { lockedBy } from "./data.ts";

/** All pairs of a message become durable together, and `onMerged` is called in the same turn. Other
 *  appends to the same files wait. Throws `conflict` when the files are locked for too long. */
export async function mergePairs(
  { files, pairs }: Extract<Details, { call: "APPENDBLOCK" }>,
  context: CallContext,
  { merged, onMerged }: { readonly merged: number; readonly onMerged: () => void },
): Promise<void> {
  const { limits, offered, files: store } = context;
  const byFile = Map.groupBy(pairs.entries(), ([index]) => files[index] ?? "");
  const releases: Array<() => void> = [];
  try {
    // In a fixed order, so that two appends cannot deadlock.
    for (const file of [...byFile.keys()].sort()) {
      const release = await store.locks.takeWithin(file, limits.mergeMs);
      if (release === null) throw lockedBy(file);
      releases.push(release);
    }
    const staged: StoredFile[] = [];
    for (const [file, entries] of byFile) {
      const merged = await mergedPickle(
        file,
        entries.map(([, pair]) => pair),
        context,
      );
      staged.push(await store.stage(file, [merged]));
    }
    hit("append.merge", "before");
    store.catalogue.put(staged, { merged });
    hit("append.merge", "after");
    onMerged();
    await offered.put(staged);
  } finally {
    for (const release of releases) release();
  }
}

async function mergedPickle(
  file: string,
  pairs: readonly Pair[],
  { files }: CallContext,
): Promise<Uint8Array> {
  const stored = files.catalogue.find(file);
  const values: PyValue[] = [];
  let key = pairs[0]?.key ?? null;
  if (stored !== null) {
    if (stored.sizeBytes > pickleBytesMax) throw notAppendable(file, "is too large");
    const [before, list] = asList(readPickle(await bytesOf(files.read(stored)))) ?? [];
    const kept = asList(list);
    if (before === undefined || kept === null)
      throw notAppendable(file, "is not a (key, [values])");
    key = before;
    for (const value of kept) values.push(value);
  }
  for (const pair of pairs) for (const value of pair.values) values.push(value);
  return writePickle(new PyTuple([key, values]));
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

function notAppendable(file: string, what: string): ClusterError {
  return new ClusterError("bad-request", `APPENDBLOCK cannot extend ${file}: it ${what}`);
}
