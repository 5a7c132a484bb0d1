/** A cluster whose coordinator, submitter and workers are machines of their own, each on a cable of
 *  the same kind. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Ending } from "../../encryption/machines.ts";
import { Place, type Running } from "../../fixtures/place.ts";
import { repository } from "../../fixtures/programs.ts";
import { type Cable, type Machine, Machines, missing } from "./machines.ts";

export const wordCount = join(repository, "examples", "word-count", "job.ts");

/** Why its tests are not run, or false. */
export function skipUnlessAsked(): string | false {
  if (process.env.TEQUIO_NETWORKS !== "1") return "takes minutes: `npm run networks` runs it";
  const lack = missing();
  return lack === null ? false : `machines need ${lack}`;
}

/** Indexes of its machines: workers have those from `workers` on. */
export const at = { coordinator: 0, submitter: 1, workers: 2 } as const;

export type FarCluster = {
  readonly machines: Machines;
  readonly place: Place;
  /** Starts a command on a machine. */
  run(machine: number, ...args: string[]): Running;
  /** Options by which the submitter reaches the coordinator. */
  readonly target: readonly string[];
  readonly workers: readonly Running[];
};

/** `ofWorkers`: their cables, when they have others. */
export async function farCluster(
  t: Ending,
  cable: Cable,
  { workers = 3, ofWorkers = cable } = {},
): Promise<FarCluster> {
  const machines = await Machines.open(t, at.workers + workers);
  for (const index of machines.all.keys()) {
    await machines.set(index, index < at.workers ? cable : ofWorkers);
  }
  const place = new Place(t);
  const run = (index: number, ...args: string[]) => {
    return place.startBy((machines.all[index] as Machine).enter, ...args);
  };
  const { host } = machines.all[at.coordinator] as Machine;
  const up = run(at.coordinator, "up", "--workers", "0", "--listen", `${host}:0`);
  const told = await up.said("--fingerprint");
  const joining = /tequio (join \S+ --token \S+ --fingerprint \S+)/.exec(told)![1]!.split(" ");
  const joins = Array.from({ length: workers }, (_, index) => {
    const data = join(place.dir, `machine-${index}`, "worker");
    return run(at.workers + index, ...joining, "--slots", "2", "--data", data);
  });
  await Promise.all(joins.map((worker) => worker.said("joined")));
  const made = await run(at.coordinator, "token", "create", "--role", "submitter", "--json").ended;
  const { token } = JSON.parse(made.out) as { token: string };
  writeFileSync(join(place.dir, "token"), token, { mode: 0o600 });
  const fingerprint = joining.at(-1)!;
  const target = ["--url", joining[1]!, "--token-file", "token", "--fingerprint", fingerprint];
  return { machines, place, run, target, workers: joins };
}

/** Lines of words, about so many. */
export function words(megabytes: number): string {
  let state = 1;
  const lines: string[] = [];
  for (let sizeBytes = 0; sizeBytes < megabytes * 1e6; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const line = `w${state % 50_021} w${(state >>> 8) % 997} w${(state >>> 16) % 31}`;
    lines.push(line);
    sizeBytes += line.length + 1;
  }
  return `${lines.join("\n")}\n`;
}
