/** Cuts files into splits of about equal size: big ones into ranges, small ones packed together. */
import type { Piece, Split } from "../../wire/block/plan.ts";

export type SplittableFile = {
  readonly input: string;
  readonly sizeBytes: number;
  /** False: read from end to end by one task (compressed, whole-file formats, multi-line CSV). */
  readonly mayCut: boolean;
  /** False: shares its split with no other file. */
  readonly mayPack: boolean;
  /** Cuts fall between records of this size. */
  readonly recordBytes?: number;
  /** The file is one record, an empty file, too. */
  readonly isRecord?: boolean;
};

/** Most files of one split: a file costs about as much as 16 KiB of text, however small it is. */
const filesMax = 4096;

/** Splits in the order of the files; empty files are in none, unless they are records. Up to
 *  `splitMaxBytes` a file is cut into one split less: a task for some last bytes costs a round of
 *  all slots. */
export function cutSplits(
  files: readonly SplittableFile[],
  splitBytes: number,
  splitMaxBytes = splitBytes,
): Split[] {
  const splits: Split[] = [];
  let pack: Piece[] = [];
  let packInput = "";
  let packBytes = 0;
  const flush = (): void => {
    if (pack.length > 0) splits.push({ input: packInput, pieces: pack });
    [pack, packBytes] = [[], 0];
  };
  for (const [index, file] of files.entries()) {
    const { input, sizeBytes } = file;
    if (sizeBytes === 0 && file.isRecord !== true) continue;
    const isFull = packBytes + sizeBytes > splitBytes || pack.length === filesMax;
    if (input !== packInput || isFull || !file.mayPack) flush();
    if (sizeBytes > splitBytes || !file.mayPack) {
      const count = splitCount(sizeBytes, splitBytes, splitMaxBytes);
      for (const piece of ranges(index, file, count)) splits.push({ input, pieces: [piece] });
      continue;
    }
    pack.push([index, 0, sizeBytes]);
    packInput = input;
    packBytes += sizeBytes;
  }
  flush();
  return splits;
}

function splitCount(sizeBytes: number, splitBytes: number, splitMaxBytes: number): number {
  const count = Math.ceil(sizeBytes / splitBytes);
  return count > 1 && sizeBytes <= (count - 1) * splitMaxBytes ? count - 1 : count;
}

function ranges(index: number, file: SplittableFile, count: number): Piece[] {
  const { sizeBytes, recordBytes = 1 } = file;
  if (!file.mayCut) return [[index, 0, sizeBytes]];
  const records = sizeBytes / recordBytes;
  const cut = (n: number): number => Math.round((n * records) / count) * recordBytes;
  return Array.from({ length: count }, (_, n) => [index, cut(n), cut(n + 1)] as const);
}
