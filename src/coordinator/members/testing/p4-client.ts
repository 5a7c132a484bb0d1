/** A client of the control channel like existing ones: a new connection for each call, headers and
 *  body in two segments, a JSON body with GET too. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { openMemoryBlobs } from "../../../store/blob/memory.ts";
import type { Log } from "../../../store/log/log.ts";
import { openMemoryLog } from "../../../store/log/memory.ts";
import { isLegalRefusal } from "../../../wire/p4/legality.ts";
import { Auth } from "../../access/auth.ts";
import { defaultP4Settings } from "../../edges/p4/call.ts";
import { P4Edge, type P4Limits } from "../../edges/p4/edge.ts";
import { serveP4 } from "../../edges/p4/serve.ts";
import { Loop } from "../../loop/loop.ts";
import type { CoordinatorOptions } from "../../options.ts";
import { ManualTimers } from "../../testing/manual-timers.ts";
import { opened } from "../../testing/opened.ts";
import { thisMachine } from "../addresses.ts";
import { Members } from "../members.ts";
import { Tickets } from "../tickets.ts";

export type Said = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
};

export type Asked = { readonly headers?: Record<string, string>; readonly raw?: string };

export class P4Client {
  readonly port: number;
  readonly #below: string;

  constructor(port: number, below = "") {
    this.port = port;
    this.#below = below;
  }

  async ask(method: string, path: string, body?: unknown, asked: Asked = {}): Promise<Said> {
    const text = asked.raw ?? (body === undefined ? "" : JSON.stringify(body));
    const headers = {
      Host: `127.0.0.1:${this.port}`,
      Connection: "close",
      ...(text === "" ? {} : { "Content-Type": "application/json" }),
      ...(text === "" ? {} : { "Content-Length": String(Buffer.byteLength(text)) }),
      ...asked.headers,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${this.#below}${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
    const said = parse(await exchange(this.port, [head, text]));
    // An answer to HEAD has no message.
    const isLegal =
      said.status <= 200 ||
      method === "HEAD" ||
      isLegalRefusal(path, said.status, `${said.json.message}`);
    assert.ok(isLegal, `${path} must not answer ${said.status}: ${said.text}`);
    return said;
  }

  post(path: string, body: unknown): Promise<Said> {
    return this.ask("POST", path, body);
  }

  /** Registers a peer; returns its token. */
  async peer(client_id: string, over: Record<string, unknown> = {}): Promise<string> {
    const body = { client_id, ip: "127.0.0.1", port: 8001, genericToken: "secret", ...over };
    const { json, text } = await this.post("/register", body);
    if (typeof json.token !== "string") throw new Error(text);
    return json.token;
  }
}

/** Sends the parts one after the other and reads until the server closes. */
export function exchange(port: number, parts: readonly string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (text) => {
    received += text;
  });
  // What was received counts, even when the server did not read the rest of the request.
  socket.on("error", () => {});
  socket.on("close", () => resolve(received));
  socket.on("connect", async () => {
    for (const part of parts) {
      if (part !== "") await new Promise((done) => socket.write(part, done));
    }
  });
  return promise;
}

export function parse(received: string): Said {
  const [head = "", ...rest] = received.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => /^([^:]+): ?(.*)$/.exec(line)?.slice(1) ?? []);
  const text = rest.join("\r\n\r\n");
  let json = {};
  try {
    json = JSON.parse(text);
  } catch {
    // Then the test gets the text.
  }
  return {
    status: Number(first.split(" ")[1] ?? 0),
    headers: Object.fromEntries(headers.map(([name, value]) => [name?.toLowerCase(), value])),
    text,
    json,
  };
}

/** A coordinator with a port for P4; clients of it, and of the main port. */
export async function p4Opened(
  t: TestContext,
  p4: Partial<NonNullable<CoordinatorOptions["p4"]>> = {},
  dataDir?: string,
) {
  const listen = { host: "127.0.0.1", port: 0 };
  const cluster = await opened(t, {
    p4: { genericToken: "secret", listen, ...p4 },
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  const main = Number(new URL(cluster.url).port);
  return {
    cluster,
    own: new P4Client(cluster.coordinator.p4?.port ?? 0),
    main: new P4Client(main, "/p4"),
  };
}

/** The control channel over a loop whose clock and log the test controls. */
export async function p4Alone(
  t: TestContext,
  { log = openMemoryLog(), limits = {} }: { log?: Log; limits?: Partial<P4Limits> } = {},
) {
  const timers = new ManualTimers();
  const loop = await Loop.start({ log, timers, perform: () => {}, onFatal: () => {} });
  const members = new Members({ loop, timers });
  const auth = new Auth(loop);
  const tickets = new Tickets();
  const settings = { ...defaultP4Settings, genericToken: "secret" };
  const owner = { ownsLog: () => true as const };
  const parts = { loop, auth, members, owner, tickets, settings, machine: thisMachine };
  const bugs: unknown[] = [];
  const edge = new P4Edge(parts, (error) => bugs.push(error), limits);
  const files = { owner, programs: { moduleAt: () => null }, blobs: openMemoryBlobs() };
  const onError = (error: unknown) => bugs.push(error);
  const serving = await serveP4({ edge, onError, ...files }, { host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await serving.close();
    members.stop();
    await loop.stop();
    if (bugs.length > 0) throw new AggregateError(bugs, "bugs of the edge");
  });
  return { ...parts, timers, client: new P4Client(serving.port) };
}
