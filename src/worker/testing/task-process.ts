/** A task process for tests as its supervisor sees it: a real process, a real pipe, user code
 *  written in the test. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex, Writable } from "node:stream";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { Channel, fromTaskMaxBytes, toTaskMaxBytes } from "../channel/channel.ts";
import { openLocal } from "../input/file.ts";
import { streamSplit } from "../input/split.ts";
import { taskExits } from "../process/exits.ts";
import type { FromTask, TaskReport, ToTask } from "../process/messages.ts";
import { readFromTask } from "../slot/claims.ts";

export const folder = temporaryDir({ after }, "task-");
export const limitMs = waitMaxMs;

export class TaskProcess {
  readonly child: ChildProcess;
  readonly messages: FromTask[] = [];
  readonly exited: Promise<unknown[]>;
  readonly scratch = mkdtempSync(join(folder, "scratch-"));
  readonly #channel: Channel;

  constructor() {
    this.child = spawn(
      process.execPath,
      [fileURLToPath(new URL("../process/main.ts", import.meta.url))],
      {
        stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
        env: {},
      },
    );
    this.exited = once(this.child, "exit");
    this.#channel = new Channel(this.#pipe, {
      sendMaxBytes: toTaskMaxBytes,
      receiveMaxBytes: fromTaskMaxBytes,
      onMessage: (message) => {
        const read = readFromTask(message);
        if (read !== null) this.messages.push(read);
        this.child.emit("reported");
      },
      onEnd: (error) => assert.equal(error, null),
    });
  }

  get #pipe(): Duplex {
    return this.child.stdio[3] as Duplex;
  }

  get sink(): Writable {
    return this.child.stdio[4] as Writable;
  }

  order(order: ToTask): void {
    this.#channel.send(order);
  }

  async until(holds: (messages: readonly FromTask[]) => boolean): Promise<void> {
    const signal = AbortSignal.timeout(limitMs);
    while (!holds(this.messages)) await once(this.child, "reported", { signal });
  }

  reports(): TaskReport[] {
    return this.messages.flatMap((m) => (m.kind === "reports" ? [...m.reports] : []));
  }

  async report(count = 1): Promise<TaskReport> {
    await this.until(() => this.reports().length >= count);
    return this.reports()[count - 1] as TaskReport;
  }

  async load(code: string, plan: object, itemsPath: string | null = null, more = {}) {
    const codePath = join(this.scratch, "code");
    writeFileSync(codePath, code);
    const text = JSON.stringify({ ...emptyPlan, ...plan });
    const items = itemsPath === null ? null : hashedFile(itemsPath);
    const files = { codePath, codeHash: hashedFile(codePath).hash, plan: { text }, items };
    this.order({ kind: "load", job: "j-1", ...files, scratch: this.scratch, around: {}, ...more });
    await this.until((m) => m.some(({ kind }) => kind === "loaded" || kind === "load-failed"));
  }

  async end(): Promise<void> {
    this.#pipe.end();
    const [code] = await this.exited;
    assert.equal(code, taskExits.channelClosed);
  }
}

export function hashedFile(path: string) {
  return { path, hash: createHash("sha256").update(readFileSync(path)).digest("hex") };
}
export const emptyPlan: Plan = {
  version: 1,
  files: [],
  splits: [],
  items: null,
  params: {},
  reducers: 2,
  spillBytes: 1e6,
};

export function planOver(content: string, reducers: number): Plan {
  const path = join(folder, `input-${reducers}`);
  writeFileSync(path, content);
  const { size, mtimeMs } = statSync(path);
  const at = { kind: "path", host: "here", path, mtimeMs } as const;
  const file = { name: "poem.txt", compression: "none", sizeBytes: size, at } as const;
  const half = Math.floor(size / 2);
  const pieces = [[0, 0, half] as const, [0, half, size] as const];
  const splits = pieces.map((piece) => ({ input: "default", pieces: [piece] }));
  return { ...emptyPlan, files: [file], splits, reducers };
}

/** As the bundler leaves it: no imports, one default export. */
export function jobCode(options: string): string {
  return `const count = (name, by = 1) => globalThis[Symbol.for("tequio.runtime")].count(name, by);
export const log = (line) => globalThis[Symbol.for("tequio.runtime")].log(line);
export const { map, ...options } = ${options};
export default { kind: "map-reduce", inputs: { default: { map } }, options };`;
}

export async function map(task: TaskProcess, plan: Plan, index: number): Promise<string> {
  const out = join(task.scratch, `map-${index}`);
  task.order({ kind: "map", task: index, attempt: 1, out });
  const { signal } = new AbortController();
  await streamSplit({ plan, task: index, open: openLocal, sink: task.sink, signal });
  return out;
}
export function itemsFile(items: readonly unknown[]): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `items-${items.length}`);
  writeFileSync(path, items.map((item) => `${JSON.stringify(item)}\n`).join(""));
  return path;
}

export const tasksCode = (run: string) =>
  `export default { kind: "tasks", options: { run: ${run} } };`;
export const batch = (count: number) =>
  Array.from({ length: count }, (_, task) => ({ task, attempt: 1 }));
