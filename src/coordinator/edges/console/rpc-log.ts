/** Sends every operation to a log service that speaks ONC-RPC, found through its portmapper.
 *
 *  No operation waits for it: what cannot be sent waits in a bounded queue, and is dropped when
 *  that is full. */
import type { Socket } from "node:net";
import { ClusterError } from "../../../core/error.ts";
import { dialTcp } from "../../../link/tcp/dial.ts";
import { gather } from "../../../link/tcp/gather.ts";
import {
  encodeLogCall,
  encodePortCall,
  type LoggedOperation,
  logOperation,
  portmapperPort,
  RpcAnswers,
} from "../../../wire/console/rpc/messages.ts";

export type RpcLogLimits = {
  /** Operations that may wait. */
  readonly waitingMax: number;
  /** Time limit for each connection and each answer, ms. */
  readonly answerMs: number;
  /** Delay between a failure and the next attempt, ms. */
  readonly retryMs: number;
};

export const defaultRpcLogLimits: RpcLogLimits = {
  waitingMax: 1_000,
  answerMs: 2_000,
  retryMs: 5_000,
};

export type RpcLogOptions = {
  readonly host: string;
  /** Of the portmapper. Default 111. */
  readonly port?: number;
  readonly limits?: Partial<RpcLogLimits>;
  /** Called once when it fails, and once when it works again. */
  readonly onNews: (text: string) => void;
};

export class RpcLog {
  readonly #options: RpcLogOptions;
  readonly #limits: RpcLogLimits;
  readonly #stop = new AbortController();
  #waiting: LoggedOperation[] = [];
  #dropped = 0;
  #failing = false;
  #xid = 0;
  #socket: Socket | null = null;
  readonly #open = new Set<Socket>();
  #sending: Promise<void> | null = null;

  constructor(options: RpcLogOptions) {
    this.#options = options;
    this.#limits = { ...defaultRpcLogLimits, ...options.limits };
  }

  add(operation: LoggedOperation): void {
    if (this.#stop.signal.aborted) return;
    if (this.#waiting.length >= this.#limits.waitingMax) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(operation);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
  }

  /** Operations in the queue are dropped. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const socket of this.#open) socket.destroy();
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      try {
        await this.#send(this.#waiting[0]!);
        this.#waiting.shift();
        this.#recovered();
      } catch (error) {
        this.#socket?.destroy();
        this.#socket = null;
        if (!(error instanceof ClusterError)) throw error;
        if (this.#stop.signal.aborted) return;
        this.#failed(error);
        await this.#pause();
      }
    }
    // Kept only while there are operations to send: the service may restart on another port.
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #send(operation: LoggedOperation): Promise<void> {
    this.#socket ??= await this.#connect();
    // 1 and 2 are the service's own problems: it has received the operation.
    await this.#call(this.#socket, (xid) => encodeLogCall(xid, operation));
  }

  async #connect(): Promise<Socket> {
    const { host, port = portmapperPort } = this.#options;
    const portmapper = await this.#dial(host, port);
    try {
      const found = await this.#call(portmapper, (xid) => encodePortCall(xid, logOperation));
      if (found >= 1 && found <= 65_535) return await this.#dial(host, found);
      const text = `program ${logOperation.program} is not registered at ${host}:${port}; start it`;
      throw new ClusterError("unavailable", text);
    } finally {
      portmapper.destroy();
    }
  }

  async #dial(host: string, port: number): Promise<Socket> {
    const { answerMs: timeoutMs } = this.#limits;
    const socket = await dialTcp({ host, port }, { timeoutMs });
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (this.#stop.signal.aborted) socket.destroy();
    return socket;
  }

  async #call(socket: Socket, encode: (xid: number) => Uint8Array): Promise<number> {
    this.#xid = (this.#xid + 1) >>> 0;
    const xid = this.#xid;
    const answers = new RpcAnswers();
    const { answerMs } = this.#limits;
    socket.write(encode(xid));
    const found = await gather<number | ClusterError>(
      socket,
      {
        push(bytes) {
          try {
            const answer = answers.push(bytes).find((one) => one.xid === xid);
            return answer === undefined ? { waitMs: answerMs } : { done: answer.value };
          } catch (error) {
            if (error instanceof ClusterError) return { done: error };
            throw error;
          }
        },
        end: () => new ClusterError("unavailable", `no answer came within ${answerMs} ms`),
      },
      answerMs,
    );
    if (found instanceof ClusterError) throw found;
    return found;
  }

  #failed(error: ClusterError): void {
    if (this.#failing) return;
    this.#failing = true;
    const { host } = this.#options;
    this.#options.onNews(`the log service at ${host} does not receive operations: ${error.text}`);
  }

  #recovered(): void {
    if (!this.#failing) return;
    this.#failing = false;
    const lost = this.#dropped === 0 ? "" : `, ${this.#dropped} operations were not sent`;
    this.#options.onNews(
      `the log service at ${this.#options.host} receives operations again${lost}`,
    );
    this.#dropped = 0;
  }

  #pause(): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, this.#limits.retryMs);
      signal.addEventListener("abort", done);
    });
  }
}
