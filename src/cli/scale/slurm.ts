/** Workers as jobs of Slurm: one array for each step up, a task of it for each worker. What an
 *  earlier run has submitted is found by its name. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { Backoff } from "../cluster/process/backoff.ts";
import { plural } from "../numbers.ts";
import { quoted } from "../paste.ts";
import { type Ran, ran } from "./ran.ts";
import type { Scheduler, Unit, WorkerTerms } from "./scheduler.ts";
import { walltimeScript } from "./walltime.ts";
import { heldScript, workerLine } from "./worker-line.ts";

export type SlurmOptions = {
  /** Of the jobs: the same for the same coordinator. */
  readonly name: string;
  /** For sbatch, as `--partition=short`. */
  readonly options: readonly string[];
  readonly run?: Ran;
  readonly print?: (line: string) => void;
};

/** States that are still to run, or run: https://slurm.schedmd.com/squeue.html. */
const states = [
  ["pending", new Set(["PD", "CF", "RQ", "RH", "RF", "RD", "SE"])],
  ["running", new Set(["R", "S", "ST", "SO", "SI"])],
  ["leaving", new Set(["CG"])],
] as const;
/** Ended by themselves, and not as they should. Slurm lists them for some minutes (MinJobAge). */
const failed = new Set(["F", "NF", "BF", "OOM", "TO"]);
const askEveryMs = 1_000;

export class SlurmWorkers implements Scheduler {
  readonly #terms: WorkerTerms;
  readonly #options: SlurmOptions;
  readonly #run: Ran;
  /** Those that have failed, of the last look; null before the first one. */
  #failed: ReadonlySet<string> | null = null;
  readonly #backoff = new Backoff();
  #failedAtMs = -Infinity;
  #notBeforeMs = -Infinity;

  constructor(terms: WorkerTerms, options: SlurmOptions) {
    this.#terms = terms;
    this.#options = options;
    this.#run = options.run ?? ran;
  }

  script(count: number): string {
    const { name, options } = this.#options;
    const directives = [
      `--job-name=${name}`,
      `--array=1-${count}`,
      `--cpus-per-task=${this.#terms.slots}`,
      "--output=/dev/null",
      "--open-mode=append",
      // The token is in the environment of sbatch, and in no file.
      "--export=ALL",
      "--no-requeue",
      ...options,
    ];
    const worker = 'slurm-"$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID"';
    return [
      "#!/bin/sh",
      ...directives.map((directive) => `#SBATCH ${directive}`),
      walltimeScript(this.#terms),
      // The last of the same options counts.
      heldScript(`${workerLine(this.#terms, worker)} $leave`),
      "",
    ].join("\n");
  }

  async units(): Promise<readonly Unit[]> {
    const { name } = this.#options;
    const text = await this.#run([
      ...(["squeue", "--me", "--noheader", "--array", "--states=all"] as const),
      `--name=${name}`,
      "--format=%i %t",
    ]);
    const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
    this.#sawFailed(lines.filter(([, state = ""]) => failed.has(state)).map(([id = ""]) => id));
    return lines.flatMap(([id = "", state = ""]): Unit[] => {
      const known = states.find(([, names]) => names.has(state))?.[0];
      return id === "" || known === undefined ? [] : [{ id, worker: `slurm-${id}`, state: known }];
    });
  }

  async start(count: number): Promise<number> {
    if (count < 1 || performance.now() < this.#notBeforeMs) return 0;
    await this.#run(["sbatch", "--parsable"], {
      input: this.script(count),
      // A site may set SBATCH_EXPORT, which counts more than a directive.
      env: { TEQUIO_TOKEN: this.#terms.token, SBATCH_EXPORT: "ALL" },
    });
    return count;
  }

  /** What fails at once would fail again: a queue of a site is not to be filled with it. */
  #sawFailed(ids: readonly string[]): void {
    const fresh = ids.filter((id) => this.#failed !== null && !this.#failed.has(id));
    this.#failed = new Set(ids);
    if (fresh.length === 0) return;
    const nowMs = performance.now();
    this.#notBeforeMs = nowMs + this.#backoff.waitMs(nowMs - this.#failedAtMs);
    this.#failedAtMs = nowMs;
    const hint = "to see what they print, add: -- --output=worker-%A_%a.log";
    this.#options.print?.(`${plural(fresh.length, "job")} of Slurm failed: ${fresh[0]}; ${hint}`);
  }

  /** Slurm sends SIGTERM, and SIGKILL after its KillWait: 30 s unless the site has another. */
  async end(units: readonly Unit[]): Promise<void> {
    if (units.length === 0) return;
    await this.#run(["scancel", ...units.map(({ id }) => id)] as ["scancel", ...string[]]);
  }

  async close(graceMs: number): Promise<void> {
    await this.end((await this.units()).filter(({ state }) => state !== "leaving"));
    const untilMs = performance.now() + graceMs;
    while ((await this.units()).length > 0 && performance.now() < untilMs) await delay(askEveryMs);
  }
}

/** Throws `bad-request` for one that would break out of its line of the script. */
export function slurmOptions(words: readonly string[]): string[] {
  const bad = words.find((word) => !word.startsWith("-") || /[\r\n]/.test(word));
  if (bad === undefined) return words.map((word) => (/\s/.test(word) ? quoted(word) : word));
  const text = `"${bad}" is no option of sbatch; write those as --name=value after --`;
  throw new ClusterError("bad-request", text);
}
