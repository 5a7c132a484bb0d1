/** Real engines of this machine, with the ways in which they fail. */
import type { Engine } from "../../test/engines/faults.ts";
import { NatsServers } from "../../test/engines/nats-servers.ts";
import { PostgresServer } from "../../test/engines/postgres-server.ts";

export type Opened = { readonly engine: Engine; readonly close: () => Promise<void> };

export async function openPostgres(): Promise<Opened> {
  const server = await PostgresServer.start();
  const port = Number(new URL(server.url()).port);
  const log = ([at]: readonly number[]) => server.url("faults").replace(`:${port}/`, `:${at}/`);
  const crash = async () => {
    await server.down("SIGQUIT");
    await server.up();
  };
  const isWell = async () => true;
  const engine = { name: "postgres", ports: [port], log, crash, crashAll: crash, isWell };
  return { engine, close: () => server.remove() };
}

export async function openNats(): Promise<Opened> {
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
  const isWell = async () => {
    const leaders = ["faults_log", "faults_texts"].map((stream) => servers.leaderOf(stream));
    return !(await Promise.all(leaders)).includes(-1);
  };
  const engine = { name: "jetstream", ports, log, crash, crashAll, isWell };
  return { engine, close: () => servers.remove() };
}
