/** Workers as jobs of Slurm: one array for each step up, a task of it for each worker. What an
 *  earlier run has submitted is found by its name. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
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
};

/** States that are still to run, or run: https://slurm.schedmd.com/squeue.html. */
const states = [
  ["pending", new Set(["PD", "CF", "RQ", "RH", "RF", "RD", "SE"])],
  ["running", new Set(["R", "S", "ST", "SO", "SI"])],
  ["leaving", new Set(["CG"])],
] as const;
const askEveryMs = 1_000;

export class SlurmWorkers implements Scheduler {
  readonly #terms: WorkerTerms;
  readonly #options: SlurmOptions;
  readonly #run: Ran;

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
      ...(["squeue", "--me", "--noheader", "--array"] as const),
      `--name=${name}`,
      "--format=%i %t",
    ]);
    return text.split("\n").flatMap((line): Unit[] => {
      const [id = "", state = ""] = line.trim().split(/\s+/);
      const known = states.find(([, names]) => names.has(state))?.[0];
      return id === "" || known === undefined ? [] : [{ id, worker: `slurm-${id}`, state: known }];
    });
  }

  async start(count: number): Promise<void> {
    if (count < 1) return;
    await this.#run(["sbatch", "--parsable"], {
      input: this.script(count),
      // A site may set SBATCH_EXPORT, which counts more than a directive.
      env: { TEQUIO_TOKEN: this.#terms.token, SBATCH_EXPORT: "ALL" },
    });
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
