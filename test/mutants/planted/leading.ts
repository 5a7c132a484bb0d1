/** Bugs in the lease of the leader and in taking over a log, found by random lives of coordinators
 *  that want the lease, and by simulated ones on one engine. */
import { type Mutant, planted } from "../mutant.ts";

const nearest = "X11: in random lives no two coordinators hold the lease at once";
const simulated = "X11: of simulated coordinators on one engine one leads, and none loses a job";

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

const several: readonly Mutant[] = [
  planted(
    "two hold the lease: it ends late for the one that has it",
    "holdsLease",
    'phase === "leading" && $at < $until',
    'phase === "leading" && $at < $until + 3_000',
  ),
  {
    name: "the fence of the log is not checked",
    edits: [
      {
        in: "openMemoryLog",
        find: "if (contents.generation !== generation) throw $fenced;",
        put: "",
      },
      {
        in: "append",
        find: "if (after !== last()) throw $fenced;",
        put: "",
      },
    ],
  },
  {
    name: "a new leader takes the state of a replica that is behind",
    edits: [
      {
        in: "finish",
        find: "await this.#catchUp(log);",
        put: "await this.#catchUp(this.#options.log);",
      },
      {
        in: "replay",
        find: "log.read(from)",
        put: "(options.from ? [] : log.read(from))",
      },
    ],
  },
  {
    ...planted(
      "a lease is given up while the coordinator still answers",
      "proceed",
      'if (state.proposed.holder === "") state.heldUntilMs = -Infinity;',
      "",
    ),
    firstSeed: 10,
  },
  planted(
    "the end of a lease is computed by another clock",
    "#swap",
    "const sentAtMs = timers.monotonicMs();",
    "const sentAtMs = timers.wallMs();",
  ),
];

export const leadingMutants: readonly Mutant[] = [
  ...lives.map((mutant) => ({ ...mutant, nearest })),
  ...several.map((mutant) => ({ ...mutant, nearest: simulated })),
];
