/** The console itself: reads lines one after another, from a terminal or a pipe, and ends with an
 *  exit code. */
import { createInterface, type Interface } from "node:readline";
import { ClusterError } from "../../core/error.ts";
import { phrase } from "../../wire/console/phrases.ts";
import { exitCodes } from "../faults.ts";
import { bytesText } from "../numbers.ts";
import { openScreen } from "../screen.ts";
import { safeText } from "../text.ts";
import { helpLines, readLine, type Seen } from "./commands.ts";
import { complete } from "./completion.ts";
import { ConsoleFailure } from "./failure.ts";
import type { PublishedFiles } from "./published.ts";
import type { UserClient } from "./user-client.ts";

export type ShellOptions = {
  readonly client: UserClient;
  readonly published: PublishedFiles;
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** "" = none. */
  readonly prompt: string;
  /** QUIT disconnects, instead of being refused while connected. */
  readonly autoDisconnect: boolean;
};

const historyMax = 1_000;
/** Lines of a pipe that may wait for the command before them. */
const waitingMax = 1_000;

export class Shell {
  readonly #options: ShellOptions;
  readonly #isTerminal: boolean;
  readonly #seen: Seen = { users: new Set(), content: new Map() };
  readonly #ended = Promise.withResolvers<number>();
  #lines: Interface | null = null;
  #history: string[] = [];
  #waiting: string[] = [];
  #running: AbortController | null = null;
  #inputEnded = false;
  /** Ctrl-C or Ctrl-D was refused just now: the next one is meant. */
  #isWarned = false;
  #hasLeft = false;
  /** Of a pipe: the first failure. */
  #exitCode: number = exitCodes.ok;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#isTerminal = options.input.isTTY === true && options.output.isTTY === true;
  }

  /** Resolves with the exit code once the user has left, and is disconnected. */
  async run(): Promise<number> {
    const onSignal = () => void this.#leave(exitCodes.interrupted);
    process.on("SIGTERM", onSignal).on("SIGHUP", onSignal).on("SIGINT", onSignal);
    this.#open();
    this.#prompt();
    try {
      return await this.#ended.promise;
    } finally {
      process.off("SIGTERM", onSignal).off("SIGHUP", onSignal).off("SIGINT", onSignal);
      this.#lines?.removeAllListeners("close").close();
      this.#options.input.pause();
    }
  }

  #open(): void {
    const { input, output, prompt, published } = this.#options;
    const sources = { seen: this.#seen, published: () => published.paths };
    const lines = createInterface({
      input,
      output,
      prompt,
      terminal: this.#isTerminal,
      history: this.#history,
      historySize: historyMax,
      removeHistoryDuplicates: true,
      completer: (line: string) => complete(line, sources),
    });
    lines.on("history", (history: string[]) => {
      this.#history = history;
    });
    lines.on("line", (line) => this.#take(line));
    lines.on("SIGINT", () => this.#interrupt());
    lines.on("close", () => this.#closed());
    this.#lines = lines;
  }

  #take(line: string): void {
    this.#waiting.push(line);
    if (this.#waiting.length >= waitingMax) this.#lines?.pause();
    if (this.#running === null) void this.#work();
  }

  async #work(): Promise<void> {
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      this.#running = new AbortController();
      this.#isWarned = false;
      try {
        await this.#perform(line, this.#running.signal);
      } catch (error) {
        this.#ended.reject(error);
        return;
      }
      this.#running = null;
      if (this.#hasLeft) return;
      if (this.#inputEnded && this.#waiting.length === 0) return this.#inputIsOver();
      if (!this.#inputEnded) this.#lines?.resume();
      this.#prompt();
    }
  }

  #prompt(): void {
    // Of a pipe that has ended, lines may still wait.
    if (this.#isTerminal) this.#lines?.prompt();
    else this.#options.output.write(this.#options.prompt);
  }

  async #perform(line: string, signal: AbortSignal): Promise<void> {
    const typed = readLine(line);
    if (typed.kind === "nothing") return;
    if (typed.kind === "help") return void this.#print(helpLines().join("\n"));
    if (typed.kind === "quit") return this.#quit();
    if (typed.kind === "mistake") return this.#failed(typed.text, "", exitCodes.badInput);
    const { command, words } = typed;
    const screen = openScreen();
    try {
      const { client } = this.#options;
      let hasPrinted = false;
      await command.run(words, {
        client,
        signal,
        seen: this.#seen,
        print: (text) => {
          hasPrinted = true;
          this.#print(text);
        },
        onProgress: ({ doneBytes, sizeBytes }) => {
          if (sizeBytes === null) return screen.draw([bytesText(doneBytes)]);
          const share = sizeBytes === 0 ? 100 : Math.floor((doneBytes / sizeBytes) * 100);
          screen.draw([`${share} % of ${bytesText(sizeBytes)}`]);
        },
      });
      screen.draw([]);
      if (!hasPrinted) this.#print(phrase(command.name, "ok"));
    } catch (error) {
      screen.draw([]);
      const failure = ConsoleFailure.of(command.name, error);
      const isUnreachable =
        failure.cause instanceof ClusterError && failure.cause.code === "unavailable";
      const code = isUnreachable ? exitCodes.unreachable : exitCodes.failed;
      this.#failed(failure.message, failure.detail, code);
    } finally {
      screen.end();
    }
  }

  /** As the seed says: it does not work while connected. */
  async #quit(): Promise<void> {
    const { autoDisconnect, client } = this.#options;
    if (client.user === null || autoDisconnect) return this.#leave(this.#code());
    this.#failed("QUIT FAIL", this.#whyNotQuit(), exitCodes.failed);
  }

  #whyNotQuit(): string {
    const { user } = this.#options.client;
    return `${user} is connected; DISCONNECT ${user} comes first (or start with --auto-disconnect)`;
  }

  /** Ctrl-C: ends what runs, else the line, else (twice) the console. */
  #interrupt(): void {
    if (this.#running !== null) return this.#interruptRunning(this.#running);
    const lines = this.#lines;
    if (lines !== null && lines.line !== "") {
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
      return;
    }
    if (this.#isWarned || this.#options.client.user === null) {
      this.#options.output.write("\n");
      return void this.#leave(exitCodes.interrupted);
    }
    this.#warn(`${this.#whyNotQuit()}; Ctrl-C again disconnects and leaves`);
    this.#prompt();
  }

  /** A server that does not answer can only be left. */
  #interruptRunning(running: AbortController): void {
    if (!running.signal.aborted) {
      process.stderr.write("\nCtrl-C again leaves at once\n");
      return running.abort();
    }
    this.#hasLeft = true;
    this.#ended.resolve(exitCodes.interrupted);
  }

  /** Ctrl-D, or the end of a pipe. */
  #closed(): void {
    this.#inputEnded = true;
    if (this.#running === null && this.#waiting.length === 0) void this.#inputIsOver();
  }

  async #inputIsOver(): Promise<void> {
    const { autoDisconnect, client, input } = this.#options;
    const isRefused = this.#isTerminal && client.user !== null && !autoDisconnect;
    if (isRefused && !this.#isWarned && !input.readableEnded) {
      this.#warn(`${this.#whyNotQuit()}; Ctrl-D again disconnects and leaves`);
      this.#inputEnded = false;
      this.#open();
      this.#prompt();
      return;
    }
    if (this.#options.prompt !== "") this.#options.output.write("\n");
    await this.#leave(this.#code());
  }

  #warn(text: string): void {
    this.#isWarned = true;
    process.stderr.write(`\n${safeText(text)}\n`);
  }

  async #leave(code: number): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#running?.abort();
    const { client } = this.#options;
    const { user } = client;
    try {
      if (user !== null) {
        await client.disconnect(user);
        this.#print(phrase("DISCONNECT", "ok"));
      }
    } catch (error) {
      // It is left all the same; the server will notice.
      if (error instanceof ConsoleFailure) process.stderr.write(`${safeText(error.message)}\n`);
      else this.#ended.reject(error);
    }
    this.#ended.resolve(code);
  }

  /** A user at a terminal has seen what failed. */
  #code(): number {
    return this.#isTerminal ? exitCodes.ok : this.#exitCode;
  }

  #failed(sentence: string, detail: string, code: number): void {
    this.#print(sentence);
    if (detail !== "") process.stderr.write(`  ${safeText(detail)}\n`);
    if (this.#exitCode === exitCodes.ok) this.#exitCode = code;
  }

  #print(text: string): void {
    this.#options.output.write(`${text}\n`);
  }
}
