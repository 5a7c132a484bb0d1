/** The register: informs programs of the filesystem protocol where workers and file systems are. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../../../core/error.ts";
import { isLoopback, type Listen } from "../../../../link/listen.ts";
import { openReplyServer } from "../../../../link/zeromq/reply-server.ts";
import { askOnce } from "../../../../link/zeromq/request.ts";
import { reachOf, refuserFor } from "../../../../peer/addresses.ts";
import { errorAnswer, okAnswer } from "../../../../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../../../../wire/filesystem/codec.ts";
import { addressValue } from "../../../../wire/filesystem/fields.ts";
import { requestBytesMax } from "../../../../wire/filesystem/limits.ts";
import {
  type Node,
  nodeAddresses,
  nodePairs,
  parseRegisterRequest,
  type RegisterRequest,
  trackersListed,
  words,
} from "../../../../wire/filesystem/register.ts";
import { mustLead, type Ownership } from "../../../leading/answering.ts";
import type { Timers } from "../../../loop/timers.ts";
import { type Kind, NodeList } from "./nodes.ts";

export type RegisterOptions = Partial<Listen> & {
  /** Interval between the rounds of PINGs, ms. Default 5,000. */
  readonly pingEveryMs?: number;
  /** Silence after which a node is removed, ms. Default 2,000. */
  readonly pingMs?: number;
};

export type RegisterParts = {
  readonly dataDir: string;
  readonly timers: Timers;
  /** The file system of this coordinator; null = it has none. */
  readonly own: Listen | null;
  readonly owner: Ownership;
};

export type RegisterServing = Listen & {
  /** The worker that serves beside this register, first of all until it is null again. */
  setOwnWorker(at: Listen | null): void;
  close(): Promise<void>;
};

const defaultPort = 9091;
const requestsMax = 64;
/** PINGs at once. */
const pingsMax = 32;
const kinds: readonly Kind[] = ["worker", "filesystem"];

export async function serveRegister(
  options: RegisterOptions,
  parts: RegisterParts,
): Promise<RegisterServing> {
  const { host = "127.0.0.1", port = defaultPort } = options;
  const register = new Register(options, parts);
  const server = await openReplyServer({
    host,
    port,
    advice: { options: "--register", free: "--register 0" },
    requestMaxBytes: requestBytesMax,
    requestsMax,
    answer: async (frame) => {
      try {
        await mustLead(parts.owner);
      } catch (error) {
        return errorAnswer(error as ClusterError);
      }
      return register.answer(frame);
    },
  });
  register.start();
  return {
    host,
    port: server.port,
    setOwnWorker: (at) => register.setOwnWorker(at),
    async close() {
      await register.stop();
      await server.close();
    },
  };
}

class Register {
  readonly #options: RegisterOptions;
  readonly #parts: RegisterParts;
  readonly #nodes: NodeList;
  readonly #refuse: (ip: string) => string | null;
  #cancel = () => {};
  #round: Promise<void> = Promise.resolve();
  #stopped = false;
  #ownWorker: Node | null = null;

  constructor(options: RegisterOptions, parts: RegisterParts) {
    this.#options = options;
    this.#parts = parts;
    this.#nodes = new NodeList(parts.dataDir);
    // A register that other machines reach must not connect to what only this machine reaches.
    const { host = "127.0.0.1" } = options;
    this.#refuse = refuserFor(isLoopback(host) ? "machine" : "site");
  }

  setOwnWorker(at: Listen | null): void {
    // It answers PING where it takes jobs.
    this.#ownWorker = at === null ? null : { address: at, ping: null };
  }

  start(): void {
    const { pingEveryMs = 5_000 } = this.#options;
    this.#cancel = this.#parts.timers.after(pingEveryMs, () => {
      this.#round = this.pingAll().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#round;
  }

  answer(frame: Uint8Array): Uint8Array {
    try {
      return this.#perform(parseRegisterRequest(decodeMessage(frame)));
    } catch (error) {
      if (error instanceof ClusterError) return errorAnswer(error);
      throw error;
    }
  }

  /** Removes the nodes that do not answer. */
  async pingAll(): Promise<void> {
    const waiting = kinds.flatMap((kind) => this.#nodes.list(kind).map((node) => ({ kind, node })));
    const lane = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (this.#stopped || next.node.ping === null) continue;
        if (!(await this.#isAlive(next.node.ping)) && !this.#stopped) {
          this.#nodes.drop(next.kind, next.node);
        }
      }
    };
    await Promise.all(Array.from({ length: pingsMax }, lane));
  }

  async #isAlive(at: Listen): Promise<boolean> {
    const { pingMs: timeoutMs = 2_000 } = this.#options;
    const message = encodeMessage("PING", { info: words.ping });
    return askOnce(at, message, { timeoutMs, answerMaxBytes: requestBytesMax }).then(
      () => true,
      () => false,
    );
  }

  #perform(request: RegisterRequest): Uint8Array {
    switch (request.call) {
      case "WORKERREG":
        return this.#add("worker", request.node);
      case "FILESYSREG":
        return this.#add("filesystem", request.node);
      case "WORKERS":
        return okAnswer({ workers: nodePairs(this.#workers(1)) });
      case "FILESYSNODES":
        return okAnswer({ nodes: nodeAddresses(this.#filesystems()) });
      case "JOBREG":
        return this.#registerJob(request.idText);
    }
  }

  #add(kind: Kind, node: Node): Uint8Array {
    for (const { host } of [node.address, ...(node.ping === null ? [] : [node.ping])]) {
      // Names are not resolved: a name could resolve to another address tomorrow.
      const problem =
        reachOf(host) === null ? `${host} is not the address of a node` : this.#refuse(host);
      if (problem !== null) throw new ClusterError("bad-request", `${problem}; give another`);
    }
    return okAnswer({ info: this.#nodes.add(kind, node) ? words.registered : words.known });
  }

  /** This coordinator's first, as often as is asked. */
  #workers(times: number): Node[] {
    const own = this.#ownWorker === null ? [] : Array<Node>(times).fill(this.#ownWorker);
    return [...own, ...this.#nodes.list("worker")];
  }

  /** This coordinator's first. */
  #filesystems(): Node[] {
    const { own } = this.#parts;
    const others = this.#nodes.list("filesystem");
    return own === null ? [...others] : [{ address: own, ping: null }, ...others];
  }

  #registerJob(idText: string): Uint8Array {
    const workers = this.#workers(trackersListed);
    const filesystems = this.#filesystems();
    if (workers.length === 0 || filesystems.length === 0) {
      return encodeMessage("ERROR", { info: words.none });
    }
    return okAnswer({
      info: words.job,
      job_id: createHash("sha1").update(idText).digest("hex"),
      trackers_addr: nodePairs(workers),
      filesystem: filesystems.map(({ address }) => addressValue(address)),
    });
  }
}
