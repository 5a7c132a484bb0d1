/** Reading members and the catalogue. Changes nothing; a member that is not connected, or that
 *  `isHere` says is silent, offers nothing. */
import type { MemberRecord, SharedFile } from "../catalogue.ts";
import type { CoordinatorState } from "../cluster/state.ts";
import type { Hash } from "../ids.ts";
import type { Offer } from "./offers.ts";

/** Whether it has shown a sign of life within its TTL, which the state cannot know. */
export type IsHere = (member: MemberRecord) => boolean;

/** All members in the order of registration, connected or not. */
export function memberRecords(state: CoordinatorState): IterableIterator<MemberRecord> {
  return state.sharing.members.values();
}

export function memberNamed(state: CoordinatorState, name: string): MemberRecord | null {
  return state.sharing.members.get(name) ?? null;
}

/** The peer whose token has this SHA-256. */
export function peerOfToken(state: CoordinatorState, tokenHash: Hash): MemberRecord | null {
  return state.sharing.peers.get(tokenHash) ?? null;
}

/** Equal as long as nothing has changed since the start of this process. */
export function sharingVersion(state: CoordinatorState): number {
  return state.sharing.changes;
}

/** The first entry of each name that a member offers now, in the order in which the names first
 *  appeared. */
export function* offeredFiles(
  state: CoordinatorState,
  isHere: IsHere,
): Generator<SharedFile, void> {
  let told: string | null = null;
  for (const { owner, file } of state.sharing.offers.all()) {
    // Owners of one name follow each other.
    if (file.name === told || !offersNow(owner, isHere)) continue;
    told = file.name;
    yield file;
  }
}

export function offeredNames(state: CoordinatorState, isHere: IsHere): string[] {
  const names: string[] = [];
  for (const { name } of offeredFiles(state, isHere)) names.push(name);
  return names;
}

/** Owners of one name that are looked at: enough to fetch from, however many more have it. */
const sourcesMax = 256;

export type WantedFile = { readonly name: string } | { readonly root: Hash };

/** Who offers a file now, its first owner first. By name: what that owner published under it, and
 *  all members that have the same content, whatever they call it; an owner that gives no content
 *  hash counts alone. Entries whose size is not the one that most of them claim are left out: the
 *  root depends on the size too, so one of the owners reports a false size. */
export function sourcesOf(
  state: CoordinatorState,
  wanted: WantedFile,
  isHere: IsHere,
): Array<Readonly<Offer>> {
  const { offers } = state.sharing;
  const live = (found: Iterable<Offer>) => {
    const some: Offer[] = [];
    for (const offer of found) {
      if (some.length >= sourcesMax) break;
      if (offersNow(offer.owner, isHere)) some.push(offer);
    }
    return some;
  };
  if ("root" in wanted) return agreed(live(offers.ofRoot(wanted.root)));
  const named = live(offers.ofName(wanted.name));
  const root = named[0]?.file.root ?? null;
  if (root === null) return named.filter(({ file }) => file.root === null);
  const same = named.filter(({ file }) => file.root === root);
  return agreed([...new Set([...same, ...live(offers.ofRoot(root))])]);
}

function agreed(offers: readonly Offer[]): Offer[] {
  const votes = new Map<number | null, number>();
  for (const { file } of offers) votes.set(file.sizeBytes, (votes.get(file.sizeBytes) ?? 0) + 1);
  votes.delete(null);
  let size: number | null = null;
  for (const [claimed, count] of votes) if (count > (votes.get(size) ?? 0)) size = claimed;
  return offers.filter(({ file }) => file.sizeBytes === null || file.sizeBytes === size);
}

function offersNow(owner: MemberRecord, isHere: IsHere): boolean {
  return owner.address !== null && isHere(owner);
}
