/** The two streams of a cluster in JetStream: the log, and the newest of each of a few small texts;
 *  and the settings without which an acknowledged message is not durable. */
import type { StreamConfig } from "@nats-io/jetstream";
import { ClusterError } from "../../core/error.ts";
import type { Connection } from "./connection.ts";
import { apiCodes, isApiError } from "./failure.ts";
import type { JetStreamPlace } from "./place.ts";
import { checkSync } from "./sync.ts";

export type StreamNames = {
  readonly log: string;
  readonly logSubject: string;
  readonly texts: string;
  /** Subjects of the texts begin with it. */
  readonly textPrefix: string;
};

export function streamNames({ cluster }: JetStreamPlace): StreamNames {
  const [log, texts] = [`${cluster}_log`, `${cluster}_texts`];
  return { log, logSubject: `${cluster}.log`, texts, textPrefix: `${cluster}.text.` };
}

const versionMin = [2, 10] as const;

/** Creates what is missing. Throws `bad-request` for unsafe settings, `version-mismatch` for an old
 *  server. */
export async function prepareStreams(connection: Connection): Promise<void> {
  const { place } = connection;
  const version = await connection.ask(async ({ nc }) => nc.info?.version ?? "");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < versionMin[0] || (major === versionMin[0] && minor < versionMin[1])) {
    const why = `${place.name} runs ${version}: servers before 2.10 cannot sync each write`;
    throw new ClusterError("version-mismatch", `${why}; install a newer nats-server`);
  }
  if (!place.isSyncAssumed) await checkSync(place);
  const names = streamNames(place);
  await prepare(connection, {
    ...logSettings(place.replicas),
    name: names.log,
    subjects: [names.logSubject],
  });
  await prepare(connection, {
    ...logSettings(place.replicas),
    name: names.texts,
    subjects: [`${names.textPrefix}>`],
    max_msgs_per_subject: 1,
  });
}

function logSettings(replicas: number): Partial<StreamConfig> {
  return {
    num_replicas: replicas,
    storage: "file",
    retention: "limits",
    discard: "old",
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msg_size: -1,
    allow_direct: false,
    deny_delete: true,
    deny_purge: false,
    no_ack: false,
  };
}

type Wanted = Partial<StreamConfig> & { readonly name: string };

/** A server that does not know a field drops it: what it says of the stream counts. */
async function prepare(connection: Connection, wanted: Wanted): Promise<void> {
  const { name } = wanted;
  const found = await connection.ask(async ({ jsm }) => {
    const info = await connection.look(async () => {
      return jsm.streams.info(name).catch((error: unknown) => {
        if (isApiError(error, apiCodes.noStream)) return null;
        throw error;
      });
    });
    // The client changes what it is given.
    return (info ?? (await jsm.streams.add({ ...wanted }))).config;
  });
  for (const [field, value] of Object.entries(wanted)) {
    // Servers leave out what is off.
    const is = found[field as keyof StreamConfig] ?? false;
    if (JSON.stringify(is) === JSON.stringify(value)) continue;
    const differs = `${field} is ${JSON.stringify(is)}, not ${JSON.stringify(value)}`;
    const text = `the stream ${name} of ${connection.place.name} is not as it must be: ${differs}`;
    const way = `change it with: nats stream edit ${name}, or choose another name in the address`;
    throw new ClusterError("bad-request", `${text}; ${way}`);
  }
}
