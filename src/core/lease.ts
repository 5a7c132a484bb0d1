/** Which of several coordinators of one log leads: the decisions of one of them about a lease that
 *  lies in a register with compare-and-set. Pure: times come in, orders go out.
 *
 *  1. An entry is (term, beat). The leader replaces it with the next beat, its successor with the
 *     next term. Each replaces only the entry that it has seen.
 *  2. A leader holds the lease for `leaseMs` from the moment when it *sent* its newest successful
 *     renewal, by its own monotonic clock.
 *  3. A candidate takes over an entry that it has seen unchanged for longer than `leaseMs`, from
 *     the moment when it first had it, by its own monotonic clock. So no two clocks are compared,
 *     and the leader's time is over first.
 *  4. The outcome of a request that failed is not known: the register is read before anything else.
 *
 *  The lease says who may answer. It does not protect the log: the log's own fence does. */

export type LeaseEntry = {
  /** Counts leaders, from 1. */
  readonly term: number;
  /** Counts renewals within the term. */
  readonly beat: number;
  /** Id of the node; "" = given up, to be taken at once. */
  readonly holder: string;
  /** What the holder says of itself; opaque here. */
  readonly note: string;
};

export type LeaseRules = {
  /** How long a lease is held without a renewal, ms. */
  readonly leaseMs: number;
  /** Between two renewals, and two looks of a candidate, ms; at most a third of `leaseMs`. */
  readonly renewMs: number;
  /** False: give up (`refused`) when another node turns out to lead. */
  readonly isStandby: boolean;
};

export const defaultLeaseRules: Omit<LeaseRules, "isStandby"> = { leaseMs: 3_000, renewMs: 500 };

export type LeaseState = {
  readonly rules: LeaseRules;
  readonly self: string;
  note: string;
  /** candidate → leading: its swap succeeded. leading → deposed: another has the lease. leading →
   *  released, candidate → released: it was asked to. */
  phase: "candidate" | "leading" | "deposed" | "released";
  /** The entry as it was last seen, or as this node last wrote it; null = not read, or none. */
  entry: LeaseEntry | null;
  /** When a candidate first had this entry; −Infinity = it has none. */
  seenAtMs: number;
  /** Until when a leader holds the lease; −Infinity = it does not. */
  heldUntilMs: number;
  /** The request under way, one at a time. */
  asked: "none" | "read" | "swap";
  /** What the newest swap writes. */
  proposed: LeaseEntry | null;
  /** A read is needed before the next swap. */
  isUnsure: boolean;
  nextAtMs: number;
  isReleasing: boolean;
};

export type LeaseEvent = { readonly atMs: number } & (
  | { readonly kind: "time-passed" }
  | { readonly kind: "read"; readonly entry: LeaseEntry | null }
  /** `sentAtMs`: when the request began. */
  | { readonly kind: "swapped"; readonly isDone: boolean; readonly sentAtMs: number }
  /** The request may have been carried out, or may still be. */
  | { readonly kind: "failed" }
  | { readonly kind: "release-asked" }
);

export type LeaseEffect =
  /** Answered by `read` or `failed`. */
  | { readonly kind: "read" }
  /** Answered by `swapped` or `failed`. `expected` null: there must be no entry. */
  | { readonly kind: "swap"; readonly expected: LeaseEntry | null; readonly next: LeaseEntry }
  | { readonly kind: "lead"; readonly term: number }
  | { readonly kind: "deposed"; readonly by: LeaseEntry | null }
  /** Another node leads; only without `isStandby`. */
  | { readonly kind: "refused"; readonly by: LeaseEntry }
  | { readonly kind: "released" };

/** Clocks may differ in speed by a tenth. */
const driftShare = 0.1;

export function newLease(self: string, note: string, rules: LeaseRules): LeaseState {
  return {
    rules,
    self,
    note,
    phase: "candidate",
    entry: null,
    seenAtMs: -Infinity,
    heldUntilMs: -Infinity,
    asked: "none",
    proposed: null,
    isUnsure: true,
    nextAtMs: -Infinity,
    isReleasing: false,
  };
}

/** Whether this node leads for certain: no other can have taken over yet. */
export function holdsLease({ heldUntilMs, phase }: LeaseState, atMs: number): boolean {
  return phase === "leading" && atMs < heldUntilMs;
}

