/** The page's part of a tab that computes: frames for its slots, what it stores, and whether it is
 *  visible, on battery, or leaving. The rest is in the controller, in a Worker. */
import { version } from "../../../package.json";
import { leftUrl } from "../../wire/browser/left.ts";
import { hexOf } from "../../wire/hex.ts";
import type { FromTab, TabShown, ToTab } from "../../worker/browser/tab/page-messages.ts";
import type { Identity } from "../../worker/browser/tab/session.ts";
import { canHoldLock, holdLock } from "./lock.ts";
import { recall, remember } from "./memory.ts";
import { programsHere } from "./programs.ts";
import { Sandboxes } from "./sandboxes.ts";

export type HostOptions = {
  readonly token: string;
  readonly slots: number;
  /** Share of the time in which it may compute; above 0 to 1. */
  readonly share: number;
  /** Whether it goes on while it is hidden, where the browser lets it. */
  readonly whileHidden: boolean;
  /** Of its owner, for the list of workers; "" = none. */
  readonly name: string;
  /** Of what it may read and send; 0 = any. */
  readonly budgetBytes: number;
  /** Of inputs that its browser keeps for later jobs; 0 = none. */
  readonly cacheBytes: number;
  readonly place: HTMLElement;
  readonly shown: (shown: TabShown) => void;
  readonly printed: (line: string) => void;
};

/** A page without a lock that has been hidden for this long accepts no more tasks: browsers freeze
 *  hidden pages after five minutes, and running tasks should finish in the remaining one. Phones
 *  freeze them at once. */
const hiddenMaxMs = 4 * 60_000;

type Battery = EventTarget & { readonly charging: boolean; readonly level: number };
/** Where browsers have it: Network Information API. */
type Connection = EventTarget & { readonly saveData?: boolean; readonly type?: string };
type Brands = { readonly mobile?: boolean };
/** Why the tab accepts no tasks, as the coordinator and its users see it. */
export const pauseReasons = {
  user: "paused by its user",
  hidden: "hidden",
  battery: "its battery is low",
  metered: "its connection is metered",
  data: "its data budget is used up",
  frozen: "frozen by the browser",
} as const;

/** Battery level below which it pauses, unless it is charging. */
const batteryLow = 0.3;

