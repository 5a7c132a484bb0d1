/** A real PostgreSQL for tests, in a folder of its own, on a port of its own, as an unprivileged
 *  user. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { freePort } from "../fixtures/free-port.ts";

/** `nobody`: PostgreSQL refuses to run as the administrator. */
const unprivileged = 65_534;
const startMs = 30_000;
/** In memory where that is possible: each commit is synced. */
const memory = "/dev/shm";

const folders = [
  ...(process.env.PATH ?? "").split(delimiter),
  ...globSync("/usr/lib/postgresql/*/bin").sort().reverse(),
  ...globSync("/opt/homebrew/opt/postgresql*/bin"),
];

/** The folder with `initdb` and `postgres`; null = there is none here. */
export const binaries = folders.find(
  (folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")),
);

/** Reason to skip the tests that need it; false = they run. */
export const withoutPostgres: string | false =
  binaries === undefined ? "no PostgreSQL here: apt-get install postgresql-15" : false;

export class PostgresServer {
  readonly #place: string;
  readonly #data: string;
  #port = 0;
  #process: ChildProcess | null = null;

  private constructor(place: string) {
    this.#place = place;
    this.#data = join(place, "data");
  }

  static async start(where = existsSync(memory) ? memory : tmpdir()): Promise<PostgresServer> {
    const place = newFolder("postgres-", where);
    chmodSync(place, 0o700);
    if (process.getuid?.() === 0) chownSync(place, unprivileged, unprivileged);
    const server = new PostgresServer(place);
    const init = ["--no-sync", "--username=tequio", "--auth=trust", "--encoding=UTF8"];
    execFileSync(join(binaries as string, "initdb"), [...init, "--pgdata", server.#data], {
      ...asUser(),
      stdio: "ignore",
    });
    await server.up();
    return server;
  }

  /** Of the database that every server has; `schema` as an own one for each test. */
  url(schema = "tequio"): string {
    return `postgres://tequio@127.0.0.1:${this.#port}/postgres?schema=${schema}`;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The same port each time. */
  async up(...settings: readonly string[]): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    const options = ["listen_addresses=127.0.0.1", `port=${this.#port}`, "max_connections=50"];
    options.push(`unix_socket_directories=${this.#place}`, "logging_collector=off", ...settings);
    const flags = options.flatMap((option) => ["-c", option]);
    const command = join(binaries as string, "postgres");
    const child = spawn(command, ["-D", this.#data, ...flags], {
      ...asUser(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#process = child;
    await isReady(child);
  }

  /** `SIGINT`: sessions end and all is written; `SIGQUIT`: as after a crash. */
  async down(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.down("SIGQUIT");
    removeFolder(this.#place);
  }
}

function asUser() {
  const user = process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {};
  return { ...user, cwd: "/" };
}

async function isReady(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  const timer = setTimeout(() => child.kill("SIGKILL"), startMs);
  const lines = createInterface({ input: child.stderr! });
  for await (const line of lines) {
    said.push(line);
    if (!line.includes("ready to accept connections")) continue;
    clearTimeout(timer);
    child.stderr!.resume();
    return;
  }
  clearTimeout(timer);
  throw new Error(`PostgreSQL did not start:\n${said.join("\n")}`);
}
