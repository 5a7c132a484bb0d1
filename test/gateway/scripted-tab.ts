/** A current tab over a real WebSocket that a test scripts: it comes back as itself, and computes
 *  lists of tasks on request. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { decodeBrowser, encodeBrowser } from "../../src/wire/browser/codec.ts";
import type { BrowserMessage } from "../../src/wire/browser/messages.ts";
import type { ConnectMore, TaskMore, WelcomeMore } from "../../src/wire/browser/more.ts";

type Held = { readonly tid: number; readonly more: TaskMore };
type Identity = { readonly worker: string; readonly credential: string };

export class ScriptedTab {
  readonly session = randomBytes(16).toString("hex");
  readonly #token: string;
  readonly #heard: BrowserMessage[] = [];
  readonly #held = new Map<number, Held>();
  #identity: Identity = { worker: "", credential: "" };
  #socket: WebSocket | null = null;
  #url = "";
  #wake = () => {};
  /** How the newest connection ended. */
  closed: Promise<{ readonly code: number; readonly atMs: number }> | null = null;

  constructor(t: TestContext, token: string) {
    this.#token = token;
    t.after(() => this.#socket?.terminate());
  }

  get worker(): string {
    return this.#identity.worker;
  }

  /** Connects until there is a gateway, and is welcomed. */
  async join(url: string): Promise<void> {
    const socket = await this.#dial(url);
    this.#socket = socket;
    this.#url = url;
    this.closed = new Promise((resolve) => {
      socket.once("close", (code) => {
        resolve({ code, atMs: performance.now() });
        this.#wake();
      });
    });
    socket.on("message", (frame) =>
      this.#said(decodeBrowser(frame.toString(), "gateway", "browser")),
    );
    const isNew = this.#identity.worker === "";
    const more: ConnectMore = {
      version: "test",
      session: this.session,
      token: isNew ? this.#token : "",
      ...this.#identity,
      name: "scripted",
      slots: 1,
      kinds: [100],
      holding: [...this.#held.values()].map(({ more, tid }) => [tid, "m", more.ref]),
    };
    socket.send(encodeBrowser({ action: "connect", uid: null, speed: 1_000, more }));
    const { body, message, ok } = await this.next("welcome");
    if (!ok) throw new Error(message);
    const { credential, worker } = (body as { more: unknown }).more as WelcomeMore;
    this.#identity = { worker, credential: credential || this.#identity.credential };
  }

  async #dial(url: string): Promise<WebSocket> {
    for (;;) {
      const socket = new WebSocket(`${url.replace(/^http/, "ws")}/tab`, {
        rejectUnauthorized: false,
      });
      try {
        await once(socket, "open");
        return socket;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #said(message: BrowserMessage): void {
    const { body } = message;
    if (body.action === "ping") {
      this.#socket?.send(encodeBrowser({ action: "pong", more: null }));
      return;
    }
    if (body.action === "abort" || body.action === "ack") this.#held.delete(body.tid);
    if (body.action === "abort") this.#unhear(body.tid);
    if (body.action === "task") {
      const { tid } = body;
      this.#held.set(tid, { tid, more: body.more as unknown as TaskMore });
    }
    this.#heard.push(message);
    this.#wake();
  }

  /** Its order was taken back before it was read; another may have the same number. */
  #unhear(tid: number): void {
    const at = this.#heard.findIndex(({ body }) => body.action === "task" && body.tid === tid);
    if (at !== -1) this.#heard.splice(at, 1);
  }

  async next(action: string): Promise<BrowserMessage> {
    for (;;) {
      const at = this.#heard.findIndex(({ body }) => body.action === action);
      if (at !== -1) return this.#heard.splice(at, 1)[0] as BrowserMessage;
      if (this.#socket?.readyState !== WebSocket.OPEN) throw new Error(`closed before ${action}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next task, which it holds until it is finished. */
  async task(): Promise<Held> {
    const { body } = await this.next("task");
    const { tid } = body as { tid: number };
    return this.#held.get(tid) as Held;
  }

  /** Reads the items through its gateway, doubles them, and waits for the Ack. */
  async finish({ more, tid }: Held): Promise<number> {
    const answer = await fetch(`${this.#url}${more.place}/in/numbered`);
    const lines = (await answer.text()).trim().split("\n");
    const items = new Map(lines.map((line) => JSON.parse(line) as [number, number]));
    const reports = more.attempts.map(([task, attempt]) => {
      const value = JSON.stringify((items.get(task) as number) * 2);
      const output = { root: "", sizeBytes: value.length, records: 1, value };
      return { kind: "done", task, attempt, durationMs: 5, output } as const;
    });
    const body = {
      action: "finish",
      uid: null,
      type: "m",
      tid,
      url: [],
      more: { reports },
    } as const;
    this.#socket?.send(encodeBrowser(body));
    await this.next("ack");
    return items.size;
  }

  /** Finishes every task until it is closed; resolves with the number of items. */
  async work(): Promise<number> {
    let items = 0;
    try {
      for (;;) items += await this.finish(await this.task());
    } catch {
      return items;
    }
  }

  vanish(): void {
    this.#socket?.terminate();
  }
}
