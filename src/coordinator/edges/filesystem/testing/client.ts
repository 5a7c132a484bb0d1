/** A client of the filesystem protocol, like deployed ones: a socket for every message. */
import type { TestContext } from "node:test";
import { askOnce } from "../../../../link/zeromq/request.ts";
import { waitMaxMs } from "../../../../store/testing/patience.ts";
import { decodeMessage, encodeMessage, type Message } from "../../../../wire/filesystem/codec.ts";
import { frameBytesMax } from "../../../../wire/filesystem/limits.ts";
import type { PyValue } from "../../../../wire/filesystem/value.ts";
import type { CoordinatorOptions } from "../../../options.ts";
import { type Opened, opened } from "../../../testing/opened.ts";

type Payload = Readonly<Record<string, PyValue>>;

/** Calls that a killed file system never answers keep their process for so long. */
const timeouts = { timeoutMs: waitMaxMs / 5, answerMaxBytes: frameBytesMax };
export const ok = Buffer.from("OK 0 {}");

export class Client {
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  raw(port: number, frame: Uint8Array, timeoutMs = timeouts.timeoutMs): Promise<Uint8Array> {
    return askOnce({ host: "127.0.0.1", port }, frame, { ...timeouts, timeoutMs });
  }

  async call(name: string, payload: Payload, port = this.port): Promise<Message> {
    return decodeMessage(await this.raw(port, encodeMessage(name, payload)));
  }

  /** The port of the second step. */
  async begin(name: string, payload: Payload): Promise<number> {
    const answer = await this.call(name, payload);
    if (answer.name !== "OK") throw new Error(`${name}: ${[...answer.payload.values()].join(" ")}`);
    return Number(answer.payload.get("port"));
  }

  async twoSteps(name: string, first: Payload, second: Payload): Promise<Message> {
    return this.call(name, second, await this.begin(name, first));
  }

  /** The answer to the empty frame at the end. */
  async put(file: string, frames: readonly Uint8Array[], more: Payload = {}): Promise<Message> {
    const port = await this.begin("PUTDATA", { file_url: file, byte: true, ...more });
    for (const frame of frames) await this.raw(port, frame);
    return decodeMessage(await this.raw(port, new Uint8Array(0)));
  }

  async get(file: string): Promise<Buffer[]> {
    const port = await this.begin("GETDATA", { file_url: file, byte: true });
    const lines: Buffer[] = [];
    for (;;) {
      const line = await this.raw(port, ok);
      if (line.length === 0) return lines;
      lines.push(Buffer.from(line));
    }
  }

  async putJob(job: string): Promise<Message> {
    const port = await this.begin("PUTJOB", { job_id: job });
    return decodeMessage(await this.raw(port, ok));
  }
}

export type OpenedFilesystem = {
  readonly cluster: Opened;
  readonly client: Client;
  readonly discoveryPort: number;
};

export async function filesystemOpened(
  t: TestContext,
  filesystem: CoordinatorOptions["filesystem"] = {},
  dataDir?: string,
): Promise<OpenedFilesystem> {
  const own = dataDir === undefined ? {} : { dataDir };
  const cluster = await opened(t, { filesystem: { port: 0, ...filesystem }, ...own });
  const place = cluster.coordinator.filesystem;
  const discoveryPort = place?.discoveryPort ?? 0;
  return { cluster, client: new Client(place?.port ?? 0), discoveryPort };
}
