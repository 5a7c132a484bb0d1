/** The server of the console protocol: users of the console register, connect and list what they
 *  share.
 *
 *  The protocol has no authentication: any client that reaches the port can act as any user. */
import { createServer, isIP, type Server, type Socket } from "node:net";
import { listenError } from "../../../link/listen-error.ts";
import { finish } from "../../../link/tcp/gather.ts";
import { readRequest } from "../../../peer/console-files.ts";
import { encodeOutcome, encodePaths, encodeUsers } from "../../../wire/console/codec.ts";
import {
  type ConsoleRequest,
  type DateTimeUse,
  type Outcome,
  unreadableByte,
} from "../../../wire/console/messages.ts";
import { type Reading, RequestReader } from "../../../wire/console/session.ts";
import { mustLead, type Ownership } from "../../leading/answering.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Timers } from "../../loop/timers.ts";
import type { Members } from "../../members/members.ts";
import { Operations, type Result } from "./operations.ts";
import { type LoggedOperation, OperationsLog } from "./operations-log.ts";
import { type PresenceLimits, ProbedPresence } from "./presence.ts";
import { RpcLog } from "./rpc-log.ts";

export type ConsoleLimits = {
  /** Time for a whole request, ms. */
  readonly requestMs: number;
  /** Time for the rest of a request that may already be complete, ms. */
  readonly doubtfulMs: number;
  /** Longest silence of a client that is being answered, ms. */
  readonly stallMs: number;
  /** Time for a client to close once it has its answer, ms. */
  readonly closeMs: number;
  /** Connections at once; more are closed without an answer. */
  readonly connectionsMax: number;
};

export const defaultConsoleLimits: ConsoleLimits = {
  requestMs: 5_000,
  doubtfulMs: 500,
  stallMs: 10_000,
  closeMs: 2_000,
  connectionsMax: 512,
};

export type ConsoleOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  /** The only allowed user names; absent = any. */
  readonly users?: readonly string[];
  /** Default "detect". */
  readonly dateTime?: DateTimeUse;
  /** Host of a log service, with the port of its portmapper when that is another than 111. */
  readonly logRpc?: { readonly host: string; readonly port?: number };
  readonly limits?: Partial<ConsoleLimits>;
  readonly presence?: Partial<PresenceLimits>;
  /** Each line that a server of this protocol prints. */
  readonly onLine?: (line: string) => void;
  /** Problems with the log service. */
  readonly onNews?: (text: string) => void;
  /** A bug ended a connection. Default: printed to standard error. */
  readonly onError?: (error: unknown) => void;
};

export type ConsoleParts = {
  readonly loop: Pick<Loop, "nowMs">;
  readonly members: Members;
  readonly timers: Timers;
  readonly dataDir: string;
  readonly owner: Ownership;
};

export type ConsoleServing = {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
};

export async function serveConsole(
  options: ConsoleOptions,
  parts: ConsoleParts,
): Promise<ConsoleServing> {
  const edge = new ConsoleEdge(options, parts);
  try {
    return await edge.listen();
  } catch (error) {
    await edge.close();
    throw error;
  }
}

