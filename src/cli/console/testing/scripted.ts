/** A console server with scripted answers, and a user of it: for tests of the client. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { PublishedFiles } from "../published.ts";
import { UserClient, type UserClientOptions } from "../user-client.ts";

/** Bytes, or what to do with the connection. */
export type Script = Buffer | ((socket: Socket) => void);

export class ScriptedServer {
  readonly port: number;
  /** What came, as text, one connection after another. */
  readonly asked: string[];
  /** By operation, else byte 0. */
  readonly answers: Map<string, Script>;

  constructor(port: number, asked: string[], answers: Map<string, Script>) {
    this.port = port;
    this.asked = asked;
    this.answers = answers;
  }

  /** The port of the last CONNECT. */
  connectedPort(): number {
    const connect = this.asked.findLast((text) => text.startsWith("CONNECT"));
    return Number(connect?.split("\0").at(-2));
  }
}

export async function scriptedServer(t: TestContext): Promise<ScriptedServer> {
  const asked: string[] = [];
  const answers = new Map<string, Script>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", (bytes: Buffer) => {
      const text = bytes.toString("utf8");
      asked.push(text);
      const script = answers.get(text.slice(0, text.indexOf("\0"))) ?? Buffer.of(0);
      if (Buffer.isBuffer(script)) socket.end(script);
      else script(socket);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return new ScriptedServer((server.address() as AddressInfo).port, asked, answers);
}

export function directory(t: TestContext): string {
  const dir = temporaryDir(t, "tequio-console-");
  return dir;
}

export function userOf(
  t: TestContext,
  port: number,
  over: Partial<UserClientOptions> & { readonly dataDir?: string } = {},
): UserClient {
  const { dataDir = directory(t), ...options } = over;
  const server = { host: "127.0.0.1", port };
  const published = new PublishedFiles(dataDir, `127.0.0.1:${port}`);
  const client = new UserClient({
    server,
    clock: null,
    published,
    timeoutMs: waitMaxMs,
    ...options,
  });
  t.after(() => client.close());
  return client;
}
