/** What can be served: bytes of a known root, all of them or the pieces that are there so far. */
import type { Hash } from "../../core/ids.ts";
import type { FileAttributes, PieceRun } from "../../wire/p4/data.ts";

export interface Content {
  /** Its name as it is shared, with `/` between folders. */
  readonly name: string;
  readonly root: Hash;
  readonly sizeBytes: number;
  /** Hashes of all pieces, one after the other. */
  readonly layer: Uint8Array;
  /** Absolute, of a file that is served from where it lies on this machine. */
  readonly path?: string;
  /** Of a file on this machine; without them its time and rights are the receiver's. */
  readonly attributes?: FileAttributes;
  /** Pieces that can be read now, in order. */
  have(): readonly PieceRun[];
  /** Fills `into`, from byte `position` on. Throws `data-lost` when the bytes are not those of the
   *  root any more, and `not-found` when they are not there yet; nothing may be sent then. */
  read(position: number, into: Uint8Array): Promise<void>;
}

/** Everything that is served, by name and by root. */
export class ContentIndex {
  readonly #byName = new Map<string, Content>();
  readonly #byRoot = new Map<Hash, Set<Content>>();

  get size(): number {
    return this.#byName.size;
  }

  /** Replaces what had this name before. */
  put(content: Content): void {
    this.remove(content.name);
    this.#byName.set(content.name, content);
    const same = this.#byRoot.get(content.root) ?? new Set();
    this.#byRoot.set(content.root, same.add(content));
  }

  remove(name: string): void {
    const content = this.#byName.get(name);
    if (content === undefined) return;
    this.#byName.delete(name);
    const same = this.#byRoot.get(content.root);
    same?.delete(content);
    if (same?.size === 0) this.#byRoot.delete(content.root);
  }

  named(name: string): Content | null {
    return this.#byName.get(name) ?? null;
  }

  /** Any content of this root: all have the same bytes. */
  rooted(root: Hash): Content | null {
    return this.#byRoot.get(root)?.values().next().value ?? null;
  }

  all(): Iterable<Content> {
    return this.#byName.values();
  }
}

/** Bytes in memory: the list of a shared folder. */
export function contentOfBytes(
  bytes: Uint8Array,
  of: { readonly name: string; readonly root: Hash; readonly layer: Uint8Array },
): Content {
  const count = of.layer.length / 32;
  return {
    ...of,
    sizeBytes: bytes.length,
    have: () => (count === 0 ? [] : [{ first: 0, count }]),
    async read(position, into) {
      into.set(bytes.subarray(position, position + into.length));
    },
  };
}
