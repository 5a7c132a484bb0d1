/** What `assembly/groups.ts` exports, typed. */
import type { Memory } from "../wasm/engine.ts";

/** See the source. Addresses and lengths are bytes. */
export type GroupExports = {
  readonly memory: Memory;
  start(inputBytes: number, op: number, fields: number, keys: number): number;
  setKeyField(key: number, field: number): void;
  setNumberField(field: number): void;
  setCsv(separator: number, width: number, isMultiline: boolean): void;
  setColumn(field: number, column: number): void;
  setLines(steps: number, classes: number): number;
  setJson(fields: number, names: number, nameBytes: number): number;
  setName(
    ...name: [
      name: number,
      at: number,
      length: number,
      field: number,
      firstBelow: number,
      below: number,
    ]
  ): void;
  startProgram(
    ...counts: [
      instructions: number,
      registers: number,
      columns: number,
      keys: number,
      aggregates: number,
      textBytes: number,
      isOrdered: boolean,
    ]
  ): number;
  passOnly(): void;
  frameAll(outputs: number, isCsv: boolean, isUnique: boolean): void;
  setOutput(output: number, column: number, name: number, length: number): void;
  framesAt(): number;
  framesSize(): number;
  marksAt(): number;
  marksCount(): number;
  setColumnField(column: number, field: number): void;
  fillWithText(register: number, from: number, length: number): void;
  fillNumber(register: number, digits: number, decimals: number): void;
  fillKind(register: number, kind: number): void;
  clear(): void;
  slotCount(): number;
  tableBytes(): number;
  scan(from: number, end: number): number;
  isOpen(): number;
  odds(): number;
  oddsAt(): number;
  sort(partitions: number): void;
  partitionStart(partition: number): number;
  block(from: number, to: number): number;
  outAt(): number;
  outSize(): number;
  startMerge(runs: number, mode: number, ascending: boolean): void;
  room(sizeBytes: number): number;
  setPayload(run: number, at: number, end: number): void;
  firstKeys(): void;
  setBound(value: number): void;
  merge(entries: number): number;
  entriesMerged(): number;
};
