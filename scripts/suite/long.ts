/** Which tests only `npm test -- --all` runs, and why: `npm test` by itself ends in minutes. Each
 *  row of the fault list has a test in both. */

/** Files whose paths begin so. */
type Left = { readonly why: string; readonly starts: readonly string[] };

export const left: readonly Left[] = [
  {
    why: "plant bugs and see that the other tests notice",
    starts: ["test/mutants/"],
  },
  {
    why: "simulate large fleets and crowds, and compare them with promised figures",
    starts: ["test/simulation/figures.", "test/simulation/page.", "test/simulation/strangers."],
  },
  {
    why: "take long since what they show does: leases, pauses, lifetimes, memory over time",
    starts: [
      ...["test/browsers/away.", "test/cli/generations.", "test/limits/memory."],
      "test/recovery/pauses.",
    ],
  },
  {
    why: "start existing engines, schedulers and peers, one kill or takeover after the other",
    starts: [
      ...["test/cli/slurm.", "test/engines/ending.", "test/engines/failover."],
      ...["test/engines/spot.", "test/filesystem/elsewhere.", "test/filesystem/spread."],
      ...["test/filesystem/takeover.", "test/adoption/"],
    ],
  },
  {
    why: "load Python, large tables or odd job code into browsers, or draw pages",
    starts: [
      ...["test/browsers/large-results.", "test/browsers/python."],
      ...["test/browsers/tables.", "test/environment/", "test/web/drawn.", "test/web/try."],
    ],
  },
  {
    why: "walk the ways of a student, a teacher, an operator, and every example",
    starts: [
      "test/docs/examples.",
      "test/docs/operator.",
      "test/mapreduce-paper/cluster.",
      "test/walks/",
    ],
  },
  {
    why: "fail in every way that the shorter tests beside them try once",
    starts: [
      ...["test/cli/files.", "test/damage/bit-flips.", "test/damage/damage.", "test/judge/thrown."],
      ...["test/network/proxy.", "test/python/faults.", "test/trust/liar."],
    ],
  },
];

export function isLeft(path: string): boolean {
  return left.some(({ starts }) => starts.some((start) => path.startsWith(start)));
}
