/** Bugs in the lease of the leader, found by random lives of coordinators that want it. */
import { type Mutant, planted } from "../mutant.ts";

const nearest = "X11: in random lives no two coordinators hold the lease at once";

const lives: readonly Mutant[] = [
  planted(
    "a lease is held from the answer on, not from the request",
    "swapped",
    "state.heldUntilMs = $sent + $rules.leaseMs",
    "state.heldUntilMs = $sent + 2_000 + $rules.leaseMs",
  ),
  planted(
    "a candidate waits for less than the lease",
    "freeAtMs",
    "$seen + $rules.leaseMs * (1 + $drift)",
    "$seen + $rules.leaseMs * 0.5",
  ),
  planted(
    "a candidate counts from its first look, not from the newest change",
    "readEntry",
    "if (!$same || state.seenAtMs === -Infinity) state.seenAtMs = $at;",
    "if (state.seenAtMs === -Infinity) state.seenAtMs = $at;",
  ),
  planted(
    "a leader answers on after it has sent its release",
    "proceed",
    'if (state.proposed.holder === "") state.heldUntilMs = -Infinity;',
    "",
  ),
  planted(
    "a leader takes another's lease for its own",
    "readEntry",
    "entry === null || entry.holder !== self || entry.term !== before?.term",
    "entry === null",
  ),
];

export const leadingMutants: readonly Mutant[] = lives.map((mutant) => ({ ...mutant, nearest }));
