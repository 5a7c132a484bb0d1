/** Whether each server of a JetStream syncs each write, as its monitoring port reports. */
import { connect } from "node:net";
import { ClusterError } from "../../core/error.ts";
import { ConnectionLost } from "../connection-lost.ts";
import type { JetStreamPlace } from "./place.ts";

const monitorMs = 3_000;
const greetingMs = 1_000;
const always = "sync_interval: always";

type SyncPlace = Pick<JetStreamPlace, "monitors" | "name" | "replicas" | "servers">;

/** A minority of the servers may be away: what replicas are for. Throws `bad-request` for a server
 *  that does not sync, or whose setting is not known, `unavailable` when too many are away. */
export async function checkSync({ monitors, name, replicas, servers }: SyncPlace): Promise<void> {
  if (new Set(monitors).size < replicas) {
    const text = `${name} has ${replicas} replicas, and ${monitors.length} servers can be asked`;
    throw new ClusterError("bad-request", `${text}: name all in the address`);
  }
  const isPaired = monitors.length === servers.length;
  const found = await Promise.all(
    monitors.map((monitor, index) => checkServer(monitor, isPaired ? servers[index]! : null, name)),
  );
  const away = monitors.filter((_, index) => found[index] === "away");
  if (away.length * 2 < monitors.length) return;
  const cause = new ConnectionLost(`${away.join(", ")} do not answer`);
  const text = `${name} cannot be reached: ${cause.message}; check that the NATS servers run there`;
  throw new ClusterError("unavailable", text, { cause });
}

/** `server`: where clients reach the one with this monitoring port; null = not known. */
async function checkServer(
  monitor: string,
  server: string | null,
  name: string,
): Promise<"safe" | "away"> {
  let cause: unknown;
  // It may have come up between the two questions.
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      mustSync(await monitored(monitor), monitor, name);
      return "safe";
    } catch (error) {
      if (error instanceof ClusterError) throw error;
      cause = error;
    }
    if (server !== null && !(await greets(server))) return "away";
  }
  const why = `${name}: ${monitor} does not report whether it has ${always}`;
  const way =
    "start each server with `http: 8222` and name those ports with ?monitor=a:8222,…; where " +
    "that is impossible, ?sync=always states that it is set";
  throw new ClusterError("bad-request", `${why}; ${way}`, { cause });
}

function mustSync(settings: Varz, monitor: string, name: string): void {
  if (settings.jetstream?.config?.sync_always === true) return;
  const why = `${name}: the server at ${monitor} has no ${always}`;
  const way = `a power loss would lose what it has acknowledged; write jetstream { ${always} }`;
  throw new ClusterError("bad-request", `${why}: ${way} in its configuration, then restart it`);
}

/** Whether a server serves clients: it speaks first. One that is stopped only accepts. */
function greets(server: string): Promise<boolean> {
  const { hostname, port } = new URL(`nats://${server}`);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(Number(port), hostname.replace(/^\[|\]$/g, ""));
  socket.setTimeout(greetingMs, () => socket.destroy());
  socket.once("data", () => {
    resolve(true);
    socket.destroy();
  });
  socket.once("error", () => {}).once("close", () => resolve(false));
  return promise;
}

type Varz = { readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } } };

async function monitored(monitor: string): Promise<Varz> {
  const signal = AbortSignal.timeout(monitorMs);
  const answer = await fetch(`http://${monitor}/varz`, { signal, redirect: "error" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()) as Varz;
}