/** When a `time-passed` is next needed; Infinity when never. */
export function nextLeaseWakeMs({ asked, nextAtMs, phase }: LeaseState): number {
  const isOver = phase === "deposed" || phase === "released";
  return isOver || asked !== "none" ? Infinity : nextAtMs;
}

export function stepLease(state: LeaseState, event: LeaseEvent): LeaseEffect[] {
  const { atMs } = event;
  const effects: LeaseEffect[] = [];
  switch (event.kind) {
    case "read":
      state.asked = "none";
      readEntry(state, event.entry, atMs, effects);
      break;
    case "swapped":
      state.asked = "none";
      if (event.isDone) swapped(state, event.sentAtMs, effects);
      else state.isUnsure = true;
      break;
    case "failed":
      state.asked = "none";
      state.isUnsure = true;
      state.nextAtMs = atMs + state.rules.renewMs;
      break;
    case "release-asked":
      state.isReleasing = true;
      state.nextAtMs = atMs;
      break;
    case "time-passed":
      break;
  }
  proceed(state, atMs, effects);
  return effects;
}

function nextEntry({ entry, isReleasing, note, phase, self }: LeaseState): LeaseEntry {
  const [term, beat] = entry === null ? [0, 0] : [entry.term, entry.beat];
  if (phase !== "leading") return { term: term + 1, beat: 0, holder: self, note };
  return { term, beat: beat + 1, holder: isReleasing ? "" : self, note };
}

function readEntry(
  state: LeaseState,
  entry: LeaseEntry | null,
  atMs: number,
  effects: LeaseEffect[],
): void {
  const { entry: before, phase, rules, self } = state;
  const isOther = entry !== null && entry.holder !== self && entry.holder !== "";
  if (phase === "leading") {
    if (entry === null || entry.holder !== self || entry.term !== before?.term) {
      state.phase = "deposed";
      state.heldUntilMs = -Infinity;
      effects.push({ kind: "deposed", by: entry });
      return;
    }
    state.entry = entry;
    state.isUnsure = false;
    return;
  }
  const isSame = before?.term === entry?.term && before?.beat === entry?.beat;
  if (isOther && before !== null && !isSame && !rules.isStandby) {
    state.phase = "released";
    effects.push({ kind: "refused", by: entry });
    return;
  }
  if (!isSame || state.seenAtMs === -Infinity) state.seenAtMs = atMs;
  state.entry = entry;
  state.isUnsure = false;
  state.nextAtMs = Math.min(atMs + rules.renewMs, Math.max(atMs, freeAtMs(state)));
}

function swapped(state: LeaseState, sentAtMs: number, effects: LeaseEffect[]): void {
  const { rules } = state;
  const entry = state.proposed as LeaseEntry;
  state.entry = entry;
  if (entry.holder === "") {
    state.phase = "released";
    state.heldUntilMs = -Infinity;
    effects.push({ kind: "released" });
    return;
  }
  state.heldUntilMs = sentAtMs + rules.leaseMs;
  state.nextAtMs = sentAtMs + rules.renewMs;
  if (state.phase === "leading") return;
  state.phase = "leading";
  effects.push({ kind: "lead", term: entry.term });
}

function proceed(state: LeaseState, atMs: number, effects: LeaseEffect[]): void {
  const { asked, entry, isReleasing, isUnsure, phase } = state;
  if (asked !== "none" || phase === "deposed" || phase === "released") return;
  if (isReleasing && phase === "candidate") {
    state.phase = "released";
    effects.push({ kind: "released" });
    return;
  }
  const isDue = atMs >= state.nextAtMs;
  if (!isUnsure && (phase === "leading" ? isDue : isFree(state, atMs))) {
    state.asked = "swap";
    state.proposed = nextEntry(state);
    // It may be carried out at any later time, and then another node leads at once.
    if (state.proposed.holder === "") state.heldUntilMs = -Infinity;
    effects.push({ kind: "swap", expected: entry, next: state.proposed });
  } else if (isDue) {
    state.asked = "read";
    effects.push({ kind: "read" });
  }
}

function isFree(state: LeaseState, atMs: number): boolean {
  const { entry, self } = state;
  // It was given up, or an earlier life of this node had it.
  if (entry === null || entry.holder === "" || entry.holder === self) return true;
  return atMs >= freeAtMs(state);
}

/** When the entry has been seen for long enough. */
function freeAtMs({ rules, seenAtMs }: LeaseState): number {
  return seenAtMs + rules.leaseMs * (1 + driftShare);
}
