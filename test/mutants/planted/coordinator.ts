/** Bugs of the coordinator's loop, its log, its clock and its links to workers. */
import { deposing } from "../../simulation/deposing.ts";
import { type Mutant, planted } from "../mutant.ts";

/** Workers lose their links often while the disk is slow, so that joins overtake each other. */
const rejoining: NonNullable<Mutant["rates"]> = {
  "disk-slow": { probability: 1, perHour: 60, forMs: [10_000, 60_000] },
  "link-break": { probability: 1, perHour: 480, forMs: [0, 0] },
};

export const coordinatorMutants: readonly Mutant[] = [
  planted(
    "answer before the record is durable",
    "#turn",
    "await $log.append($records, $after);",
    "$log.append($records, $after).catch(() => {});",
  ),
  planted(
    "acknowledge reports that the disk refused",
    "#report",
    "$durable.every(Boolean)",
    "$durable.length >= 0",
  ),
  planted(
    "silent workers are never given up",
    "due",
    "if ($watched.told || $atMs < $watched.deadlineMs) continue;",
    'if ($watched.told || $atMs < $watched.deadlineMs || $watched.reason === "silent") continue;',
  ),
  planted(
    "workers are given up before their lease has ended",
    "heard",
    "$watched.deadlineMs = $atMs + $watched.leaseMs",
    "$watched.deadlineMs = $atMs + this.#options.heartbeatMs",
  ),
  planted(
    "the snapshot claims to be older than it is",
    "#save",
    "$log.saveSnapshot($position, $snapshot)",
    "$log.saveSnapshot($position - 1, $snapshot)",
  ),
  planted(
    "timers are not armed after a restart",
    "#turn",
    "this.#arm(0);",
    "if (this.#end.epoch === 1) this.#arm(0);",
  ),
  planted(
    "the clock follows the wall clock",
    "LogClock",
    "Math.max(Math.ceil($last), Math.floor($wall))",
    "Math.floor($wall)",
  ),
  {
    name: "the log takes records of a deposed coordinator",
    edits: [
      {
        in: "mustBeWriter",
        find: "$contents.generation !== $generation",
        put: "$contents.generation < 0",
      },
      { in: "openMemoryLog", find: "$after !== last()", put: "$after < 0" },
    ],
  },
  planted("blobs of jobs are swept", "#withoutKept", "keepReferenced($state, $names);", ""),
  planted(
    "a deposed coordinator keeps its workers (bug 3 of the track record)",
    "#makeSure",
    'this.#posted({ kind: "time-passed" })',
    "Promise.resolve(true)",
  ),
  planted(
    "a clone takes the place of a worker that lives",
    "claim",
    "$other.process !== $link.process && $quiet < $quietMs",
    '$other.process === "" && $quiet < $quietMs',
  ),
  planted(
    "a worker's credential is not looked at when it returns",
    "returning",
    "$known && $door.isCredentialOf($worker, $credential)",
    "$known",
  ),
  {
    ...planted(
      "a late join closes the link that took its place (bug 8 of the track record)",
      "claim",
      'if ($link.phase === "closed" && $other !== undefined && $other !== $link) return;',
      "",
    ),
    rates: rejoining,
  },
  {
    ...planted(
      "a deposed coordinator renews leases (bug 9 of the track record)",
      "#whenSure",
      "$isOurs === true",
      "this !== null",
    ),
    rates: deposing,
  },
];
