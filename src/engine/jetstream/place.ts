/** Where a cluster lives in JetStream: servers, and on them the streams of a name. */
import { ClusterError } from "../../core/error.ts";

export type JetStreamPlace = {
  /** `host:port` of the servers. */
  readonly servers: readonly string[];
  readonly isTls: boolean;
  /** Of the streams: letters, digits, _ and -. */
  readonly cluster: string;
  readonly replicas: number;
  /** `host:port` where the servers report their settings. */
  readonly monitors: readonly string[];
  /** The operator says that `sync_interval: always` is set: nothing can be asked about it. */
  readonly isSyncAssumed: boolean;
  /** For messages. */
  readonly name: string;
};

export type PlaceOptions = {
  /** Fewer than three replicas: one failure may lose what was acknowledged. */
  readonly allowSingle?: boolean;
};

const safeReplicas = 3;
const [defaultPort, monitorPort] = ["4222", "8222"];
const example = "nats://a:4222,b:4222,c:4222/cluster?monitor=a:8222,b:8222,c:8222";
const known = ["replicas", "monitor", "sync"];

/** Throws `bad-request` for what is no such address, has a secret in it, or is unsafe. */
export function jetStreamPlace(
  text: string,
  { allowSingle = false }: PlaceOptions,
): JetStreamPlace {
  const [, scheme = "", hosts = "", path = "", query = ""] =
    /^(nats|tls):\/\/([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? [];
  if (hosts.includes("@")) {
    const way = "set NATS_CREDS, NATS_USER and NATS_PASSWORD, or NATS_TOKEN";
    throw refused(`other users can see a secret on a command line: leave it out, and ${way}`);
  }
  const servers = hosts.split(",").map((one) => withPort(one, defaultPort));
  if (hosts === "" || servers.includes("")) {
    throw refused(`${text.slice(0, 200)} is no address of a log in JetStream; one is ${example}`);
  }
  const cluster = path === "" ? "tequio" : path;
  if (!/^[A-Za-z0-9_-]{1,60}$/.test(cluster)) {
    throw refused(`${cluster.slice(0, 80)} is no name of a cluster: letters, digits, _ and -`);
  }
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw refused(`${unknown.slice(0, 40)} is no setting of a log: those are ${known.join(", ")}`);
  }
  const monitors = monitorsOf(given.get("monitor"), servers);
  const common = { servers, isTls: scheme === "tls", cluster, monitors };
  const replicas = replicasOf(given.get("replicas"), allowSingle);
  const name = `${scheme}://${servers.join(",")}/${cluster}`;
  return { ...common, replicas, isSyncAssumed: given.get("sync") === "always", name };
}

function replicasOf(text: string | null, allowSingle: boolean): number {
  const replicas = text === null ? safeReplicas : Number(text);
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 5) {
    throw refused(`replicas=${text} is not from 1 to 5`);
  }
  if (replicas >= safeReplicas || allowSingle) return replicas;
  const why = `replicas=${replicas}: the loss of one server may lose what was acknowledged`;
  throw refused(`${why}; use 3 servers, or accept that with --allow-single`);
}

function monitorsOf(text: string | null, servers: readonly string[]): string[] {
  if (text === null) return servers.map((one) => one.replace(/:\d+$/, `:${monitorPort}`));
  const monitors = text.split(",").map((one) => withPort(one, monitorPort));
  if (monitors.includes("")) throw refused(`monitor=${text.slice(0, 100)} is no list of host:port`);
  return monitors;
}

/** "" for what is no host. */
function withPort(text: string, port: string): string {
  const url = URL.parse(`http://${text}`);
  if (url === null || url.hostname === "" || url.pathname !== "/") return "";
  return `${url.hostname}:${url.port || port}`;
}

function refused(text: string): ClusterError {
  return new ClusterError("bad-request", text);
}
