/** A gateway on real sockets in this process, and well-behaved clients, for tests. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { Gateway } from "../../src/gateway/gateway.ts";
import type { GatewayLimits } from "../../src/gateway/options.ts";
import { type GatewayServerOptions, serveGateway } from "../../src/gateway/serve.ts";
import { openSite } from "../../src/gateway/site.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

export type Served = { readonly port: number; readonly gateway: Gateway; readonly lines: string[] };

type Options = Partial<GatewayServerOptions> & {
  readonly limits?: Partial<GatewayLimits>;
  readonly anonymous?: boolean;
};

export async function served(t: TestContext, options: Options = {}): Promise<Served> {
  const lines: string[] = [];
  const gateway = new Gateway({
    anonymous: options.anonymous ?? true,
    print: (line) => lines.push(line),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const server = await serveGateway({
    host: "127.0.0.1",
    port: 0,
    certificate: null,
    origin: { hosts: [], origins: [] },
    trackers: { kind: "anybody" },
    handlers: [openSite(pageFolder(t))],
    ...options,
    gateway,
  });
  t.after(() => server.close());
  return { port: server.port, gateway, lines };
}

/** A stand-in for the built page, with its file names. */
function pageFolder(t: TestContext): string {
  const folder = temporaryDir(t, "gateway-page-");
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(folder, "sandbox.html"), "<!doctype html><title>sandbox</title>");
  writeFileSync(join(folder, "assets", "app-1a2b.js"), "export {};");
  return folder;
}

type Message = { readonly status: number; readonly message: string; readonly data: Data };
type Data = Readonly<Record<string, unknown>>;

/** A WebSocket of the browser protocol that waits for certain messages. */
export class Client {
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #heard: string[] = [];
  #wake = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    socket.on("error", () => {});
    socket.on("message", (frame) => {
      this.#heard.push(frame.toString());
      this.#wake();
    });
  }

  static async open(
    t: TestContext,
    address: number | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Client> {
    const url = typeof address === "string" ? address : `ws://127.0.0.1:${address}`;
    const socket = new WebSocket(url, { headers, perMessageDeflate: true });
    const client = new Client(socket);
    t.after(() => socket.terminate());
    await once(socket, "open");
    return client;
  }

  say(action: string, data: Data = {}): void {
    this.raw(JSON.stringify({ status: 1, message: "", action, data }));
  }

  raw(text: string): void {
    this.socket.send(text);
  }

  /** The next message of this action; earlier ones are dropped, except pings. */
  async next(action: string): Promise<Message> {
    for (;;) {
      for (let text = this.#heard.shift(); text !== undefined; text = this.#heard.shift()) {
        const message = JSON.parse(text) as Message & { readonly action: string };
        if (message.action === action) return message;
      }
      assert.equal(this.socket.readyState, WebSocket.OPEN, `closed before it received ${action}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A browser and a tracker that are connected through the gateway. */
export async function pair(t: TestContext, port: number) {
  const tracker = await Client.open(t, port);
  tracker.say("tracker");
  const browser = await Client.open(t, port);
  browser.say("connect", { speed: 100 });
  const { data } = await tracker.next("connect");
  return { tracker, browser, uid: data.uid };
}
