/** What is kept of the shares of owners and jobs; `../shares.ts` says how they change. */
import { Ranking } from "../../structures/ranking.ts";

/** What an attempt of a stage of which none has ended is charged at first, ms: about what those of
 *  other stages took at first, within these bounds. */
export const guessMs = { first: 1_000, min: 0.25, max: 1_000 } as const;

export type Share = {
  /** Worker time per weight, ms. */
  usedMs: number;
  /** Attempts that are charged as their time goes by, and until when that has been done. */
  accruing: number;
  sinceMs: number;
};

export type OwnerShare = {
  readonly number: number;
  readonly owner: string;
  readonly share: Share;
  /** Rank of the job that was last given something. */
  turnMs: number;
  /** Its jobs that run, or wait to. */
  jobs: number;
  /** Slots that its attempts take: of each worker as many as it has attempts there, and at most as
   *  many as there are. */
  slots: number;
  /** Its jobs with ready tasks, by rank. */
  readonly ready: Ranking;
};

export type Shares = {
  /** 0 = as many as there are. */
  slotsPerOwnerMax: number;
  ownersSeen: number;
  turnMs: number;
  guessMs: number;
  readonly owners: Map<string, OwnerShare>;
  readonly byNumber: Map<number, OwnerShare>;
  /** Owners with ready tasks, by rank. */
  readonly ready: Ranking;
};

export function noShares(): Shares {
  return {
    slotsPerOwnerMax: 0,
    ownersSeen: 0,
    turnMs: 0,
    guessMs: guessMs.first,
    owners: new Map(),
    byNumber: new Map(),
    ready: new Ranking(),
  };
}
