/** What is promised of crowds with liars, by how they lie: checked by `npm test` with a few seeds,
 *  and by `scripts/strangers.ts` with many. */
import { Crowd, type CrowdResult, type Nature } from "./crowd.ts";

export type Lying = {
  readonly rate: number;
  /** Results before the first lie, as a share of what each worker computes in all. */
  readonly afterShare: number;
  /** Members of a group, who tell the same lies; 0 = each is alone. */
  readonly together: number;
  /** Lies so rarely, or so late, that a share of `floor` finds them late. */
  readonly patient: boolean;
  /** See `Nature`. */
  readonly onlyNewest?: boolean;
};

export const lyings = {
  "always, alone": { rate: 1, afterShare: 0, together: 0, patient: false },
  "always, five together": { rate: 1, afterShare: 0, together: 5, patient: false },
  "one in two, five together": { rate: 0.5, afterShare: 0, together: 5, patient: false },
  "one in ten, five together": { rate: 0.1, afterShare: 0, together: 5, patient: false },
  "one in twenty, five together": { rate: 0.05, afterShare: 0, together: 5, patient: true },
  "one in a hundred, five together": { rate: 0.01, afterShare: 0, together: 5, patient: true },
  "always, after a fifth of the work": { rate: 1, afterShare: 0.2, together: 5, patient: true },
  "always, in the last tenth": { rate: 1, afterShare: 0.9, together: 5, patient: true },
  "one in twenty, after a tenth": { rate: 0.05, afterShare: 0.1, together: 5, patient: true },
  "where its task is the newest": {
    rate: 1,
    afterShare: 0,
    together: 5,
    patient: true,
    onlyNewest: true,
  },
} as const satisfies Readonly<Record<string, Lying>>;

/** Largest share of wrong results in a finished job, and of work, by the share of liars. */
export const promisedFigures = {
  wrongLoud: 1e-3,
  wrongPatient: 1e-2,
  work: [
    { liars: 0.2, most: 1.3 },
    { liars: 0.02, most: 1.15 },
  ],
} as const;

export type CrowdSize = { readonly tasks: number; readonly workers: number };

/** One job on a crowd with one own worker. */
export function crowdOf(
  lying: Lying,
  { tasks, workers }: CrowdSize,
  at: { readonly seed: number; readonly liars: number },
): CrowdResult {
  const { afterShare, onlyNewest = false, rate, together } = lying;
  const liars = Math.round(workers * at.liars);
  const after = Math.round((afterShare * tasks) / workers);
  const volunteers = Array.from({ length: workers - 1 }, (_, index): Nature => {
    if (index >= liars) return { kind: "honest" };
    const group = together === 0 ? 0 : 1 + Math.floor(index / together);
    return { kind: "liar", rate, after, group, onlyNewest };
  });
  return new Crowd({ seed: at.seed, tasks, own: 1, volunteers }).run();
}

/** A fifth of the workers agree to lie to one owner, and have earned trust by a job of another. */
export function againstOneOwner(
  { tasks, workers }: CrowdSize,
  { rate, seed, trustsByOwner = true }: Against,
): CrowdResult {
  const liars = Math.round(workers * 0.2);
  const liar: Nature = { kind: "liar", rate, after: 0, group: 1, onlyTo: "ann" };
  const volunteers = Array.from({ length: workers - 1 }, (_, index): Nature => {
    return index < liars ? liar : { kind: "honest" };
  });
  const before = [{ owner: "bob", tasks: 200 * workers }];
  return new Crowd({ seed, tasks, own: 1, volunteers, before, trustsByOwner }).run();
}

export type Against = {
  readonly rate: number;
  readonly seed: number;
  /** See `CrowdOptions`. */
  readonly trustsByOwner?: boolean;
};

/** A small crowd of every engine in which all are honest or, every other seed, some are not: how
 *  many honest workers were called liars. */
export function accusedIn(seed: number, lawsEvery = 0): number {
  const workers = 6 + (seed % 7);
  const liars = seed % 2 === 0 ? 0 : 1 + (seed % 3);
  const volunteers = Array.from({ length: workers }, (_, index): Nature => {
    if (index >= liars) return { kind: "honest" };
    return { kind: "liar", rate: [1, 0.5, 0.1][seed % 3] as number, after: seed % 5, group: 1 };
  });
  const trust = seed % 5 === 0 ? { trust: "quorum" as const } : {};
  const spec = seed % 4 === 3 ? { ...trust, sameEngine: true } : trust;
  const own = seed % 4 === 3 ? 3 : seed % 3;
  const crowd = new Crowd({ seed, tasks: 60, own, volunteers, spec, lawsEvery });
  return crowd.run().caughtHonest;
}