export class TabHost {
  readonly #options: HostOptions;
  readonly #worker: Worker;
  readonly #sandboxes: Sandboxes;
  readonly #leaving = new AbortController();
  readonly #started: Promise<void>;
  readonly #reasons = new Map<keyof typeof pauseReasons, string>();
  #hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  /** In earlier lives of this page. */
  readonly #usedBefore = Number(recall("used")) || 0;
  #usedBytes = 0;
  #budgetBytes: number;
  /** "" = not joined yet. */
  #session = "";
  /** Aborted: the lock is released. Null = none is held. */
  #lock: AbortController | null = null;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#budgetBytes = options.budgetBytes;
    this.#sandboxes = new Sandboxes(options.place);
    this.#worker = new Worker(new URL("../../worker/browser/tab/main.ts", import.meta.url), {
      type: "module",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromTab>) => this.#told(data);
    this.#started = this.#start();
    this.#watch();
    this.setWhileHidden(options.whileHidden);
  }

  setWhileHidden(isWanted: boolean): void {
    this.#lock?.abort();
    this.#lock = isWanted && canGoOnHidden ? new AbortController() : null;
    if (this.#lock !== null) holdLock(this.#lock.signal);
    this.#seen();
  }

  pause(isPaused: boolean): void {
    this.#because("user", isPaused ? pauseReasons.user : "");
  }

  setShare(share: number): void {
    this.#tell({ kind: "share", share });
  }

  /** From now on; slots above the new number finish what they have begun. */
  setSlots(slots: number): void {
    this.#tell({ kind: "slots", slots });
  }

  /** Less than is kept: what was used longest ago goes. */
  setCache(cacheBytes: number): void {
    this.#tell({ kind: "cache", cacheBytes });
  }

  /** What has been used counts. */
  setBudget(bytes: number): void {
    this.#budgetBytes = bytes;
    this.#spend();
  }

  #use({ fetchedBytes, sentBytes }: TabShown): void {
    this.#usedBytes = fetchedBytes + sentBytes;
    if (this.#usedBytes > 0) remember("used", String(this.#usedBefore + this.#usedBytes));
    this.#spend();
  }

  /** Tasks that run are finished, so that it may be exceeded by what they send. */
  #spend(): void {
    const isUsed = this.#usedBefore + this.#usedBytes >= this.#budgetBytes;
    const isOver = this.#budgetBytes > 0 && isUsed;
    if (isOver !== this.#reasons.has("data"))
      this.#because("data", isOver ? pauseReasons.data : "");
  }

  /** Its tasks are returned; frames and Workers end. */
  leave(): void {
    this.#tell({ kind: "leave" });
    this.#leaving.abort();
    this.#lock?.abort();
    this.#sandboxes.closeAll();
    clearTimeout(this.#hiddenTimer);
    // Time to send the disconnect.
    setTimeout(() => this.#worker.terminate(), 500);
  }

  async #start(): Promise<void> {
    const programs = await programsHere();
    if (this.#leaving.signal.aborted) return;
    const session = randomName();
    this.#session = session;
    const { cacheBytes, name, share, slots, token } = this.#options;
    const browser = nameOf(navigator.userAgent);
    this.#worker.postMessage({
      kind: "start",
      origin: location.origin,
      version,
      session,
      after: recall("session"),
      token,
      identity: recalledIdentity(),
      name: name === "" ? browser : `${name} (${browser})`,
      slots,
      share,
      cacheBytes,
      ...programs,
    } satisfies ToTab);
    remember("session", session);
  }

  /** After the start, in the order of the calls. */
  #tell(message: ToTab, ports: MessagePort[] = []): void {
    void this.#started.then(() => this.#worker.postMessage(message, ports));
  }

  #told(message: FromTab): void {
    switch (message.kind) {
      case "shown":
        this.#use(message.shown);
        this.#options.shown(message.shown);
        break;
      case "print":
        console.info(message.line);
        this.#options.printed(message.line);
        break;
      case "remember": {
        const { identity } = message;
        remember("identity", identity === null ? "" : JSON.stringify(identity));
        break;
      }
      case "sandbox-wanted": {
        const { slot } = message;
        const ready = (port: MessagePort) => this.#tell({ kind: "sandbox", slot }, [port]);
        const lost = () => this.#tell({ kind: "sandbox-lost", slot });
        this.#sandboxes.open(slot, ready, lost);
        break;
      }
      case "sandbox-unwanted":
        this.#sandboxes.close(message.slot);
        break;
      case "computing":
        performance.mark("computing");
        break;
    }
  }

  #because(what: keyof typeof pauseReasons, reason: string): void {
    if (reason === "") this.#reasons.delete(what);
    else this.#reasons.set(what, reason);
    const [first = ""] = this.#reasons.values();
    this.#tell({ kind: "pause", reason: first });
  }

  #watch(): void {
    const { signal } = this.#leaving;
    const on = (target: EventTarget, name: string, listener: () => void) =>
      target.addEventListener(name, listener, { signal });
    on(document, "visibilitychange", () => this.#seen());
    on(document, "freeze", () => this.#because("frozen", pauseReasons.frozen));
    on(document, "resume", () => this.#because("frozen", ""));
    on(window, "online", () => this.#tell({ kind: "hurry" }));
    on(window, "pagehide", () => this.#closing());
    // Restored from the back-forward cache: it has disconnected before, so it starts again.
    addEventListener(
      "pageshow",
      ({ persisted }) => {
        if (persisted) location.reload();
      },
      { signal },
    );
    void this.#watchBattery(signal);
    this.#watchConnection(signal);
  }

  /** The Worker may have no time left: then the browser delivers what the page says itself. */
  #closing(): void {
    this.#tell({ kind: "leave" });
    if (this.#session !== "") navigator.sendBeacon(leftUrl(this.#session));
  }

  #seen(): void {
    clearTimeout(this.#hiddenTimer);
    if (document.visibilityState === "visible" || this.#lock !== null) {
      this.#because("hidden", "");
      return;
    }
    if (isPhone()) {
      this.#because("hidden", pauseReasons.hidden);
      return;
    }
    const text = `${pauseReasons.hidden} for ${hiddenMaxMs / 60_000} minutes`;
    this.#hiddenTimer = setTimeout(() => this.#because("hidden", text), hiddenMaxMs);
  }

  /** Inputs and results of tasks would cost its owner money. */
  #watchConnection(signal: AbortSignal): void {
    const { connection } = navigator as { connection?: Connection };
    if (connection === undefined) return;
    const look = () => {
      const isMetered = connection.saveData === true || connection.type === "cellular";
      this.#because("metered", isMetered ? pauseReasons.metered : "");
    };
    connection.addEventListener("change", look, { signal });
    look();
  }

  /** Where the browser reports it: on https only, and not in every browser. */
  async #watchBattery(signal: AbortSignal): Promise<void> {
    const { getBattery } = navigator as { getBattery?: () => Promise<Battery> };
    if (getBattery === undefined) return;
    const battery = await getBattery.call(navigator).catch(() => null);
    if (battery === null) return;
    const look = () => {
      const isLow = !battery.charging && battery.level < batteryLow;
      this.#because("battery", isLow ? pauseReasons.battery : "");
    };
    for (const name of ["chargingchange", "levelchange"]) {
      battery.addEventListener(name, look, { signal });
    }
    look();
  }
}

function isPhone(): boolean {
  const { userAgent, userAgentData } = navigator as { userAgent: string; userAgentData?: Brands };
  return userAgentData?.mobile ?? /Android|iPhone|iPad|Mobile/.test(userAgent);
}

/** Whether a hidden page of this browser can be kept from being frozen. */
export const canGoOnHidden = canHoldLock && !isPhone();

/** 32 hex digits; not from `crypto.randomUUID`, which does not exist on plain http. */
function randomName(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

function recalledIdentity(): Identity | null {
  try {
    return JSON.parse(recall("identity") || "null") as Identity | null;
  } catch {
    return null;
  }
}

/** "Chrome on Linux", for the list of workers. */
export function nameOf(userAgent: string): string {
  const browsers = [
    ["Firefox", /Firefox\//],
    ["Edge", /Edg\//],
    ["Chrome", /Chrome\//],
    ["Safari", /Safari\//],
  ] as const;
  const systems = ["Android", "iPhone", "iPad", "CrOS", "Windows", "Mac", "Linux"];
  const browser = browsers.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? "browser";
  const system = systems.find((name) => userAgent.includes(name));
  return system === undefined ? browser : `${browser} on ${system}`;
}
