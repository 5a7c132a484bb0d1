/** A tab as users have it. Playwright keeps its pages visible; this one can be hidden, and frozen
 *  like hidden pages, and the processes of its frames can be killed. */
import type { TestContext } from "node:test";
import type { Browser, CDPSession } from "playwright-core";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

type Answer = {
  readonly id: number;
  readonly error?: { readonly message: string };
  readonly result?: { readonly result?: { readonly value?: unknown } };
};

const lookEveryMs = 100;

export class PlainTab {
  readonly #devtools: CDPSession;
  readonly #targetId: string;
  readonly #sessionId: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  private constructor(devtools: CDPSession, targetId: string, sessionId: string) {
    this.#devtools = devtools;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
    devtools.on("Target.receivedMessageFromTarget", ({ message, sessionId: from }) => {
      const answer = JSON.parse(message) as Answer;
      if (from === sessionId) this.#waiting.get(answer.id)?.(answer);
    });
  }

  /** In a window of its own; `before` runs before any script of its pages. */
  static async open(t: TestContext, browser: Browser, url: string, before = ""): Promise<PlainTab> {
    const devtools = await browser.newBrowserCDPSession();
    const blank = { url: "about:blank", newWindow: true };
    const { targetId } = await devtools.send("Target.createTarget", blank);
    t.after(() => devtools.send("Target.closeTarget", { targetId }).catch(() => {}));
    const to = { targetId, flatten: false };
    const { sessionId } = await devtools.send("Target.attachToTarget", to);
    const tab = new PlainTab(devtools, targetId, sessionId);
    await tab.#send("Page.enable", {});
    await tab.#send("Page.addScriptToEvaluateOnNewDocument", { source: before });
    await tab.#send("Page.navigate", { url });
    return tab;
  }

  async hide(): Promise<void> {
    await this.#window("minimized");
    await this.until("document.visibilityState === 'hidden'");
  }

  async show(): Promise<void> {
    await this.#window("normal");
    await this.until("document.visibilityState === 'visible'");
  }

  async #window(windowState: "minimized" | "normal"): Promise<void> {
    const of = { targetId: this.#targetId };
    const { windowId } = await this.#devtools.send("Browser.getWindowForTarget", of);
    await this.#devtools.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
  }

  /** Freezes the page like browsers do with pages that were hidden for long. */
  async freeze(isFrozen: boolean): Promise<void> {
    await this.#send("Page.setWebLifecycleState", { state: isFrozen ? "frozen" : "active" });
  }

  /** Ends the process of the frame whose address begins with this. */
  async crashFrame(address: string): Promise<void> {
    const { targetInfos } = await this.#devtools.send("Target.getTargets");
    const frame = targetInfos.find(({ type, url }) => type === "iframe" && url.startsWith(address));
    if (frame === undefined) throw new Error(`no frame of a process of its own is at ${address}`);
    const to = { targetId: frame.targetId, flatten: false };
    const { sessionId } = await this.#devtools.send("Target.attachToTarget", to);
    const message = JSON.stringify({ id: 1, method: "Page.crash" });
    await this.#devtools.send("Target.sendMessageToTarget", { sessionId, message });
  }

  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.#send("Runtime.evaluate", { expression, returnByValue: true });
    return answer.result?.result?.value;
  }

  /** Waits until the expression holds. */
  async until(expression: string): Promise<void> {
    const endsAtMs = performance.now() + waitMaxMs;
    while ((await this.evaluate(expression)) !== true) {
      if (performance.now() > endsAtMs) throw new Error(`it never held: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  #send(method: string, params: object): Promise<Answer> {
    const id = ++this.#lastId;
    const answered = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, (answer) => {
        this.#waiting.delete(id);
        if (answer.error === undefined) resolve(answer);
        else reject(new Error(`${method}: ${answer.error.message}`));
      });
    });
    const message = JSON.stringify({ id, method, params });
    const sessionId = this.#sessionId;
    return this.#devtools
      .send("Target.sendMessageToTarget", { sessionId, message })
      .then(() => answered);
  }
}
