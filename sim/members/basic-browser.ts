/** A basic browser of the simulated world, which speaks only the base browser protocol: it
 *  connects, computes one task at a time, puts the results at the given addresses, and reports them
 *  once. */
import { ClusterError } from "../../src/core/error.ts";
import { decodeBrowser, encodeBrowser } from "../../src/wire/browser/codec.ts";
import type { BrowserBody } from "../../src/wire/browser/messages.ts";
import { SimProcess } from "../world/process.ts";
import { SimTextLink } from "../world/text-link.ts";
import type { World } from "../world/world.ts";
import type { SimGateway } from "./gateway.ts";
import type { TabData } from "./tab-data.ts";
import { ticketIn } from "./tab-tasks.ts";

type Task = Extract<BrowserBody, { action: "task" }>;

const askTimeoutMs = 20_000;
const dialAgainMs = 5_000;
/** Otherwise it does not notice that its connection is gone, ms. */
const silenceMaxMs = 60_000;
const tickMs = 10_000;
const triesMax = 20;

export class SimBareBrowser {
  readonly process: SimProcess;
  readonly #world: World;
  readonly #gateways: readonly string[];
  #gateway = "";
  #link: SimTextLink | null = null;
  #task: Task | null = null;
  #heardAtMs = 0;

  constructor(world: World, name: string, gateways: readonly string[]) {
    this.#world = world;
    this.#gateways = gateways;
    this.process = new SimProcess(name, world.clock);
    this.process.soon(() => {
      void this.#dial();
      this.#tick();
    });
  }

  get isConnected(): boolean {
    return this.#link?.isOpen === true;
  }

  get isBusy(): boolean {
    return this.#task !== null;
  }

  async #dial(): Promise<void> {
    const { network, random } = this.#world;
    this.#gateway = this.#gateways[random.below(this.#gateways.length)]!;
    try {
      const link = new SimTextLink(await network.dial(this.process, this.#gateway, ""));
      this.#link = link;
      this.#heardAtMs = this.process.clock.nowMs;
      link.receive({
        said: (text) => this.#said(link, text),
        misspoke: () => {},
        closed: () => this.#gone(link),
      });
      link.send(encodeBrowser({ action: "connect", uid: null, speed: 1_000, more: null }));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.process.after(dialAgainMs, () => void this.#dial());
    }
  }

  #tick(): void {
    const link = this.#link;
    if (link !== null && this.process.clock.nowMs - this.#heardAtMs > silenceMaxMs) {
      link.close(1000, "silent");
      this.#gone(link);
    }
    this.process.after(tickMs, () => this.#tick());
  }

  #gone(link: SimTextLink): void {
    if (this.#link !== link) return;
    this.#link = null;
    this.#task = null;
    this.process.after(dialAgainMs, () => void this.#dial());
  }

  #said(link: SimTextLink, text: string): void {
    if (this.#link !== link) return;
    this.#heardAtMs = this.process.clock.nowMs;
    const { body } = decodeBrowser(text, "gateway", "browser");
    if (body.action === "ping") link.send(encodeBrowser({ action: "pong", more: null }));
    if (body.action === "task") void this.#compute(link, body);
  }

  async #compute(link: SimTextLink, task: Task): Promise<void> {
    const { judge, random } = this.#world;
    const { name } = this.process;
    if (this.#task !== null) {
      judge.breach("B", `${name} has task ${this.#task.tid} and gets ${task.tid}, too`);
    }
    this.#task = task;
    const isCurrent = () => this.#task === task;
    let body: BrowserBody;
    try {
      const ticket = ticketIn(task.url[0]!);
      const work = await this.#patiently(isCurrent, (data) => data.plainWork(ticket));
      await this.process.sleep(work.meanMs * (0.5 + random.fraction()));
      if (!isCurrent()) return;
      const { parts, trouble } = work;
      // It has no time limit: a hanging task becomes an error at some point.
      if (trouble !== null) throw new ClusterError("user-error", `planted: ${trouble}`);
      for (const [part, text] of parts.entries()) {
        await this.#patiently(isCurrent, (data) => data.putPlain(ticket, part, text));
      }
      const { tid, type } = task;
      const url = parts.map((_, part) => `/t/${ticket}/out/${part}`);
      body = { action: "finish", uid: null, type, tid, url, more: null };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#world.count("task of a bare browser failed");
      body = { action: "error", uid: null, error: error.message, more: null };
    }
    if (!isCurrent()) return;
    this.#task = null;
    link.send(encodeBrowser(body));
  }

  async #patiently<T>(
    isCurrent: () => boolean,
    work: (data: TabData) => T | Promise<T>,
  ): Promise<T> {
    const options = {
      timeoutMs: askTimeoutMs,
      work: (gateway: SimGateway) => gateway.forward((server) => work(server.tabData())),
    };
    for (let tries = 1; ; tries++) {
      try {
        return await this.#world.network.ask(this.process, this.#gateway, options);
      } catch (error) {
        const again = error instanceof ClusterError && error.retryable && isCurrent();
        if (!again || tries >= triesMax) throw error;
      }
      await this.process.sleep(2_000);
    }
  }
}