class ConsoleEdge {
  readonly #options: ConsoleOptions;
  readonly #loop: ConsoleParts["loop"];
  readonly #owner: Ownership;
  readonly #limits: ConsoleLimits;
  readonly #presence: ProbedPresence;
  readonly #operations: Operations;
  readonly #log: OperationsLog;
  readonly #rpcLog: RpcLog | null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: ConsoleOptions, { loop, members, owner, timers, dataDir }: ConsoleParts) {
    const { users = null, presence = {}, logRpc, onNews = () => {} } = options;
    this.#options = options;
    this.#loop = loop;
    this.#owner = owner;
    this.#limits = { ...defaultConsoleLimits, ...options.limits };
    this.#presence = new ProbedPresence({ members, timers, limits: presence });
    this.#operations = new Operations({
      members,
      presence: this.#presence,
      users: users === null ? null : new Set(users),
    });
    this.#log = new OperationsLog(dataDir);
    this.#rpcLog = logRpc === undefined ? null : new RpcLog({ ...logRpc, onNews });
    // Half open: some clients close their side before they are answered.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#serve(socket).catch((error) => {
        socket.destroy();
        (options.onError ?? console.error)(error);
      });
    });
    this.#server.maxConnections = this.#limits.connectionsMax;
  }

  async listen(): Promise<ConsoleServing> {
    const { host = "127.0.0.1", port: wanted } = this.#options;
    await listening(this.#server, host, wanted);
    const { port } = this.#server.address() as { port: number };
    this.#options.onLine?.(`init server ${isIP(host) === 6 ? `[${host}]` : host}:${port}`);
    return { host, port, close: () => this.close() };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((closed) => this.#server.close(closed));
    await this.#presence.stop();
    await this.#rpcLog?.close();
    await this.#log.close();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    const host = plainHost(socket.remoteAddress);
    const reading = await this.#read(socket);
    // The client asks again, and reaches the coordinator that leads.
    if (!(await this.#leads())) return void socket.destroy();
    if (reading.kind === "request" && reading.request.operation !== "GET_FILE") {
      const { request, dateTime } = reading;
      const result = await this.#operations.perform(request, host);
      await this.#tell(request, { dateTime, host, outcome: result.outcome });
      await this.#answer(socket, request, result);
    } else if (reading.kind !== "more") {
      await this.#refuse(socket, reading, host);
    }
    await finish(socket, this.#limits.closeMs);
  }

  #leads(): Promise<boolean> {
    return mustLead(this.#owner).then(
      () => true,
      () => false,
    );
  }

  #read(socket: Socket): Promise<Reading> {
    const reader = new RequestReader(this.#options.dateTime);
    return readRequest(socket, new Uint8Array(0), this.#limits, reader);
  }

  /** Malformed requests, and requests to the wrong side, are answered with `other` and closed. */
  async #refuse(
    socket: Socket,
    reading: Exclude<Reading, { kind: "more" }>,
    host: string,
  ): Promise<void> {
    const operation = reading.kind === "malformed" ? reading.operation : null;
    const user = reading.kind === "malformed" ? reading.user : "";
    const known = operation === "GET_FILE" ? null : operation;
    if (known !== null) this.#options.onLine?.(lineOf(known, user));
    await this.#keep({ operation: known, user, file: "", dateTime: "", host, outcome: "other" });
    socket.write(known === null ? Uint8Array.of(unreadableByte) : encodeOutcome(known, "other"));
  }

  async #answer(socket: Socket, request: ConsoleRequest, result: Result): Promise<void> {
    socket.setTimeout(this.#limits.stallMs, () => socket.destroy());
    if ("users" in result) return sendAll(socket, encodeUsers(result.users));
    if ("paths" in result) return sendAll(socket, encodePaths(result.paths));
    socket.write(encodeOutcome(request.operation, result.outcome));
  }

  async #tell(
    request: ConsoleRequest,
    said: { readonly dateTime: string | null; readonly host: string; readonly outcome: Outcome },
  ): Promise<void> {
    const { operation, user } = request;
    const file = "path" in request ? request.path : "";
    const dateTime = said.dateTime ?? "";
    this.#options.onLine?.(lineOf(operation, user));
    this.#rpcLog?.add({ user, operation, file, dateTime });
    await this.#keep({ operation, user, file, dateTime, host: said.host, outcome: said.outcome });
  }

  #keep(logged: Omit<LoggedOperation, "at">): Promise<void> {
    return this.#log.add({ at: new Date(this.#loop.nowMs()).toISOString(), ...logged });
  }
}

function lineOf(operation: string, user: string): string {
  return `OPERATION ${operation} FROM ${escaped(user)}`;
}

/** Names come from any client: they must not control the terminal. */
function escaped(text: string): string {
  return text.replace(/[\\\p{C}\p{Z}]/gu, (sign) => `\\u{${sign.codePointAt(0)!.toString(16)}}`);
}

/** `::ffff:10.0.0.2` is 10.0.0.2, as clients write it. */
function plainHost(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:(?=[0-9.]+$)/i, "");
}

async function sendAll(socket: Socket, pieces: Iterable<Uint8Array>): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    if (!socket.write(piece)) await drained(socket);
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}

async function listening(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen({ host, port }, resolve);
  try {
    await promise;
  } catch (cause) {
    const options = "--console-port and --console-host";
    throw listenError(cause, { host, port }, { options, free: "--console-port 0" });
  } finally {
    server.off("error", reject);
  }
}
