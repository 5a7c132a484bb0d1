/** The two indexes of the catalogue: who offers a name, and who offers a content.
 *
 *  1. Names stand in the order in which they first appeared, owners of a name in the order in which
 *     they published it, and an entry that is renewed keeps its place.
 *  2. Putting, taking and finding cost the same in a catalogue of ten and of a million: most names
 *     have one owner, which is held without a collection around it. */
import type { MemberRecord, SharedFile } from "../catalogue.ts";
import type { Hash } from "../ids.ts";
import { utf8Bytes } from "./names.ts";

export type Offer = {
  readonly owner: MemberRecord;
  file: SharedFile;
  /** In the snapshot that is being written; means nothing otherwise. */
  number: number;
};

type Owners = Offer | Map<MemberRecord, Offer>;
type Copies = Offer | Set<Offer>;

export class Offers {
  readonly #byName = new Map<string, Owners>();
  readonly #byRoot = new Map<Hash, Copies>();
  #count = 0;
  #textBytes = 0;

  /** Files of all members. */
  get count(): number {
    return this.#count;
  }

  /** UTF-8 bytes of all names and descriptions. */
  get textBytes(): number {
    return this.#textBytes;
  }

  /** Everything, in the order of names, and of owners within a name. */
  *all(): Generator<Offer, void> {
    for (const owners of this.#byName.values()) {
      if (owners instanceof Map) yield* owners.values();
      else yield owners;
    }
  }

  /** By all owners, connected or not. */
  *ofName(name: string): Generator<Offer, void> {
    const owners = this.#byName.get(name);
    if (owners instanceof Map) yield* owners.values();
    else if (owners !== undefined) yield owners;
  }

  /** By all owners, connected or not, in the order in which they came to this content. */
  *ofRoot(root: Hash): Generator<Offer, void> {
    const copies = this.#byRoot.get(root);
    if (copies instanceof Set) yield* copies;
    else if (copies !== undefined) yield copies;
  }

  /** Who has the same content, content by content. */
  *contents(): Generator<readonly Offer[], void> {
    for (const copies of this.#byRoot.values()) {
      yield copies instanceof Set ? [...copies] : [copies];
    }
  }

  /** Publishes the file, or renews the owner's entry of that name. */
  put(owner: MemberRecord, file: SharedFile): void {
    const known = owner.files.get(file.name);
    owner.files.set(file.name, file);
    if (known === undefined) {
      this.enterRoot(this.putUnderName(owner, file));
      return;
    }
    this.#textBytes += textBytes(file) - textBytes(known);
    const offer = this.find(owner, file.name);
    const moves = known.root !== file.root;
    if (moves) this.#leaveRoot(offer);
    offer.file = file;
    if (moves) this.enterRoot(offer);
  }

  /** False when the owner has no file of that name. */
  take(owner: MemberRecord, name: string): boolean {
    const known = owner.files.get(name);
    if (known === undefined) return false;
    const offer = this.find(owner, name);
    owner.files.delete(name);
    this.#count--;
    this.#textBytes -= textBytes(known);
    this.#leaveRoot(offer);
    const owners = this.#byName.get(name);
    if (owners instanceof Map && owners.size > 1) owners.delete(owner);
    else this.#byName.delete(name);
    return true;
  }

  /** A new entry under its name alone: a snapshot has an order of contents of its own. */
  putUnderName(owner: MemberRecord, file: SharedFile): Offer {
    const offer = { owner, file, number: 0 };
    this.#count++;
    this.#textBytes += textBytes(file);
    this.#addOwner(offer);
    return offer;
  }

  enterRoot(offer: Offer): void {
    const { root } = offer.file;
    if (root === null) return;
    const copies = this.#byRoot.get(root);
    if (copies === undefined) this.#byRoot.set(root, offer);
    else if (copies instanceof Set) copies.add(offer);
    else this.#byRoot.set(root, new Set([copies, offer]));
  }

  #leaveRoot(offer: Offer): void {
    const { root } = offer.file;
    if (root === null) return;
    const copies = this.#byRoot.get(root);
    if (copies instanceof Set && copies.size > 1) copies.delete(offer);
    else this.#byRoot.delete(root);
  }

  #addOwner(offer: Offer): void {
    const { owner, file } = offer;
    const owners = this.#byName.get(file.name);
    if (owners === undefined) this.#byName.set(file.name, offer);
    else if (owners instanceof Map) owners.set(owner, offer);
    else {
      const several = new Map([[owners.owner, owners]]);
      this.#byName.set(file.name, several.set(owner, offer));
    }
  }

  /** The entry of a name that the owner has. */
  find(owner: MemberRecord, name: string): Offer {
    const owners = this.#byName.get(name);
    return (owners instanceof Map ? owners.get(owner) : owners) as Offer;
  }
}

function textBytes(file: SharedFile): number {
  return utf8Bytes(file.name) + utf8Bytes(file.description);
}
