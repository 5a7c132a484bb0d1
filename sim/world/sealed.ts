/** Map outputs of the simulated world as bytes: concatenated partitions, and the production
 *  manifest, whose digest is the root. */
import { decodeManifest, encodeManifest } from "../../src/wire/block/manifest.ts";
import { runMinBytes } from "../../src/wire/block/run.ts";
import { digestOf } from "./digest.ts";

export type Sealed = {
  readonly root: string;
  readonly manifest: Uint8Array;
  readonly run: Uint8Array;
};

/** A partition as its holder sends it, with the manifest that it belongs to. */
export type Part = { readonly manifest: Uint8Array; readonly bytes: Uint8Array };

/** Padding after a text that is shorter than any run. */
const filler = "\0";

export function sealed(partitions: readonly string[]): Sealed {
  const padded = partitions.map((text) => (text === "" ? "" : text.padEnd(runMinBytes, filler)));
  const manifest = encodeManifest(
    padded.map((text) => ({ sizeBytes: text.length, records: 1, sha256: digestOf(text) })),
  );
  return { root: hashOf(manifest), manifest, run: bytesOf(padded.join("")) };
}

/** The partition of a sealed output. */
export function partOf({ manifest, run }: Sealed, partition: number): Part | null {
  const found = opened(manifest).at(partition);
  if (found === undefined) return null;
  return { manifest, bytes: run.subarray(found.offset, found.offset + found.sizeBytes) };
}

/** The text of a partition; null when it does not match the root. */
export function openPart(part: Part, root: string, partition: number): string | null {
  if (rootOf(part.manifest) !== root) return null;
  const found = opened(part.manifest).at(partition);
  if (found === undefined || part.bytes.length !== found.sizeBytes) return null;
  const isSame = found.sizeBytes === 0 || hashOf(part.bytes) === found.sha256;
  return isSame ? textOf(part.bytes) : null;
}

/** Of the bytes of a manifest. */
export const rootOf = remembered(hashOf);
const opened = remembered(decodeManifest);

/** Every reduce task reads the same manifests, and no fault changes their bytes in place. */
function remembered<T>(of: (manifest: Uint8Array) => T): (manifest: Uint8Array) => T {
  const answers = new WeakMap<Uint8Array, { readonly answer: T }>();
  return (manifest) => {
    const known = answers.get(manifest) ?? { answer: of(manifest) };
    answers.set(manifest, known);
    return known.answer;
  };
}

/** The text in the bytes of a partition. */
export function textOf(bytes: Uint8Array): string {
  return charsOf(bytes).replaceAll(filler, "");
}

export function hashOf(bytes: Uint8Array): string {
  return digestOf(charsOf(bytes));
}

/** Flips some bit. */
export function flipBit(bytes: Uint8Array, draw: number): void {
  const at = Math.floor(draw * bytes.length);
  bytes[at] = bytes[at]! ^ 4;
}

/** Texts here are ASCII. */
function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function charsOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
