/** Instances of `assembly/groups.ts`, each with memory of its own. */
import { kernelOf, type Memory } from "../wasm/engine.ts";
import { wasmBase64 } from "./groups-wasm.ts";

/** See the source. Addresses and lengths are bytes. */
export type GroupExports = {
  readonly memory: Memory;
  start(inputBytes: number, op: number, fields: number, keys: number): number;
  setKeyField(key: number, field: number): void;
  setNumberField(field: number): void;
  setCsv(separator: number, width: number): void;
  setColumn(field: number, column: number): void;
  clear(): void;
  slotCount(): number;
  tableBytes(): number;
  scan(from: number, end: number): number;
  odds(): number;
  oddsAt(): number;
  sort(partitions: number): void;
  partitionStart(partition: number): number;
  block(from: number, to: number): number;
  outAt(): number;
  outSize(): number;
};

/** What is done with the number of each row; `first`: nothing. */
export const groupOps = { count: 0, sum: 1, min: 2, max: 3, first: 4 } as const;
export type GroupOp = keyof typeof groupOps;

const instantiate = kernelOf<GroupExports>(wasmBase64);

export function groupKernel(): GroupExports {
  return instantiate({});
}
