/** Links and calls between simulated processes. A stream neither loses nor doubles nor reorders
 *  what it carries: it delays, gets stuck, or breaks. So that is what happens here. */
import { ClusterError } from "../../src/core/error.ts";
import type { Random } from "../../src/core/random.ts";
import type { Link } from "../../src/link/link.ts";
import type { SimProcess } from "./process.ts";
import { type Carrier, SimLink } from "./sim-link.ts";

/** Whoever can be reached under a name. */
export type Server = {
  readonly process: SimProcess;
  /** A link comes in. Throws `ClusterError` to refuse it. */
  accept?(link: Link, credential: string): void;
};

export type NetworkOptions = {
  readonly random: Random;
  readonly delayMs: number;
  /** Called for what the coverage table counts. */
  readonly count: (what: string) => void;
};

/** How long a machine tries to reach one that does not answer, ms. */
const giveUpMs = 120_000;

export class SimNetwork implements Carrier {
  readonly random: Random;
  readonly count: (what: string) => void;
  /** Called when one end closes a link that is open there. */
  onClose: (end: SimLink, reason: string) => void = () => {};
  readonly #delayMs: number;
  readonly #servers = new Map<string, Server>();
  /** `from>to` → how many cuts are in force. */
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<string, number>();
  readonly #links = new Set<SimLink>();
  /** By whom nobody reaches: they come by the thousand, and nobody changes one. */
  readonly #refusals = new Map<string, ClusterError>();

  constructor(options: NetworkOptions) {
    this.random = options.random;
    this.count = options.count;
    this.#delayMs = options.delayMs;
  }

  listen(name: string, server: Server): void {
    this.#servers.set(name, server);
  }

  /** Who answers there now: null when nobody lives there. */
  server(name: string): Server | null {
    const server = this.#servers.get(name);
    return server === undefined || server.process.life === "dead" ? null : server;
  }

  /** Nothing passes from one machine to the other, until it is healed as often. */
  cut(from: string, to: string): void {
    this.#cuts.set(`${from}>${to}`, (this.#cuts.get(`${from}>${to}`) ?? 0) + 1);
  }

  /** `reset`: links that had something stuck in them break instead of going on. */
  heal(from: string, to: string, reset: boolean): void {
    const left = (this.#cuts.get(`${from}>${to}`) ?? 0) - 1;
    if (left > 0) {
      this.#cuts.set(`${from}>${to}`, left);
      return;
    }
    this.#cuts.delete(`${from}>${to}`);
    for (const link of [...this.#links]) {
      if (link.from.name === from && link.to.name === to) link.unstick(reset);
    }
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`);
  }

  /** Delays of a machine's traffic are multiplied; 1 = as usual. */
  slow(name: string, factor: number): void {
    if (factor === 1) this.#slow.delete(name);
    else this.#slow.set(name, factor);
  }

  delay(from: string, to: string): number {
    const isUsual = this.#slow.size === 0;
    const factor = isUsual ? 1 : Math.max(this.#slow.get(from) ?? 1, this.#slow.get(to) ?? 1);
    return (this.#delayMs * 0.5 + this.random.fraction() * this.#delayMs) * factor;
  }

  /** Breaks the links of a machine, as a router does that forgets them. */
  breakLinks(name: string): number {
    let broken = 0;
    for (const link of [...this.#links]) {
      if (link.from.name === name && link.breakBoth("connection reset")) broken += 1;
    }
    return broken;
  }

  openLinks(name: string): number {
    let open = 0;
    for (const link of this.#links) if (link.from.name === name && link.isOpen) open += 1;
    return open;
  }

  /** Opens a link to whoever listens there. Never settles while the way is cut. */
  dial(from: SimProcess, to: string, credential: string): Promise<SimLink> {
    return this.ask(from, to, {
      timeoutMs: giveUpMs,
      work: (server: Server) => {
        if (server.accept === undefined) throw this.#refused(to);
        const mine = new SimLink(this, from, server.process);
        const theirs = new SimLink(this, server.process, from);
        mine.join(theirs);
        theirs.join(mine);
        server.accept(theirs, credential);
        this.#links.add(mine).add(theirs);
        return mine;
      },
    });
  }

  #refused(to: string): ClusterError {
    const known = this.#refusals.get(to);
    if (known !== undefined) return known;
    const made = withoutStack(() => new ClusterError("unavailable", `nobody listens at ${to}`));
    this.#refusals.set(to, made);
    return made;
  }

  forget(link: SimLink): void {
    this.#links.delete(link);
  }

  /** A call and its answer. Rejects with `unavailable` when nobody is there, or in time. */
  ask<S extends Server, T>(
    from: SimProcess,
    to: string,
    call: { readonly timeoutMs: number; readonly work: (server: S) => T | Promise<T> },
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { clock } = from;
    const timeout = clock.after(call.timeoutMs, from, () => reject(late(to)));
    const back = (delayMs: number, settle: () => void) => {
      clock.after(delayMs, from, () => {
        timeout.fire = null;
        settle();
      });
    };
    if (this.isCut(from.name, to)) return promise;
    clock.after(this.delay(from.name, to), null, () => {
      const server = this.server(to);
      if (server === null) {
        back(this.delay(to, from.name), () => reject(this.#refused(to)));
        return;
      }
      const answer = (settle: () => void) => {
        if (this.isCut(to, from.name) || server.process.life === "dead") return;
        back(this.delay(to, from.name), settle);
      };
      const arrive = () => {
        void work(call.work, server as S).then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        );
      };
      if (server.process.up) arrive();
      else clock.after(0, server.process, arrive);
    });
    return promise;
  }
}

async function work<S, T>(what: (server: S) => T | Promise<T>, server: S): Promise<T> {
  return what(server);
}

function late(to: string): ClusterError {
  return withoutStack(() => new ClusterError("unavailable", `no answer from ${to}`));
}

/** Nobody reads where these were made, and finding out costs more than the call. */
function withoutStack<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const made = make();
  Error.stackTraceLimit = stackTraceLimit;
  return made;
}
