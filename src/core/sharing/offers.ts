/** The two indexes of the catalogue: who offers a name, and who offers a content.
 *
 *  1. Names stand in the order in which they first appeared, owners of a name in the order in which
 *     they published it, and an entry that is renewed keeps its place.
 *  2. Putting, taking and finding cost the same in a catalogue of ten and of a million: most names
 *     have one owner, which is held without a collection around it. */
import type { MemberRecord, SharedFile } from "../catalogue.ts";
import type { Hash } from "../ids.ts";
import { utf8Bytes } from "./names.ts";

export type Offer = { readonly owner: MemberRecord; file: SharedFile };

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

  names(): IterableIterator<string> {
    return this.#byName.keys();
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

  roots(): IterableIterator<Hash> {
    return this.#byRoot.keys();
  }

  /** Publishes the file, or renews the owner's entry of that name. */
  put(owner: MemberRecord, file: SharedFile): void {
    const known = owner.files.get(file.name);
    owner.files.set(file.name, file);
    this.#textBytes += textBytes(file);
    if (known === undefined) {
      const offer = { owner, file };
      this.#count++;
      this.#addOwner(offer);
      this.enterRoot(offer);
      return;
    }
    this.#textBytes -= textBytes(known);
    const offer = this.#find(owner, file.name);
    const moves = known.root !== file.root;
    if (moves) this.#leaveRoot(offer);
    offer.file = file;
    if (moves) this.enterRoot(offer);
  }

  /** False when the owner has no file of that name. */
  take(owner: MemberRecord, name: string): boolean {
    const known = owner.files.get(name);
    if (known === undefined) return false;
    const offer = this.#find(owner, name);
    owner.files.delete(name);
    this.#count--;
    this.#textBytes -= textBytes(known);
    this.#leaveRoot(offer);
    const owners = this.#byName.get(name);
    if (owners instanceof Map && owners.size > 1) owners.delete(owner);
    else this.#byName.delete(name);
    return true;
  }

  /** For a snapshot, whose order of contents is its own: an entry under its name alone. */
  putUnderName(owner: MemberRecord, file: SharedFile): Offer {
    const offer = { owner, file };
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

  #find(owner: MemberRecord, name: string): Offer {
    const owners = this.#byName.get(name);
    return (owners instanceof Map ? owners.get(owner) : owners) as Offer;
  }
}

function textBytes(file: SharedFile): number {
  return utf8Bytes(file.name) + utf8Bytes(file.description);
}
