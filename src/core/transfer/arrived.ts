/** Which parts of an input that is still being sent a task may read already. */

/** Bytes [start, end). */
type Range = { readonly start: number; readonly end: number };

export type ArrivingFile = {
  readonly sizeBytes: number;
  /** All of it is there, and is what its name says. */
  readonly isWhole: boolean;
  /** It is read by its pieces; others, such as compressed ones, are read as a whole. */
  readonly isPlain: boolean;
  /** What has not arrived yet, in order. */
  readonly missing: readonly Range[];
};

/** How far behind its end a piece is read at first, for the end of its last record; a reader that
 *  needs more tries again until that is there. */
const behindBytes = 64 * 1024;

/** Whether a task may read the piece [start, end). The last piece of a file waits until the whole
 *  is verified: so no job ends whose input is not what was submitted. */
export function pieceIsThere(file: ArrivingFile, { end, start }: Range): boolean {
  if (file.isWhole) return true;
  if (!file.isPlain || end >= file.sizeBytes) return false;
  const from = Math.max(0, start - 1);
  const to = Math.min(file.sizeBytes, end + behindBytes);
  // The first line, too: it names the columns of a table.
  return !file.missing.some((gap) => gap.start === 0 || (gap.start < to && gap.end > from));
}
