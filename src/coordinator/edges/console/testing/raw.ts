/** A console server on a loop of its own, and a client that shares no code with the product:
 *  strings, NULs and bytes as in the notes on existing implementations. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { rawAnswer } from "../../../../peer/testing/raw-answer.ts";
import { makeDirectory } from "../../../../store/directory.ts";
import { emptyLog, type LogContents, openMemoryLog } from "../../../../store/log/memory.ts";
import { atEnd, temporaryDir } from "../../../../store/testing/at-end.ts";
import { Loop } from "../../../loop/loop.ts";
import { realTimers } from "../../../loop/timers.ts";
import { Members } from "../../../members/members.ts";
import { type ConsoleOptions, type ConsoleServing, serveConsole } from "../edge.ts";

export class RawServer {
  readonly lines: string[] = [];
  readonly dataDir: string;
  readonly members: Members;
  readonly port: number;
  readonly stop: () => Promise<void>;

  constructor(parts: Pick<RawServer, "dataDir" | "members" | "port" | "stop" | "lines">) {
    this.lines = parts.lines;
    this.dataDir = parts.dataDir;
    this.members = parts.members;
    this.port = parts.port;
    this.stop = parts.stop;
  }

  /** Every byte of the answer until the server closes. */
  async bytes(...pieces: readonly (string | Uint8Array)[]): Promise<Buffer> {
    return rawAnswer({ host: "127.0.0.1", port: this.port }, pieces);
  }

  /** Without a date-time; the answer as text, its bytes as characters. */
  async say(...strings: readonly string[]): Promise<string> {
    return (await this.bytes(strings.map((text) => `${text}\0`).join(""))).toString("latin1");
  }

  /** The only result byte. */
  async code(...strings: readonly string[]): Promise<number> {
    const answer = await this.bytes(strings.map((text) => `${text}\0`).join(""));
    if (answer.length !== 1) throw new Error(`${answer.length} bytes: ${answer.toString("hex")}`);
    return answer[0]!;
  }
}

/** The state that outlives a server: its directory and its log. */
export type Kept = { readonly dataDir: string; readonly log: LogContents };

export function kept(t: TestContext): Kept {
  const dataDir = temporaryDir(t);
  makeDirectory(join(dataDir, "logs"));
  return { dataDir, log: emptyLog() };
}

export async function rawServer(
  t: TestContext,
  options: Partial<ConsoleOptions> = {},
  { dataDir, log } = kept(t),
): Promise<RawServer> {
  const onFatal = (error: Error) => {
    throw error;
  };
  const loop = await Loop.start({
    log: openMemoryLog(log),
    timers: realTimers,
    perform() {},
    onFatal,
  });
  const members = new Members({ loop, timers: realTimers });
  const lines: string[] = [];
  let serving: ConsoleServing | null = null;
  let stopping: Promise<void> | null = null;
  const stop = async () => {
    await serving?.close();
    members.stop();
    await loop.stop();
  };
  const stopOnce = () => {
    stopping ??= stop();
    return stopping;
  };
  atEnd(t, stopOnce);
  serving = await serveConsole(
    { port: 0, presence: { everyMs: 0 }, onLine: (line) => lines.push(line), ...options },
    { loop, members, owner: { ownsLog: () => true }, timers: realTimers, dataDir },
  );
  return new RawServer({ dataDir, members, port: serving.port, stop: stopOnce, lines });
}

/** A listener that answers every connection with 1, like a client's. */
export async function listener(t: TestContext) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .on("data", (bytes: Buffer) => {
        asked.push(bytes.toString("latin1"));
        socket.end(Buffer.of(1));
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => new Promise<void>((done) => server.close(() => done()));
  t.after(() => close());
  return { port: (server.address() as { port: number }).port, asked, close };
}
