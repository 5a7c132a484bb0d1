/** The map task of `count`, `sum`, `min` and `max` of CSV or JSON, by a kernel: rows never become
 *  strings. What it leaves is what the operator's job would. */
import { rmSync } from "node:fs";
import type { FormatSpec } from "../../../wire/block/plan.ts";
import type { GroupTable } from "../../kernels/groups/group-table.ts";
import { SpillFiles, type SpillOptions } from "../../kernels/spill.ts";
import { EmitTable } from "../../kernels/table.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { combineOf, partitionOf } from "../../task/job.ts";
import { inputOf, type MapDone, type MapTask, storeManifest } from "../../task/map-task.ts";
import type { WantedRows } from "./group-by.ts";
import { mergeGroups } from "./merge-groups.ts";
import { OddRows } from "./odd-rows.ts";
import { isGroupFormat, RowScan } from "./row-scan.ts";

/** Tables are never larger than this: they double, and sorting needs as much again, of the 4 GiB
 *  that a kernel can have. */
export const tablesMaxBytes = 512 * 1024 * 1024;

/** Null when the kernel does not read what the task reads. */
export function mapGroups(task: MapTask, wanted: WantedRows): MapDone | null {
  const format = inputOf(task).input;
  if (format === undefined || !isGroupFormat(format, wanted.columns)) return null;
  return new MapGroups(task, format, wanted).run();
}

class MapGroups {
  readonly #task: MapTask;
  readonly #scan: RowScan;
  readonly #bad: BadRecords;
  readonly #spills: SpillFiles;
  /** Pairs of rows that the kernel does not read: one more spill of the task. */
  readonly #oddTable: EmitTable;
  readonly #oddPath: string;
  #oddPairs = 0;

  constructor(task: MapTask, format: FormatSpec, wanted: WantedRows) {
    const { plan, job, out } = task;
    this.#task = task;
    this.#bad = new BadRecords(job.options.badRecords ?? "fail", `${out}.bad`);
    const run = { partitionCount: plan.reducers, combine: combineOf(job), descending: false };
    const merging = this.#merging(wanted);
    this.#spills = new SpillFiles({ ...run, ...merging, path: `${out}.run` });
    this.#oddPath = `${out}.odd`;
    const spillBytes = Math.max(1024, plan.spillBytes >> 1);
    const partition = partitionOf(job);
    this.#oddTable = new EmitTable({ ...run, spillBytes, partition, path: this.#oddPath });
    const odd = new OddRows(task, this.#bad, (key, value) => {
      this.#oddPairs++;
      this.#oddTable.emit(key, value);
    });
    const scanned = (table: GroupTable) => this.#spillIfFull(table);
    this.#scan = new RowScan({ task, format, wanted, odd, scanned });
  }

  /** The groups of a program have values that only functions combine. */
  #merging({ shape }: WantedRows): Pick<SpillOptions, "merge"> {
    const combine = combineOf(this.#task.job);
    if (shape.program !== undefined || combine === null) return {};
    return {
      merge: (runs, target) => {
        // The table is empty, or has been written: its memory is free.
        const { kernel } = this.#scan.table;
        mergeGroups({ shape, combine, kernel }, runs, target);
      },
    };
  }

  run(): MapDone {
    const { out } = this.#task;
    try {
      this.#scan.run();
      if (this.#oddPairs > 0) this.#spills.adopt(this.#oddPath, this.#oddTable.finish());
      const isSpilled = this.#spills.count > 0;
      const last = this.#write(isSpilled ? this.#spills.nextPath() : `${out}.run`);
      const manifest = isSpilled ? this.#spills.mergeAll() : last;
      return { ...storeManifest(out, manifest), ...this.#bad.finish() };
    } catch (error) {
      this.#bad.discard();
      throw error;
    } finally {
      this.#oddTable.close();
      rmSync(this.#oddPath, { force: true });
      this.#spills.close();
    }
  }

  #spillIfFull(table: GroupTable): void {
    const { spillBytes } = this.#task.plan;
    if (table.sizeBytes <= Math.min(spillBytes, tablesMaxBytes)) return;
    this.#write(this.#spills.nextPath());
    table.clear();
    this.#spills.compact();
    // They may have been merged in its memory.
    table.clear();
  }

  /** Writes all groups as a file of partitions. */
  #write(path: string): Uint8Array {
    const { table } = this.#scan;
    const partitions = this.#task.plan.reducers;
    const starts = table.sort(partitions);
    return this.#spills.write(path, (file) => {
      for (let p = 0; p < partitions; p++) {
        const [from, to] = [starts[p] as number, starts[p + 1] as number];
        if (from === to) continue;
        file.partition(p, (run) => {
          table.writeRun(from, to, (payload, entries) => run.block(payload, entries));
        });
      }
    });
  }
}
