/** Real NATS servers for tests, in folders of their own, on ports of their own. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Started } from "../fixtures/started.ts";

const startMs = waitMaxMs;
/** Between two looks whether they have a leader, ms. */
const lookMs = 50;
/** In memory where that is possible: each message is synced. */
const memory = "/dev/shm";
/** Where `npm run engines -- --fetch` puts one. */
export const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tequio");
const versionMin = [2, 10] as const;

const candidates = [
  ...(process.env.NATS_SERVER === undefined ? [] : [process.env.NATS_SERVER]),
  join(cacheDir, "nats-server"),
  ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "nats-server")),
  "/usr/sbin/nats-server",
];

/** Null = there is none here that is new enough. */
export const binary = candidates.find(isUsable) ?? null;

/** Reason to skip the tests that need it; false = they run. */
export const withoutNats: string | false =
  binary === null
    ? "no nats-server 2.10 or newer here: npm run engines -- --fetch, or $NATS_SERVER"
    : false;

function isUsable(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    const text = execFileSync(path, ["--version"], { encoding: "utf8" });
    const [, major = "0", minor = "0"] = /v(\d+)\.(\d+)/.exec(text) ?? [];
    return Number(major) > versionMin[0] || Number(minor) >= versionMin[1];
  } catch {
    return false;
  }
}

type Ports = { readonly client: number; readonly cluster: number; readonly monitor: number };

export class NatsServers {
  readonly #place: string;
  readonly #ports: readonly Ports[];
  readonly #settings: string;
  readonly #processes: Array<Started | null>;

  private constructor(place: string, ports: readonly Ports[], settings: string) {
    this.#place = place;
    this.#ports = ports;
    this.#settings = settings;
    this.#processes = ports.map(() => null);
  }

  /** `settings`: of JetStream; synced on each write by default. */
  static async start(
    count: number,
    settings = "sync_interval: always",
    where = existsSync(memory) ? memory : tmpdir(),
  ): Promise<NatsServers> {
    const place = mkdtempSync(join(where, "nats-"));
    const ports: Ports[] = [];
    for (let index = 0; index < count; index += 1) {
      const [client, cluster, monitor] = [await freePort(), await freePort(), await freePort()];
      ports.push({ client, cluster, monitor });
    }
    const servers = new NatsServers(place, ports, settings);
    try {
      await Promise.all(ports.map((_, index) => servers.up(index)));
      await servers.#haveLeader();
      return servers;
    } catch (error) {
      await servers.remove();
      throw error;
    }
  }

  get count(): number {
    return this.#ports.length;
  }

  /** Of those that run. */
  get pids(): number[] {
    return this.#processes.flatMap((server) => (server === null ? [] : [server.pid]));
  }

  /** Of a cluster of that name on all of them. */
  url(cluster: string, query = ""): string {
    const hosts = this.#ports.map(({ client }) => `127.0.0.1:${client}`).join(",");
    const monitors = this.#ports.map(({ monitor }) => `127.0.0.1:${monitor}`).join(",");
    const replicas = `replicas=${this.#ports.length}`;
    return `nats://${hosts}/${cluster}?${replicas}&monitor=${monitors}${query}`;
  }

  /** Where a server keeps its streams. */
  storeOf(index: number): string {
    return join(this.#place, `${index}`, "store");
  }

  /** The same ports each time. */
  async up(index: number): Promise<void> {
    const dir = join(this.#place, `${index}`);
    mkdirSync(dir, { recursive: true });
    const file = join(dir, "nats.conf");
    writeFileSync(file, this.#config(index));
    const server = new Started([binary as string, "-c", file]);
    this.#processes[index] = server;
    await server.said("Server is ready");
  }

  async down(index: number, signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const server = this.#processes[index];
    this.#processes[index] = null;
    await server?.stop(signal);
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#processes[index]?.child.kill(signal);
  }

  /** Which server leads the stream; −1 = none does now. */
  async leaderOf(stream: string): Promise<number> {
    for (const [index, { monitor }] of this.#ports.entries()) {
      if (this.#processes[index] === null) continue;
      const query = "streams=true&accounts=true&leader-only=true";
      const answer = await fetch(`http://127.0.0.1:${monitor}/jsz?${query}`).catch(() => null);
      if (answer === null) continue;
      if ((await answer.text()).includes(`"name": "${stream}"`)) return index;
    }
    return -1;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#ports.map((_, index) => this.down(index)));
    rmSync(this.#place, { recursive: true, force: true, maxRetries: 5 });
  }

  #config(index: number): string {
    const { client, cluster, monitor } = this.#ports[index] as Ports;
    const common = [
      `server_name: n${index}`,
      `listen: 127.0.0.1:${client}`,
      `http: 127.0.0.1:${monitor}`,
      `jetstream { store_dir: "${this.storeOf(index)}", ${this.#settings} }`,
    ];
    if (this.#ports.length === 1) return `${common.join("\n")}\n`;
    const routes = this.#ports.map(({ cluster: port }) => `nats-route://127.0.0.1:${port}`);
    // Clients keep to the addresses that they were given.
    const routed = `routes: [${routes.join(", ")}], no_advertise: true`;
    const at = `name: test, listen: 127.0.0.1:${cluster}, ${routed}`;
    return `${[...common, `cluster { ${at} }`].join("\n")}\n`;
  }

  /** Streams can be created once the servers have elected the one that assigns them. */
  async #haveLeader(): Promise<void> {
    if (this.#ports.length === 1) return;
    const { monitor } = this.#ports[0] as Ports;
    for (const endMs = performance.now() + startMs; performance.now() < endMs; ) {
      const answer = await fetch(`http://127.0.0.1:${monitor}/jsz`).catch(() => null);
      const { meta_cluster: meta } = ((await answer?.json().catch(() => null)) ?? {}) as {
        readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
      };
      if (meta?.leader && meta.cluster_size === this.#ports.length) return;
      await delay(lookMs);
    }
    throw new Error("the NATS servers have no leader");
  }
}
