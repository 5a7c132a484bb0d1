/** Instances of `assembly/words.ts`, each with memory of its own. */
import { isWordCodePoint } from "../letters.ts";
import { kernelOf, type Memory } from "./engine.ts";
import { wasmBase64 } from "./words-wasm.ts";

/** See the source. Addresses and lengths are bytes. */
export type WordExports = {
  readonly memory: Memory;
  start(inputBytes: number, lowercase: boolean, numbering: boolean): number;
  clear(): void;
  sizeBytes(): number;
  scan(from: number, end: number): void;
  add(at: number, length: number, by: number): void;
  unfolded(): number;
  entryAt(i: number): number;
  bytesAt(entry: number): number;
  bytesOf(entry: number): number;
  take(entry: number): number;
  sort(partitions: number): void;
  partitionStart(partition: number): number;
  block(from: number, to: number): number;
  absorb(from: number, length: number): number;
  rows(from: number, to: number, format: number): number;
  outAt(): number;
  outSize(): number;
  number(from: number, end: number): void;
  wordsListed(): number;
  freshWords(): number;
  listAt(which: number): number;
};

/** A payload of a run has at most one key beyond its target, and this is more. */
export const inputBytes = 1024 * 1024 + 128 * 1024;

const instantiate = kernelOf<WordExports>(wasmBase64);

/** `strip` is called for each strip whose words have been numbered. */
export function wordKernel(strip: () => void = () => {}): WordExports {
  const learn = (page: number, at: number): void => {
    const bits = new Uint8Array(exports.memory.buffer, at, 32);
    for (let i = 0; i < 256; i++) {
      const isWord = isWordCodePoint(page * 256 + i);
      if (isWord) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
    }
  };
  const exports = instantiate({ letters: { learn }, words: { strip } });
  return exports;
}
