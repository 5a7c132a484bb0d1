/** A user of the console: each operation of the console protocol, and the listener that lives while
 *  the user is connected.
 *
 *  1. There is a listener exactly while a user is connected from here: whatever fails closes it.
 *  2. Every failure is a `ConsoleFailure`, and leaves the client usable. */

import { stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { Answer } from "../../wire/console/answers.ts";
import { encodeRequest } from "../../wire/console/codec.ts";
import type { ConnectedUser, ConsoleRequest, Operation } from "../../wire/console/messages.ts";
import type { Clock } from "./clock.ts";
import { download, type Progress } from "./download.ts";
import { exchange } from "./exchange.ts";
import { ConsoleFailure } from "./failure.ts";
import { type FileListener, listenForUsers } from "./listener.ts";
import type { PublishedFiles } from "./published.ts";

export type UserClientOptions = {
  readonly server: { readonly host: string; readonly port: number };
  /** Null = messages carry no date-time. */
  readonly clock: Clock | null;
  readonly published: PublishedFiles;
  /** Default: the address by which the server sees us, so that no other network can connect. */
  readonly listenHost?: string;
  /** Default 0, any free one. */
  readonly listenPort?: number;
  /** For each connection and each answer, ms. Default 10,000. */
  readonly timeoutMs?: number;
};

type Connection = { readonly user: string; readonly listener: FileListener };

export class UserClient {
  readonly #options: UserClientOptions;
  #connection: Connection | null = null;

  constructor(options: UserClientOptions) {
    this.#options = options;
  }

  /** Who is connected from here. */
  get user(): string | null {
    return this.#connection?.user ?? null;
  }

  async register(user: string): Promise<void> {
    await this.#ask({ operation: "REGISTER", user });
  }

  async unregister(user: string): Promise<void> {
    await this.#ask({ operation: "UNREGISTER", user });
    this.#options.published.clear(user);
    if (user === this.user) await this.#close();
  }

  /** Another user who was connected from here before is disconnected first. */
  async connect(user: string): Promise<void> {
    if (this.user !== null && this.user !== user) await this.disconnect(this.user);
    const known = this.#connection;
    let opened: FileListener | null = null;
    const open = async (localHost: string) => {
      const { listenHost = localHost, listenPort = 0, published } = this.#options;
      opened = await listenForUsers({ host: listenHost, port: listenPort }, published.lookup);
      return opened.port;
    };
    try {
      this.#options.published.use(user);
      await this.#ask(async (localHost) => {
        const port = known?.listener.port ?? (await open(localHost));
        return { operation: "CONNECT", user, port };
      }, "CONNECT");
    } catch (error) {
      await (opened as FileListener | null)?.close();
      throw error;
    }
    if (opened !== null) this.#connection = { user, listener: opened };
  }

  /** The listener is closed even when the server cannot be reached. */
  async disconnect(user: string): Promise<void> {
    try {
      await this.#ask({ operation: "DISCONNECT", user });
    } finally {
      if (user === this.user) await this.#close();
    }
  }

  /** A relative path is one of this directory. Resolves with the path that was published. */
  async publish(path: string, description: string): Promise<string> {
    const user = this.#connectedUser("PUBLISH");
    const whole = isAbsolute(path) ? path : resolve(path);
    const found = await stat(whole).catch(() => null);
    if (found?.isFile() !== true) {
      const detail = `${whole} is ${found === null ? "not there" : "no regular file"}`;
      throw new ConsoleFailure("PUBLISH", "other", detail);
    }
    const { published } = this.#options;
    try {
      await this.#ask({ operation: "PUBLISH", user, path: whole, description });
    } catch (error) {
      // Published before, from elsewhere: here it is only served from now on.
      const isThere = error instanceof ConsoleFailure && error.outcome === "published-already";
      if (isThere) published.add(whole);
      throw error;
    }
    published.add(whole);
    return whole;
  }

  async delete(path: string): Promise<void> {
    const user = this.#connectedUser("DELETE");
    const { published } = this.#options;
    const whole = isAbsolute(path) || published.paths.includes(path) ? path : resolve(path);
    try {
      await this.#ask({ operation: "DELETE", user, path: whole });
    } finally {
      // Whatever the server says, the user wants it to be served no more.
      published.remove(whole);
    }
  }

  async listUsers(): Promise<readonly ConnectedUser[]> {
    const user = this.#connectedUser("LIST_USERS");
    return (await this.#ask({ operation: "LIST_USERS", user })).users;
  }

  async listContent(remote: string): Promise<readonly string[]> {
    const user = this.#connectedUser("LIST_CONTENT");
    return (await this.#ask({ operation: "LIST_CONTENT", user, remote })).paths;
  }

  /** Resolves with the path of the file here. */
  async getFile(
    file: { readonly remote: string; readonly path: string; readonly to: string },
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<string> {
    const { remote, path, to } = file;
    try {
      this.#connectedUser("GET_FILE");
      const from = (await this.listUsers()).find(({ name }) => name === remote);
      if (from === undefined) {
        const detail = `${remote} is not connected; LIST_USERS shows who is`;
        throw new ConsoleFailure("GET_FILE", "other", detail);
      }
      return await download({ from, path, to, signal, onProgress });
    } catch (error) {
      const failure = ConsoleFailure.of("GET_FILE", error);
      if (failure.operation === "GET_FILE") throw failure;
      const detail = failure.detail === "" ? failure.message : failure.detail;
      throw new ConsoleFailure("GET_FILE", "other", detail, { cause: failure });
    }
  }

  /** Without a word to the server. */
  close(): Promise<void> {
    return this.#close();
  }

  async #close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.listener.close();
  }

  #connectedUser(operation: Operation): string {
    if (this.user !== null) return this.user;
    throw new ConsoleFailure(operation, "not-connected", "CONNECT <userName> comes first");
  }

  async #ask(
    request: ConsoleRequest | ((localHost: string) => Promise<ConsoleRequest>),
    named?: ConsoleRequest["operation"],
  ): Promise<Answer> {
    const operation = typeof request === "function" ? named! : request.operation;
    const { clock, server, timeoutMs = 10_000 } = this.#options;
    let answer: Answer;
    try {
      const dateTime = clock === null ? null : await clock();
      answer = await exchange(operation, { ...server, timeoutMs }, async (localHost) => {
        const whole = typeof request === "function" ? await request(localHost) : request;
        return encodeRequest(whole, { dateTime });
      });
    } catch (error) {
      throw ConsoleFailure.of(operation, error);
    }
    if (answer.outcome === "ok") return answer;
    throw new ConsoleFailure(operation, answer.outcome);
  }
}
