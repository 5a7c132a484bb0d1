/** The files into which a table spills, and their merge into one output file. */
import { rmSync } from "node:fs";
import { hit } from "../../store/failpoint.ts";
import {
  decodeManifest,
  type Manifest,
  type ManifestPartition,
} from "../../wire/block/manifest.ts";
import type { RunReader, RunWriter } from "../../wire/block/run.ts";
import { type Combine, Merge, mergeIntoRun } from "./merge.ts";
import { PartitionFile, SegmentFiles } from "./run-file.ts";

export type SpillOptions = {
  readonly partitionCount: number;
  readonly combine: Combine | null;
  readonly descending: boolean;
  /** The output file; spills lie beside it. */
  readonly path: string;
  /** Merges runs into one, as `mergeIntoRun` with `combine` does. */
  readonly merge?: (runs: readonly RunReader[], target: RunWriter) => void;
};

type Spill = { readonly path: string; readonly manifest: Manifest };

/** This many spills are merged into one: each is an open file and a block of memory while
 *  merging. */
const spillsMax = 64;

export class SpillFiles {
  readonly #options: SpillOptions;
  #spills: Spill[] = [];
  #made = 0;

  constructor(options: SpillOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#spills.length;
  }

  nextPath(): string {
    return `${this.#options.path}.spill-${this.#made++}`;
  }

  /** Writes a file of partitions, which is a further spill unless it is the output. Answers its
   *  manifest. */
  write(path: string, fill: (file: PartitionFile) => void): Uint8Array {
    const file = new PartitionFile(path, this.#options.partitionCount);
    try {
      hit("spill.write", "before");
      fill(file);
      const manifest = file.finish();
      hit("spill.write", "after");
      if (path !== this.#options.path) {
        this.#spills.push({ path, manifest: decodeManifest(manifest) });
      }
      return manifest;
    } catch (error) {
      file.discard();
      throw error;
    }
  }

  /** Takes a file of partitions that is written as a further spill. */
  adopt(path: string, manifest: Uint8Array): void {
    this.#spills.push({ path, manifest: decodeManifest(manifest) });
  }

  /** Merges the spills into one when there are many. */
  compact(): void {
    if (this.#spills.length >= spillsMax) this.#merge(this.nextPath());
  }

  /** Merges all spills into the output file; answers its manifest. */
  mergeAll(): Uint8Array {
    return this.#merge(this.#options.path);
  }

  close(): void {
    for (const { path } of this.#spills) rmSync(path, { force: true });
    this.#spills = [];
  }

  #merge(path: string): Uint8Array {
    const { partitionCount, combine, descending } = this.#options;
    const plain = (runs: readonly RunReader[], run: RunWriter) =>
      mergeIntoRun(new Merge(runs, descending), combine, run);
    const { merge = plain } = this.#options;
    // A copy: what is written is added to the spills.
    const merged = [...this.#spills];
    const files = new SegmentFiles();
    try {
      hit("spill.merge", "before");
      const manifest = this.write(path, (file) => {
        for (let p = 0; p < partitionCount; p++) {
          const segments = merged.flatMap(({ path: from, manifest: ofSpill }) => {
            const { offset, sizeBytes } = ofSpill.at(p) as ManifestPartition;
            return sizeBytes === 0 ? [] : [{ path: from, offset, sizeBytes }];
          });
          if (segments.length === 0) continue;
          const runs = segments.map((segment) => files.reader(segment));
          file.partition(p, (run) => merge(runs, run));
        }
      });
      hit("spill.merge", "after");
      hit("spill.remove", "before");
      for (const { path: from } of merged) rmSync(from, { force: true });
      hit("spill.remove", "after");
      this.#spills = this.#spills.filter((spill) => !merged.includes(spill));
      return manifest;
    } finally {
      files.close();
    }
  }
}
