/** A gateway that a test scripts: the tracker's messages are kept as they were sent. */
import { MemoryText } from "../../../../link/memory-text.ts";
import { decodeBrowser, encodeBrowser } from "../../../../wire/browser/codec.ts";
import type { BrowserBody, BrowserMessage } from "../../../../wire/browser/messages.ts";
import type { TaskMore, WelcomeMore } from "../../../../wire/browser/more.ts";
import type { Coordinator } from "../../../coordinator.ts";

type Task = Extract<BrowserBody, { action: "task" }>;

export class ScriptedGateway {
  readonly #link: MemoryText;
  readonly #heard: BrowserMessage[] = [];
  readonly #waiting: Array<() => void> = [];

  constructor(coordinator: Coordinator) {
    const [ours, theirs] = MemoryText.pair("scripted");
    this.#link = ours;
    ours.receive({
      said: (text) => {
        this.#heard.push(decodeBrowser(text, "tracker", "gateway"));
        for (const wake of this.#waiting.splice(0)) wake();
      },
      misspoke: () => {},
      closed: () => {},
    });
    coordinator.acceptGateway(theirs);
  }

  say(body: BrowserBody): void {
    this.#link.send(encodeBrowser(body));
  }

  /** The next message of this action; others are kept for later calls. */
  async next<A extends BrowserBody["action"]>(action: A): Promise<BrowserMessage> {
    for (;;) {
      const at = this.#heard.findIndex(({ body }) => body.action === action);
      if (at !== -1) return this.#heard.splice(at, 1)[0] as BrowserMessage;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** An authenticated tab joins; returns its welcome. */
  async join(uid: string, over: Record<string, unknown> = {}): Promise<WelcomeMore> {
    const more = {
      version: "test",
      session: uid.padStart(32, "0"),
      token: "",
      worker: "",
      credential: "",
      name: `tab ${uid}`,
      slots: 2,
      kinds: [100],
      holding: [],
      ...over,
    };
    this.say({ action: "connect", uid, speed: 1_000, more });
    const { body, message, ok } = await this.next("welcome");
    if (!ok) throw new Error(message);
    return (body as { more: unknown }).more as WelcomeMore;
  }

  async task(): Promise<Task & { readonly more: TaskMore }> {
    return (await this.next("task")).body as Task & { readonly more: TaskMore };
  }

  hangUp(): void {
    this.#link.close(1000, "gone");
  }
}
