/** What `store.ts` writes, so that a later check knows what must be there. */

/** Starts with the position; large ones take many pages. */
export function recordBytes(position: number, large: boolean): Uint8Array {
  const sizeBytes = large ? 1 << 20 : 40 + ((position * 997) % 9_000);
  return Buffer.from(`record ${position} `.padEnd(sizeBytes, `${position}.`));
}

/** Equal to what was written at that position, whatever its size. */
export function isRecord(position: number, bytes: Uint8Array): boolean {
  return [false, true].some((large) => Buffer.compare(recordBytes(position, large), bytes) === 0);
}

/** The second one takes several writes. */
export function blobBytes(n: number): Uint8Array {
  return Buffer.from(`blob ${n} `.repeat(n === 2 ? 60_000 : 10 * n));
}

export function secretText(version: number): string {
  return `${version}${" secret".repeat(10 * version)}\n`;
}
