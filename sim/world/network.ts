/** Links and calls between simulated processes. A TCP stream never loses, duplicates or reorders
 *  data: it delays, stalls, or breaks. So that is what happens here. */
import { ClusterError } from "../../src/core/error.ts";
import type { Random } from "../../src/core/random.ts";
import type { Link } from "../../src/link/link.ts";
import type { SimProcess } from "./process.ts";
import { type Carrier, SimLink } from "./sim-link.ts";

/** A server that can be reached under a name. */
export type Server = {
  readonly process: SimProcess;
  /** A link is opened to it. Throws `ClusterError` to refuse it. */
  accept?(link: Link, credential: string): void;
};

export type NetworkOptions = {
  readonly random: Random;
  readonly delayMs: number;
  /** Counts an entry of the coverage table. */
  readonly count: (what: string) => void;
};

/** Time after which a machine gives up on one that does not answer, ms. */
const giveUpMs = 120_000;

export class SimNetwork implements Carrier {
  readonly random: Random;
  readonly count: (what: string) => void;
  /** Called when one end closes a link that is open there. */
  onClose: (end: SimLink, reason: string) => void = () => {};
  readonly #delayMs: number;
  readonly #servers = new Map<string, Server>();
  /** `from>to` → the number of cuts in force. */
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<string, number>();
  readonly #links = new Set<SimLink>();
  /** Errors of unreachable servers, shared: there are thousands, and they are never changed. */
  readonly #refusals = new Map<string, ClusterError>();

  constructor(options: NetworkOptions) {
    this.random = options.random;
    this.count = options.count;
    this.#delayMs = options.delayMs;
  }

  listen(name: string, server: Server): void {
    this.#servers.set(name, server);
  }

  /** The server that answers there now: null when there is none. */
  server(name: string): Server | null {
    const server = this.#servers.get(name);
    return server === undefined || server.process.life === "dead" ? null : server;
  }

  /** Nothing passes from one machine to the other, until it is healed as often. */
  cut(from: string, to: string): void {
    this.#cuts.set(`${from}>${to}`, (this.#cuts.get(`${from}>${to}`) ?? 0) + 1);
  }

  /** `reset`: links with stuck messages break instead of continuing. */
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

  /** A factor on the delays of a machine's traffic; 1 = normal. */
  slow(name: string, factor: number): void {
    if (factor === 1) this.#slow.delete(name);
    else this.#slow.set(name, factor);
  }

  delay(from: string, to: string): number {
    const isUsual = this.#slow.size === 0;
    const factor = isUsual ? 1 : Math.max(this.#slow.get(from) ?? 1, this.#slow.get(to) ?? 1);
    return (this.#delayMs * 0.5 + this.random.fraction() * this.#delayMs) * factor;
  }

  /** Breaks the links of a machine, like a router that loses its state. */
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

  /** Opens a link to the server there. Never settles while the path is cut. */
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
    const made = withoutStack(() => new ClusterError("unavailable", `no server listens at ${to}`));
    this.#refusals.set(to, made);
    return made;
  }

  forget(link: SimLink): void {
    this.#links.delete(link);
  }

  /** A call and its answer. Rejects with `unavailable` when there is no server, or no answer in
   *  time. */
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

/** Stacks of these errors are never read, and computing them costs more than the call. */
function withoutStack<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const made = make();
  Error.stackTraceLimit = stackTraceLimit;
  return made;
}
