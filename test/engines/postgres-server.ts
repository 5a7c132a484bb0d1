/** A real PostgreSQL for tests, in a folder of its own, on a port of its own, as an unprivileged
 *  user. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { freePort } from "../fixtures/free-port.ts";
import { Started, type StartOptions } from "../fixtures/started.ts";

/** `nobody`: PostgreSQL refuses to run as the administrator. */
const unprivileged = 65_534;
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
  #process: Started | null = null;

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
      ...user(),
      cwd: "/",
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
    const all = [command, "-D", this.#data, ...flags];
    this.#process = new Started(all, { user: user(), cwd: "/" });
    await this.#process.said("ready to accept connections");
  }

  /** `SIGINT`: sessions end and all is written; `SIGQUIT`: as after a crash. */
  async down(signal: "SIGINT" | "SIGQUIT" = "SIGINT"): Promise<void> {
    const running = this.#process;
    this.#process = null;
    await running?.stop(signal);
  }

  async remove(): Promise<void> {
    await this.down("SIGQUIT");
    removeFolder(this.#place);
  }
}

function user(): StartOptions["user"] {
  return process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : undefined;
}
