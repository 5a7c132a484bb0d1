/** Cuts a data file into slices, as trackers do: whole lines, until there are enough characters.
 *
 *  Existing trackers cut at 500 characters, whatever the size. So does this one at first; slices of
 *  a larger file grow, so that there are about a thousand of a gigabyte and not two million. The
 *  same data gives the same slices. */

/** Characters of each of the first slices. */
const firstCharacters = 500;
/** After so many slices, those that follow are twice as long. */
const growEvery = 64;
const charactersMax = 8 * 1024 * 1024;
/** A line without end is cut here. */
export const sliceMaxBytes = 32 * 1024 * 1024;
const newline = 0x0a;

export async function* slices(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer, void> {
  const slice = new Slice();
  let made = 0;
  let wanted = firstCharacters;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(newline, at) + 1 || chunk.length;
      const to = Math.min(end, at + sliceMaxBytes - slice.sizeBytes);
      // Copied: the reader of a blob uses its buffer again.
      slice.add(chunk.slice(at, to));
      at = to;
      const isLine = chunk[to - 1] === newline && slice.characters >= wanted;
      if (!isLine && slice.sizeBytes < sliceMaxBytes) continue;
      yield slice.take(isLine);
      made += 1;
      if (made % growEvery === 0) wanted = Math.min(wanted * 2, charactersMax);
    }
  }
  if (slice.sizeBytes > 0) yield slice.take(true);
}

class Slice {
  characters = 0;
  sizeBytes = 0;
  #parts: Uint8Array[] = [];

  add(part: Uint8Array): void {
    this.#parts.push(part);
    this.sizeBytes += part.length;
    for (const byte of part) if ((byte & 0xc0) !== 0x80) this.characters += 1;
  }

  /** Unless it ends where it may, what would cut a character stays for the next one. */
  take(isWhole: boolean): Buffer {
    const all = Buffer.concat(this.#parts);
    let end = all.length;
    if (!isWhole) {
      let lead = end - 1;
      while (lead > end - 4 && ((all[lead] as number) & 0xc0) === 0x80) lead -= 1;
      if ((all[lead] as number) >= 0xc0) end = lead;
    }
    this.#parts = [];
    this.sizeBytes = 0;
    this.characters = 0;
    if (end < all.length) this.add(all.subarray(end));
    return all.subarray(0, end);
  }
}
