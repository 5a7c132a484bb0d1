/** Real `tequio up --standby` and `tequio join` processes on one log, for tests that kill them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Coordinator } from "../../src/coordinator/coordinator.ts";
import { Opened } from "../../src/coordinator/testing/opened.ts";
import { Client } from "../../src/sdk/client.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { freePort } from "../fixtures/free-port.ts";
import { programFile } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";

export type ClusterPlace = {
  /** Address of the log. */
  readonly log: string;
  /** One for each coordinator, when they reach it by different ways. */
  readonly logs?: readonly [string, string];
  /** Of data directories, and of the blobs unless these lie elsewhere. */
  readonly dir: string;
  readonly blobs?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the leader's lease, ms; default 1,000. */
  readonly leaseMs?: number;
};

type Line = { readonly url?: string; readonly standby?: boolean; readonly leader?: string };

/** Longest wait for a coordinator to lead or to stand by, ms. */
const stateMaxMs = waitMaxMs;

abstract class Program {
  readonly started: Started;

  constructor(args: readonly string[], place: ClusterPlace) {
    const env = { ...process.env, ...place.env };
    this.started = Started.node([programFile("tequio"), ...args], { env });
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.started.child.kill(signal);
  }

  /** Waits for its end. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.started.stop(signal);
  }
}

/** What a coordinator printed last of itself. */
export type NodeState = "starting" | "leading" | "standby" | "ended";

/** A coordinator that leads or stands by. */
export class Node extends Program {
  readonly dataDir: string;
  #state: NodeState = "starting";
  #url = "";
  #changed = Promise.withResolvers<void>();

  constructor(place: ClusterPlace, name: string, port = 0) {
    const { blobs = join(place.dir, "blobs"), dir, log } = place;
    const dataDir = join(dir, name);
    const flags = ["--workers", "0", "--listen", `127.0.0.1:${port}`];
    const lease = ["--leader-lease", `${place.leaseMs ?? 1_000}ms`];
    const shared = ["--standby", "--allow-single", "--log", log, "--blobs", blobs];
    super(["up", "--json", "--data", dataDir, ...flags, ...lease, ...shared], place);
    this.dataDir = dataDir;
    void this.#read();
  }

  /** How its process ended. */
  get outcome(): string {
    const { err, child } = this.started;
    return `${this.dataDir}, exit code ${child.exitCode}, signal ${child.signalCode}: ${err}`;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Resolves when the state is another one. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  async standsBy(): Promise<void> {
    await until([this], () => this.#state === "standby");
  }

  /** Waits until it leads. */
  async leads(): Promise<Opened> {
    await until([this], () => this.#state === "leading");
    const adminToken = readFileSync(join(this.dataDir, "admin.token"), "utf8").trim();
    return new Opened({ url: this.#url, adminToken } as Coordinator, this.dataDir);
  }

  async #read(): Promise<void> {
    for (;;) {
      const text = await this.started.nextLine().catch(() => null);
      if (text === null) break;
      const { standby, url = "" } = JSON.parse(text) as Line;
      if (url !== "") {
        this.#url = url;
        this.#enter("leading");
      } else if (standby === true) this.#enter("standby");
    }
    this.#enter("ended");
  }

  #enter(state: NodeState): void {
    this.#state = state;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Throws when one of them has ended, and when the time is over. */
export async function until(nodes: readonly Node[], isSo: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, stateMaxMs);
  const endMs = performance.now() + stateMaxMs;
  try {
    while (!isSo()) {
      const states = nodes.map(({ state }) => state);
      const ended = nodes.find(({ state }) => state === "ended");
      if (ended !== undefined) throw new Error(`a coordinator has ended: ${ended.outcome}`);
      if (performance.now() >= endMs) throw new Error(`the coordinators are ${states.join(", ")}`);
      await Promise.race([promise, ...nodes.map(({ changed }) => changed)]);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A worker that was given the addresses of all coordinators. */
class Joined extends Program {
  constructor(place: ClusterPlace, name: string, at: { urls: string; token: string }) {
    const own = ["--data", join(place.dir, name), "--name", name, "--listen", "none"];
    const flags = ["--slots", "2", "--python", "none", "--json"];
    super(["join", at.urls, "--token", at.token, ...own, ...flags], place);
  }
}

/** Two coordinators on one log, workers, and a client. */
export class Pair {
  readonly place: ClusterPlace;
  readonly urls: readonly [string, string];
  readonly #ports: readonly [number, number];
  readonly #programs: Program[] = [];
  readonly #clients: Client[] = [];
  #hasEnded = false;

  private constructor(place: ClusterPlace, ports: readonly [number, number]) {
    this.place = place;
    this.#ports = ports;
    this.urls = [`http://127.0.0.1:${ports[0]}`, `http://127.0.0.1:${ports[1]}`];
  }

  static async of(place: ClusterPlace): Promise<Pair> {
    return new Pair(place, [await freePort(), await freePort()]);
  }

  /** The first or the second one; on its data and port of before. */
  start(which: 0 | 1): Node {
    const log = this.place.logs?.[which] ?? this.place.log;
    this.#mustRun();
    const node = new Node({ ...this.place, log }, `n${which}`, this.#ports[which]);
    this.#programs.push(node);
    return node;
  }

  /** Of a coordinator that has led or led once. */
  client(which: 0 | 1 = 0): Client {
    const token = readFileSync(join(this.place.dir, `n${which}`, "admin.token"), "utf8").trim();
    const client = new Client({ url: this.urls.join(","), token });
    this.#clients.push(client);
    return client;
  }

  async join(name: string, client: Client): Promise<Program> {
    const { token } = await client.createToken({
      role: "worker",
      owner: "admin",
      ttlMs: testMaxMs,
      usesMax: 0,
    });
    this.#mustRun();
    const worker = new Joined(this.place, name, { urls: this.urls.join(","), token });
    this.#programs.push(worker);
    return worker;
  }

  /** Runs a command to its end; its exit code. */
  async run(...args: readonly string[]): Promise<number> {
    const { code } = await Started.node([programFile("tequio"), ...args]).ended;
    return code as number;
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    for (const client of this.#clients) client.close();
    for (const program of this.#programs) program.signal("SIGCONT");
    await Promise.all(this.#programs.map((program) => program.end()));
  }

  /** What is started later would never end. */
  #mustRun(): void {
    if (this.#hasEnded) throw new Error("the pair has ended");
  }
}
