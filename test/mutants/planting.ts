/** What a planted bug makes of a file; free of everything, since it is loaded into each test. */

/** A piece of a file, by offsets in its text, and what it becomes. */
export type Place = {
  /** Relative to the root of the repository. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
};

/** The text of `file` with all the places in it changed. */
export function planted(text: string, file: string, places: readonly Place[]): string {
  let changed = text;
  const here = places.filter((place) => place.file === file);
  for (const { end, start, text: put } of here.toSorted((a, b) => b.start - a.start)) {
    changed = changed.slice(0, start) + put + changed.slice(end);
  }
  return changed;
}
