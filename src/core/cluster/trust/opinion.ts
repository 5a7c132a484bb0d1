/** What volunteers, and those who compared with them, say of one task: data only. */
import type { TaskOutput } from "../../job.ts";
import { IntQueue } from "../../structures/queue.ts";
import type { KnownTask } from "./canaries.ts";

/** Who says so. Two opinions of one person, or from one block of addresses, are one. */
export type Witness = {
  /** Worker number. */
  readonly worker: number;
  /** Of a volunteer: the owner of its token, or the tab itself; "" of an own worker. */
  readonly person: string;
  /** Of a volunteer: /24 of IPv4, /48 of IPv6; "" when it is not known. */
  readonly block: string;
  /** Results are compared within one of these where a job opts out of the exact `Math`. */
  readonly engine: string;
  /** An own worker: what it says settles a dispute. */
  readonly own: boolean;
};

/** A result that has not been committed. */
export type Opinion = Witness & {
  readonly attempt: number;
  readonly output: TaskOutput;
  readonly counters?: Readonly<Record<string, number>>;
  readonly inputBytes?: number;
  /** Its partitions are gone with its worker: it counts in a dispute, and cannot be committed. */
  readonly lost?: true;
};

/** Says of a committed output that it is right. */
export type Voucher = Omit<Opinion, "lost" | "output">;

/** Tasks of a stage of a job in which volunteers take part; empty in all other jobs. */
export type Opinions = {
  /** Results of tasks that are not decided, in the order of their arrival. */
  readonly open: Map<number, Opinion[]>;
  /** Of decided tasks. */
  readonly vouchers: Map<number, Voucher[]>;
  /** Tasks that only own workers may take now: disputes, spot checks, what failed elsewhere. */
  readonly forOwn: Set<number>;
  /** Tasks that failed in a tab, maybe for lack of what tabs do not have: for no other tab. */
  readonly notForTabs: Set<number>;
  /** Ready tasks with an open opinion, those of `forOwn` and of `notForTabs`: in no other queue. */
  readonly checks: IntQueue;
  readonly ownChecks: IntQueue;
  /** Decided once, and taken back since: their figures are not in the tally. */
  readonly withdrawn: Set<number>;
  /** Some of those for which an own worker vouches; see `canary.ts`. */
  readonly known: KnownTask[];
  /** What of each committed result is in the tally. */
  readonly counted: Map<number, Counted>;
};

export type Counted = Pick<Voucher, "counters" | "inputBytes">;

export function noOpinions(): Opinions {
  return {
    open: new Map(),
    vouchers: new Map(),
    forOwn: new Set(),
    notForTabs: new Set(),
    checks: new IntQueue(),
    ownChecks: new IntQueue(),
    withdrawn: new Set(),
    known: [],
    counted: new Map(),
  };
}

/** All that a result claims, as far as equal code on equal input must make it equal. Counters are
 *  not in it: how often `combine` is called depends on memory. */
export function markOf({ badRecords = "", records, root, sizeBytes, value }: TaskOutput): string {
  // The value last: it is of any length, and any text.
  return `${root} ${badRecords} ${sizeBytes} ${records} ${value ?? ""}`;
}

/** Whether the two may vouch for each other. Of unknown blocks only the person counts. */
export function areDistinct(a: Witness, b: Witness): boolean {
  if (a.own || b.own) return true;
  return a.person !== b.person && (a.block === "" || a.block !== b.block);
}

export function voucherOf({ lost: _, output: __, ...voucher }: Opinion): Voucher {
  return voucher;
}

/** The worker is gone with the partitions of its results. In a dispute they stay: who leaves before
 *  it is settled must not get away with a wrong one. Without one they count no more. */
export function loseFrom({ open }: Opinions, task: number, worker: number): void {
  const all = open.get(task) ?? [];
  const isLost = (one: Opinion) => one.worker === worker && one.output.isStored !== true;
  if (!all.some(isLost)) return;
  if (new Set(all.map(({ output }) => markOf(output))).size > 1) {
    const left = all.map((one): Opinion => (isLost(one) ? { ...one, lost: true } : one));
    open.set(task, left);
    return;
  }
  const left = all.filter((one) => !isLost(one));
  if (left.length === 0) open.delete(task);
  else open.set(task, left);
}

export type SavedOpinions = {
  readonly open: ReadonlyArray<[number, Opinion[]]>;
  readonly vouchers: ReadonlyArray<[number, Voucher[]]>;
  readonly forOwn: readonly number[];
  /** Absent in snapshots from before there were any. */
  readonly notForTabs?: readonly number[];
  readonly checks: readonly number[];
  readonly ownChecks: readonly number[];
  readonly withdrawn: readonly number[];
  /** Absent in snapshots from before there were any. */
  readonly known?: readonly KnownTask[];
  readonly counted: ReadonlyArray<[number, Counted]>;
};

/** Undefined when there is nothing to save, as in most stages. */
export function saveOpinions(of: Opinions): SavedOpinions | undefined {
  const { checks, counted, forOwn, known, notForTabs, open, ownChecks, vouchers } = of;
  const { withdrawn } = of;
  const sets = [open, vouchers, forOwn, notForTabs, withdrawn, counted, checks, ownChecks];
  if (sets.every(({ size }) => size === 0)) return undefined;
  return {
    open: [...open],
    vouchers: [...vouchers],
    forOwn: [...forOwn],
    notForTabs: [...notForTabs],
    checks: checks.toArray(),
    ownChecks: ownChecks.toArray(),
    withdrawn: [...withdrawn],
    known: known.map(({ persons, task }) => ({ task, persons: [...persons] })),
    counted: [...counted],
  };
}

export function loadOpinions(saved: SavedOpinions | undefined): Opinions {
  if (saved === undefined) return noOpinions();
  return {
    open: new Map(saved.open),
    vouchers: new Map(saved.vouchers),
    forOwn: new Set(saved.forOwn),
    notForTabs: new Set(saved.notForTabs),
    checks: IntQueue.from(saved.checks),
    ownChecks: IntQueue.from(saved.ownChecks),
    withdrawn: new Set(saved.withdrawn),
    known: (saved.known ?? []).map(({ persons, task }) => ({ task, persons: [...persons] })),
    counted: new Map(saved.counted),
  };
}
