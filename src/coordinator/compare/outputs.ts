/** Where two results of one task differ: the first record. Of map outputs only the first partition
 *  is read whose hashes differ in the two manifests. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DifferentRecord } from "../../core/cluster/trust/audit.ts";
import type { Effect, OutputAt } from "../../core/effect.ts";
import { jobSpec } from "../../core/view.ts";
import type { ManifestPartition } from "../../wire/block/manifest.ts";
import { oneText } from "../jobs/result-texts.ts";
import type { Services } from "../services.ts";
import { differingEntry } from "./entries.ts";
import { differingLine } from "./lines.ts";
import { outputManifest, partitionBytes } from "./partitions.ts";

type Order = Extract<Effect, { kind: "compare-outputs" }>;

/** Comparisons that wait; further ones are left out. */
const waitingMax = 1_000;

/** Compares one pair after the other: a pair may be large, and nothing waits for it. The core asks
 *  for few of each job. */
export class Comparisons {
  readonly #dir: string;
  #last: Promise<void>;
  #waiting = 0;

  /** What a kill has left in the folder of its own is removed. */
  constructor(dataDir: string) {
    this.#dir = join(dataDir, "compare");
    this.#last = rm(this.#dir, { recursive: true, force: true }).catch(() => {});
  }

  /** Posts `outputs-compared`, or nothing when an output is gone or the disk nearly full. */
  compare(services: Services, order: Order): void {
    if (this.#waiting >= waitingMax) return;
    this.#waiting++;
    const compared = this.#last.then(() => this.#compare(services, order));
    // That they differ is known, whatever fails here.
    this.#last = compared.catch(() => {}).finally(() => this.#waiting--);
  }

  /** Resolves when none waits any more. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #compare(services: Services, order: Order): Promise<void> {
    const { blobs, loop } = services;
    const { job, stage, task, outputs } = order;
    const [one, other] = outputs;
    const isFinal = (jobSpec(loop.state, job)?.stages[stage]?.partitionCount ?? 0) === 0;
    const record = isFinal
      ? await differingLine(oneText(blobs, one), oneText(blobs, other))
      : await this.#inPartitions(services, order);
    if (record === null) return;
    const attempts = [one.attempt, other.attempt] as const;
    await loop.post({ kind: "outputs-compared", job, stage, task, attempts, record });
  }

  async #inPartitions(services: Services, order: Order): Promise<DifferentRecord | null> {
    const { job, outputs, stage, task } = order;
    const sources = outputs.map(({ attempt, root, worker }: OutputAt) => {
      return { ref: { job, stage, task, attempt }, root, worker };
    });
    const manifests = await Promise.all(sources.map((source) => outputManifest(services, source)));
    const [one, other] = manifests;
    if (one === undefined || other === undefined) return null;
    let partition = 0;
    while (partition < one.length && isSame(one.at(partition), other.at(partition))) partition++;
    if (partition === one.length) return null;
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const runs = sources.map((source) => {
      const bytes = partitionBytes(services, { ...source, partition });
      return services.lowWater.guarded(bytes, "a comparison of results");
    });
    const found = await differingEntry(runs as [(typeof runs)[0], (typeof runs)[0]], this.#dir);
    return found === null || one.length === 1 ? found : { ...found, partition };
  }
}

function isSame(one: ManifestPartition | undefined, other: ManifestPartition | undefined): boolean {
  return one?.sha256 === other?.sha256;
}
