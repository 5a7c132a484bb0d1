/** `npm run engines`: random faults of coordinators on real engines. `-- --count 100 --seed 1
 *  --only postgres --lease 3000`; `-- --fetch` puts a nats-server into the cache, from Debian's
 *  packages. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { type Engine, runFaults } from "../test/engines/faults.ts";
import { cacheDir, NatsServers, withoutNats } from "../test/engines/nats-servers.ts";
import { PostgresServer, withoutPostgres } from "../test/engines/postgres-server.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    lease: { type: "string", default: "3000" },
    fetch: { type: "boolean", default: false },
  },
});

if (values.fetch) fetchNats();
else await main();

async function main(): Promise<void> {
  const { count, leaseMs, seed } = numbers();
  for (const [name, open, without] of [
    ["postgres", openPostgres, withoutPostgres],
    ["jetstream", openNats, withoutNats],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue;
    if (without !== false) {
      console.log(`${name}: left out, ${without}`);
      continue;
    }
    const { close, engine } = await open();
    try {
      const print = (line: string) => console.log(`${name}: ${line}`);
      const report = await runFaults({ engine, count, seed, leaseMs, print });
      const { engineMs, jobs, leaderMs } = report;
      print(`${count} faults, seed ${seed}, lease ${leaseMs} ms: ${jobs} jobs right, none lost`);
      print(`answered after a fault of a coordinator: ${timesText(leaderMs)}`);
      print(`answered after a fault of the engine, too: ${timesText(engineMs)}`);
    } finally {
      await close();
    }
  }
}

function numbers() {
  const [count, leaseMs, seed] = [values.count, values.lease, values.seed].map(Number);
  return { count: count!, leaseMs: leaseMs!, seed: seed! };
}

function timesText(times: readonly number[]): string {
  const sorted = times.map(Math.round).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${sorted.length} times, median ${median} ms, at most ${sorted.at(-1) ?? 0} ms`;
}

type Opened = { readonly engine: Engine; readonly close: () => Promise<void> };

async function openPostgres(): Promise<Opened> {
  const server = await PostgresServer.start();
  const port = Number(new URL(server.url()).port);
  const log = ([at]: readonly number[]) => server.url("faults").replace(`:${port}/`, `:${at}/`);
  const crash = async () => {
    await server.down("SIGQUIT");
    await server.up();
  };
  const engine = { name: "postgres", ports: [port], log, crash, crashAll: crash };
  return { engine, close: () => server.remove() };
}

async function openNats(): Promise<Opened> {
  const servers = await NatsServers.start(3);
  const { hosts = "" } = /^nats:\/\/(?<hosts>[^/]+)/.exec(servers.url("faults"))?.groups ?? {};
  const ports = hosts.split(",").map((host) => Number(host.split(":")[1]));
  const log = (by: readonly number[]) => {
    const own = by.map((port) => `127.0.0.1:${port}`).join(",");
    return servers.url("faults").replace(hosts, own);
  };
  const crash = async () => {
    const leader = Math.max(0, await servers.leaderOf("faults_log"));
    await servers.down(leader);
    await servers.up(leader);
  };
  const all = ports.map((_, index) => index);
  const crashAll = async () => {
    await Promise.all(all.map((index) => servers.down(index)));
    await Promise.all(all.map((index) => servers.up(index)));
  };
  const engine = { name: "jetstream", ports, log, crash, crashAll };
  return { engine, close: () => servers.remove() };
}

/** Into a folder of its own: the packages of this system stay as they are. */
function fetchNats(): void {
  const dir = newFolder("nats-package-");
  try {
    for (const name of ["lists/partial", "cache/archives/partial"]) {
      mkdirSync(join(dir, name), { recursive: true });
    }
    writeFileSync(
      join(dir, "sources.list"),
      "deb [trusted=yes] http://deb.debian.org/debian trixie main\n",
    );
    const places = [
      `Dir::Etc::sourcelist=${dir}/sources.list`,
      "Dir::Etc::sourceparts=-",
      `Dir::State::lists=${dir}/lists`,
      `Dir::Cache=${dir}/cache`,
    ].flatMap((one) => ["-o", one]);
    for (const what of [["update"], ["download", "nats-server"]]) {
      execFileSync("apt-get", [...places, ...what], { cwd: dir, stdio: "inherit" });
    }
    const file = readdirSync(dir).find((name) => name.endsWith(".deb")) as string;
    execFileSync("dpkg", ["-x", file, "package"], { cwd: dir });
    mkdirSync(cacheDir, { recursive: true });
    copyFileSync(join(dir, "package/usr/sbin/nats-server"), join(cacheDir, "nats-server"));
    console.log(`nats-server is in ${cacheDir}`);
  } finally {
    removeFolder(dir);
  }
}
