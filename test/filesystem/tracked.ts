/** A whole cluster with the ports of the filesystem protocol in this process, and independent peers
 *  in Python beside it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import {
  serveWorker,
  type WorkerOptions,
  type WorkerServing,
} from "../../src/jobtracker/worker.ts";
import { Client } from "../../src/sdk/client.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker } from "../../src/worker/node.ts";
import { findPython } from "../../src/worker/slot/python.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Started } from "../fixtures/started.ts";
import { pythonWith } from "../python/find.ts";

const zmq = pythonWith("zmq");
const runtime = await findPython();
/** Why these tests cannot run here; false when they can. */
export const noPeers =
  zmq === null || runtime === null ? "no python3 with pyzmq is installed here" : false;

export const wordFunctions = `
def mapper(k, v):
    assert k.startswith("./"), k
    return [(word, 1) for word in v.split()]


def combiner(key, values):
    return key, sum(values)


def reducer(key, values):
    return key, sum(values)
`;

export class Tracked {
  readonly folder = newFolder("tequio-fs-");
  readonly #closers: Array<() => unknown> = [];
  coordinator: Coordinator = null as never;
  client: Client = null as never;
  /** Of the Worker and JobTracker; 0 = none. */
  port = 0;
  discoveryPort = 0;

  get filesystem(): number {
    return this.coordinator.filesystem?.port ?? 0;
  }

  async open(
    options: Partial<CoordinatorOptions>,
    worker: Partial<WorkerOptions> | null = {},
  ): Promise<void> {
    const dataDir = join(this.folder, "data");
    this.coordinator = await openCoordinator({
      dataDir,
      listen: "127.0.0.1:0",
      version: "test",
      ...options,
    });
    this.closeLast(() => this.coordinator.close());
    const { adminToken: token, url } = this.coordinator;
    this.client = new Client({ url, token });
    this.closeLast(() => this.client.close());
    const node = await startWorker({
      url,
      token: await this.coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
      dataDir: join(this.folder, "worker"),
      slots: 2,
      memoryBytes: 256 * 1024 * 1024,
      name: "snake",
      sandbox: "auto",
      listen: "127.0.0.1:0",
    });
    this.closeLast(() => node.stop(0));
    if (worker !== null) await this.track(worker);
  }

  /** What it returns may be closed before the test ends, and started again at its port. */
  async track(options: Partial<WorkerOptions>): Promise<WorkerServing> {
    const { filesystem } = this.coordinator;
    const own = filesystem === null ? null : { at: filesystem.advertised, near: filesystem.near };
    const { client } = this;
    const dir = join(this.folder, "data", "filesystem");
    const onError = (error: unknown) => console.error("jobtracker", error);
    const serving = await serveWorker(
      { host: "127.0.0.1", port: await freePort(), discoveryPort: 0, ...options },
      { client, dir, own, onNews: () => {}, onError },
    );
    this.closeLast(() => serving.close());
    this.port = serving.port;
    this.discoveryPort = serving.discoveryPort ?? 0;
    return serving;
  }

  closeLast(close: () => unknown): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    removeFolder(this.folder);
  }

  file(name: string, text: string): string {
    mkdirSync(this.folder, { recursive: true });
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }
}

export async function tracked(
  t: TestContext,
  options: Partial<CoordinatorOptions> = { filesystem: { port: 0 } },
  worker: Partial<WorkerOptions> | null = {},
): Promise<Tracked> {
  const cluster = new Tracked();
  t.after(() => cluster.close());
  await cluster.open(options, worker);
  return cluster;
}

/** Longest wait for a line, ms: a job of these tests takes a tenth of it. */
const printedMaxMs = waitMaxMs;

export type Said = Readonly<Record<string, unknown>>;

/** A Python program whose lines of JSON are read. */
export class Peer {
  /** Of each test: what one of them waits for may be another's to do. */
  static readonly #together = new WeakMap<TestContext, Peer[]>();
  /** Its exit code. */
  readonly ended: Promise<number | null>;
  readonly #name: string;
  readonly #program: Started;
  readonly #said: Said[] = [];
  readonly #peers: Peer[];

  constructor(t: TestContext, script: string, ...args: ReadonlyArray<string | number>) {
    this.#name = script;
    const path = join(import.meta.dirname, "peers", script);
    const command = [zmq ?? "python3", "-u", path, ...args.map(String)];
    this.#program = Started.during(t, command, { input: true });
    this.ended = this.#program.ended.then(({ code }) => code);
    this.#peers = Peer.#together.get(t) ?? [];
    Peer.#together.set(t, this.#peers);
    this.#peers.push(this);
  }

  get err(): string {
    return this.#program.err;
  }

  /** The first line with this key. Rejects with its errors when it ends without one, or prints none
   *  for so long that it never will. */
  async said(key: string): Promise<Said> {
    const limit = setTimeout(() => this.#program.kill(), printedMaxMs);
    try {
      for (;;) {
        const found = this.#said.find((one) => key in one);
        if (found !== undefined) return found;
        this.#said.push(JSON.parse(await this.#program.nextLine()));
      }
    } catch (cause) {
      const all = this.#peers.map((peer) => `${peer.#name}: ${peer.#program.out}${peer.err}`);
      throw new Error(`${this.#name} never printed "${key}"\n${all.join("\n")}`, { cause });
    } finally {
      clearTimeout(limit);
    }
  }
}

/** What Python itself makes of the words of a text. */
export function countedWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.split(/\s+/)) {
    if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

/** What a program writes. Not at once: what it asks is answered by this process. */
export async function python(code: string, ...args: readonly string[]): Promise<string> {
  const started = new Started([zmq ?? "python3", "-c", code, ...args], { limitMs: waitMaxMs });
  const { code: exitCode, err, out } = await started.ended;
  if (exitCode !== 0) throw new Error(`a program in Python ended with ${exitCode}: ${err}`);
  return out;
}
