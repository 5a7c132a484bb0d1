/** Shares as plain JSON and back: what was used; what is ready follows from the jobs. */
import { addOwner } from "../shares.ts";
import { noShares, type OwnerShare, type Shares } from "./share.ts";

export type SavedShares = Pick<Shares, "slotsPerOwnerMax" | "ownersSeen" | "turnMs" | "guessMs"> & {
  readonly owners: ReadonlyArray<Pick<OwnerShare, "number" | "owner" | "share" | "turnMs">>;
};

export function saveShares(shares: Shares): SavedShares {
  const { guessMs, owners, ownersSeen, slotsPerOwnerMax, turnMs } = shares;
  const saved = [...owners.values()].map(({ number, owner, share, turnMs: at }) => {
    return { number, owner, share, turnMs: at };
  });
  return { slotsPerOwnerMax, ownersSeen, turnMs, guessMs, owners: saved };
}

export function loadShares(saved: SavedShares | undefined): Shares {
  const shares = noShares();
  if (saved === undefined) return shares;
  const { owners, ...numbers } = saved;
  Object.assign(shares, numbers);
  for (const owner of owners) addOwner(shares, owner);
  return shares;
}
