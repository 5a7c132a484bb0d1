/** What this tab contributes, and whether it does: saved choices, and the host that applies
 *  them. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { TabShown } from "../../worker/browser/tab/page-messages.ts";
import { joinToken } from "../shell/session.ts";
import { TabHost } from "./host.ts";
import { recall, remember } from "./memory.ts";

/** Characters of a name. */
export const nameMax = 40;

export const coreCount = Math.max(1, navigator.hardwareConcurrency || 1);

/** Of inputs that are kept, MB. */
const cacheDefault = 256;

export type Stage = "asking" | "in" | "stopped";

export type Lending = {
  /** "" = the page was not opened by a link. */
  readonly token: string;
  readonly stage: Stage;
  readonly choices: Choices;
  readonly isPaused: boolean;
  /** The current state; null = nothing is known yet. */
  readonly shown: TabShown | null;
  /** The newest message of the gateway. */
  readonly line: string;
  /** The element that holds the sandboxes. */
  readonly place: RefObject<HTMLDivElement | null>;
  readonly does: { join(): void; stop(): void; pause(): void };
};

type Numbered = "slots" | "share" | "budget" | "cache";

export type Choices = {
  readonly slots: number;
  /** Of each core's time, 0.1 to 1. */
  readonly share: number;
  /** Of what it may read and send, MB; 0 = any. */
  readonly budget: number;
  /** Of inputs that its browser keeps for later jobs, MB; 0 = none. */
  readonly cache: number;
  choose(of: Numbered, value: number): void;
  readonly whileHidden: boolean;
  chooseWhileHidden(isWanted: boolean): void;
  /** Of the tab's owner, for the others; "" = none. Applies from the next join. */
  readonly name: string;
  chooseName(name: string): void;
};

/** Choices saved for another link do not apply to this one. */
function takeToken(): string {
  const token = joinToken();
  if (recall("token") !== token) {
    remember("identity", "");
    remember("consent", "");
  }
  remember("token", token);
  return token;
}

/** Read and sent by this tab, over reloads, bytes. */
export function usedBytes(): number {
  return Number(recall("used")) || 0;
}

export function useLending(): Lending {
  const [token] = useState(takeToken);
  const [isPaused, setPaused] = useState(false);
  const [shown, setShown] = useState<TabShown | null>(null);
  const [line, setLine] = useState("");
  const [stage, setStage] = useState<Stage>(recall("consent") === "yes" ? "in" : "asking");
  const host = useRef<TabHost | null>(null);
  const place = useRef<HTMLDivElement | null>(null);
  const choices = useChoices(host);
  useEffect(() => {
    if (stage !== "in" || token === "" || place.current === null) return;
    const { budget, cache, name, share, slots, whileHidden } = choices;
    const chosen = { slots, share, whileHidden, name: name.trim() };
    const bytes = { budgetBytes: budget * 1e6, cacheBytes: cache * 1e6 };
    const options = { token, ...chosen, ...bytes, place: place.current };
    host.current = new TabHost({ ...options, shown: setShown, printed: setLine });
    return () => {
      host.current?.leave();
      host.current = null;
    };
  }, [stage, token]);
  const join = () => {
    remember("consent", "yes");
    setPaused(false);
    setShown(null);
    setStage("in");
  };
  // What was shown last stays: it says how much this tab has given.
  const stop = () => {
    remember("consent", "");
    setStage("stopped");
  };
  const pause = () => {
    host.current?.pause(!isPaused);
    setPaused(!isPaused);
  };
  return { token, stage, choices, isPaused, shown, line, place, does: { join, stop, pause } };
}

/** Saved, and passed on to the host while there is one. */
function useChoices(host: RefObject<TabHost | null>): Choices {
  const [slots, setSlots] = useState(Number(recall("slots")) || Math.max(1, coreCount - 1));
  const [share, setShare] = useState(Number(recall("share")) || 1);
  const [budget, setBudget] = useState(Number(recall("budget")) || 0);
  const [cache, setCache] = useState(Number(recall("cache") || cacheDefault));
  const [whileHidden, setWhileHidden] = useState(recall("whileHidden") !== "no");
  const [name, setName] = useState(recall("name"));
  const choose = (of: Numbered, value: number) => {
    remember(of, String(value));
    if (of === "slots") {
      setSlots(value);
      host.current?.setSlots(value);
    } else if (of === "share") {
      setShare(value);
      host.current?.setShare(value);
    } else if (of === "budget") {
      setBudget(value);
      host.current?.setBudget(value * 1e6);
    } else {
      setCache(value);
      host.current?.setCache(value * 1e6);
    }
  };
  const chooseWhileHidden = (isWanted: boolean) => {
    remember("whileHidden", isWanted ? "" : "no");
    setWhileHidden(isWanted);
    host.current?.setWhileHidden(isWanted);
  };
  const chooseName = (text: string) => {
    remember("name", text.slice(0, nameMax));
    setName(text.slice(0, nameMax));
  };
  const numbers = { slots, share, budget, cache, choose };
  return { ...numbers, whileHidden, chooseWhileHidden, name, chooseName };
}
