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
};

/** Most files of one split: a file costs about as much as 16 KiB of text, however small it is. */
const filesMax = 4096;

/** Splits in the order of the files; empty files are in none. */
export function cutSplits(files: readonly SplittableFile[], splitBytes: number): Split[] {
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
    if (sizeBytes === 0) continue;
    const isFull = packBytes + sizeBytes > splitBytes || pack.length === filesMax;
    if (input !== packInput || isFull || !file.mayPack) flush();
    if (sizeBytes > splitBytes || !file.mayPack) {
      for (const piece of ranges(index, file, splitBytes)) splits.push({ input, pieces: [piece] });
      continue;
    }
    pack.push([index, 0, sizeBytes]);
    packInput = input;
    packBytes += sizeBytes;
  }
  flush();
  return splits;
}

function ranges(index: number, file: SplittableFile, splitBytes: number): Piece[] {
  const { sizeBytes, recordBytes = 1 } = file;
  if (!file.mayCut) return [[index, 0, sizeBytes]];
  const count = Math.ceil(sizeBytes / splitBytes);
  const records = sizeBytes / recordBytes;
  const cut = (n: number): number => Math.round((n * records) / count) * recordBytes;
  return Array.from({ length: count }, (_, n) => [index, cut(n), cut(n + 1)] as const);
}
