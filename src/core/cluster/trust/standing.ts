/** What the cluster knows of volunteers: how many of their results were confirmed, and who was
 *  caught.
 *
 *  1. Trust is earned for each person *and* engine, by results that others confirmed, one after the
 *     other; results that were not compared earn nothing.
 *     It counts only as far as results for the owner of the job were confirmed, too: who is honest
 *     to all but one earns nothing with that one.
 *  2. It is never complete: a share of `floor` of all results is compared, of every volunteer.
 *  3. Which ones is drawn from a number that only the coordinator has, so no worker can know. */
import { type JobSpec, programKinds } from "../../job.ts";
import type { CoordinatorState, JobRecord, WorkerRecord } from "../state.ts";
import type { Witness } from "./opinion.ts";
import type { Caught, Standing, Trust } from "./trust.ts";

/** Confirmed results before anything of a volunteer is accepted without a second opinion. */
export const trustAfter = 20;
/** Share of the results of the most trusted volunteer that are compared nevertheless. */
export const floor = 0.05;
/** Volunteers that were caught and are remembered, oldest forgotten first. */
const caughtMax = 100_000;
/** Standings that are kept, oldest forgotten first: they begin anew then. */
const standingsMax = 100_000;

/** Results of equal engines may be compared bit by bit with each other, whatever the job's `Math`.
 *  Of Python a minor version is an engine: sums of floats and the order of sets differ. */
export function engineOf(
  { specs: { engine, python, tab } }: Pick<WorkerRecord, "specs">,
  { programKind }: Pick<JobSpec, "programKind"> = {},
): string {
  if (programKind === programKinds.python && python !== undefined) {
    return `${python.engine} ${/^\d+\.\d+/.exec(python.version)?.[0] ?? ""}`;
  }
  return engine ?? (tab === true ? "browser" : "node");
}

/** Whether results of the job are compared within one engine only. */
export function needsOneEngine({ programKind, sameEngine }: JobSpec): boolean {
  return sameEngine === true || programKind === programKinds.python;
}

/** `spec`: of the job that it computes; without one its engine is that of JavaScript. */
export function witnessOf(worker: WorkerRecord, spec: Pick<JobSpec, "programKind"> = {}): Witness {
  const { number, volunteer } = worker;
  const engine = engineOf(worker, spec);
  if (volunteer === undefined) return { worker: number, person: "", block: "", engine, own: true };
  return { worker: number, person: volunteer.person, block: volunteer.block, engine, own: false };
}

/** Whether tasks of the job may be given to volunteers. */
export function isShared({ spec }: Pick<JobRecord, "spec">): boolean {
  return spec.share === "volunteers";
}

/** Whether it is known of each task of the job who computed it. */
export function isTracked(job: Pick<JobRecord, "spec" | "recheck">): boolean {
  return isShared(job) || job.recheck !== undefined;
}

export function isCaught({ trust }: CoordinatorState, person: string): boolean {
  return person !== "" && trust.caught.has(person);
}

/** `owner`: of the job; absent = over all. */
export function validOf(
  { trust }: CoordinatorState,
  { engine, person }: Witness,
  owner?: string,
): number {
  const key = `${person}\n${engine}`;
  const valid = trust.standings.get(key)?.valid ?? 0;
  if (owner === undefined || !trust.isByOwner) return valid;
  return Math.min(valid, trust.owners.get(`${key}\n${owner}`)?.valid ?? 0);
}

/** One more result of it was confirmed, of a job of this owner. */
export function confirm(
  { trust }: CoordinatorState,
  { engine, own, person }: Witness,
  { owner }: Pick<JobRecord, "owner">,
): void {
  if (own) return;
  const key = `${person}\n${engine}`;
  count(trust.standings, key);
  if (trust.isByOwner) count(trust.owners, `${key}\n${owner}`);
}

function count(standings: Map<string, Standing>, key: string): void {
  const standing = standings.get(key);
  if (standing !== undefined) standing.valid++;
  else {
    standings.set(key, { valid: 1 });
    trim(standings, standingsMax);
  }
}

/** It was outvoted where no own worker could say who is right: its trust begins anew. */
export function doubt({ trust }: CoordinatorState, { engine, own, person }: Witness): void {
  if (!own) forget(trust, `${person}\n${engine}`);
}

/** Also the standing with each owner. */
function forget({ owners, standings }: Trust, begin: string): void {
  for (const map of [standings, owners]) {
    for (const key of map.keys()) {
      if (key === begin || key.startsWith(`${begin}\n`)) map.delete(key);
    }
  }
}

export function markCaught({ trust }: CoordinatorState, person: string, why: Caught): void {
  trust.caught.set(person, why);
  trim(trust.caught, caughtMax);
  forget(trust, person);
}

function trim(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}

/** Share of its results that get a second opinion. */
export function checkedShare(valid: number): number {
  return valid < trustAfter ? 1 : Math.max(floor, 1 / valid);
}

/** A number in [0, 1) that no worker can foretell, and that a replay draws again. */
export function draw({ trust }: CoordinatorState): number {
  return fractionOf(trust.seed, ++trust.drawn);
}

/** The `n`th number in [0, 1) of a secret below 2^53. */
export function fractionOf(secret: number, n: number): number {
  const low = mix((secret % 0x1_0000_0000) ^ Math.imul(n, 0x9e37_79b9));
  return mix(low ^ Math.floor(secret / 0x1_0000_0000) ^ n) / 0x1_0000_0000;
}

/** Finalizer of MurmurHash3 (Appleby, public domain). */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
