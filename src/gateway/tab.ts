/** One tab as the gateway knows it: its identity, when it was last active, and its tasks. */
import { ClusterError } from "../core/error.ts";
import { encodeBrowser } from "../wire/browser/codec.ts";
import {
  type BrowserBody,
  browserLimits,
  type More,
  type TaskType,
  type Uid,
} from "../wire/browser/messages.ts";
import { firstFitting } from "../wire/browser/size.ts";

export type TabTask = {
  readonly type: TaskType;
  /** As it was sent to the tab, for when it comes back. */
  readonly text: string;
  /** The tracker's own name for it (`more.ref`); "" from trackers that speak only the base browser
   *  protocol. */
  readonly ref: string;
  /** The tab's report while there was no tracker, or before the tracker acknowledged it. */
  ended: string | null;
};

/** Size of all tabs' reports that no tracker has acknowledged, characters. */
export type Waiting = { chars: number };

export type Tab = {
  readonly uid: Uid;
  readonly waiting: Waiting;
  /** Null while it is away. */
  connection: number | null;
  /** Since when it is away, ms. */
  awaySinceMs: number;
  speed: number;
  /** The fields of its `connect`, and since its welcome the credential that it was given; null = it
   *  speaks only the base browser protocol. */
  more: More | null;
  /** Random name of the page; "" = it cannot resume. */
  readonly session: string;
  /** The tracker's welcome as it was sent, for when it comes back. */
  welcome: string | null;
  readonly tasks: Map<number, TabTask>;
  /** A basic browser that still computes for an earlier connection of a tracker: that cannot be
   *  stopped, and until it has ended the tracker is not informed of this browser. */
  isStale: boolean;
  /** Tasks that it ended lately: further reports of these are ignored. */
  readonly endedTids: number[];
};

const endedMax = 16;
/** Bytes of the message that introduces a tab which are left for its tasks. Its other fields came
 *  in `helloMax` characters, and take at most five times as many bytes when written again. */
const holdingMaxBytes = browserLimits.messageMaxBytes - 5 * browserLimits.helloMax - 1024;
/** Tasks that a tab may bring along. */
const heldMax = 1_024;
/** Size of one tab's reports that no tracker has acknowledged, characters. */
const endedTextMax = 8 * 1024 * 1024;
/** The same for all tabs: twenty thousand at their bounds would exceed the memory. */
const waitingMax = 256 * 1024 * 1024;

/** Keeps the report of a task's end until a tracker has it. False = there is no room: a tab that
 *  waits for an `ack` keeps it itself, and sends it again when it is welcomed. */
export function keepEnded(tab: Tab, task: TabTask, text: string): boolean {
  setEnded(tab, task, null);
  let length = text.length;
  for (const { ended } of tab.tasks.values()) length += ended?.length ?? 0;
  if (length > endedTextMax || tab.waiting.chars + text.length > waitingMax) return false;
  setEnded(tab, task, text);
  return true;
}

export function tooMuchWaits({ uid }: Tab): ClusterError {
  const limits = `${endedTextMax} characters of one browser, ${waitingMax} of all`;
  return new ClusterError(
    "limit-exceeded",
    `browser ${uid} has too many results that wait for the tracker: at most ${limits}`,
  );
}

function setEnded({ waiting }: Tab, task: TabTask, text: string | null): void {
  waiting.chars += (text?.length ?? 0) - (task.ended?.length ?? 0);
  task.ended = text;
}

/** It is lost, and its kept reports with it. */
export function dropEnded(tab: Tab): void {
  for (const task of tab.tasks.values()) setEnded(tab, task, null);
}

/** The tracker accepted it: stores the identity to report to a tracker that comes later, or comes
 *  back. */
export function welcomed(tab: Tab, { credential, worker }: More, text: string): void {
  tab.welcome = text;
  if (typeof worker !== "string" || worker === "") return;
  const known = typeof credential === "string" && credential !== "";
  tab.more = { ...tab.more, token: "", worker, ...(known ? { credential } : {}) };
}

export function endTask(tab: Tab, tid: number): void {
  const task = tab.tasks.get(tid);
  if (task === undefined) return;
  setEnded(tab, task, null);
  tab.tasks.delete(tid);
  tab.endedTids.push(tid);
  if (tab.endedTids.length > endedMax) tab.endedTids.shift();
}

/** `more` of the `connect` that reports this tab to a tracker: the tab's own fields, and its
 *  tasks. */
export function introduction(tab: Tab): More | null {
  if (tab.more === null) return null;
  // The token is for the tracker that checks it; it is sent again on purpose: a new tracker must
  // check it, too.
  const held = [...tab.tasks].map(([tid, { ref, type }]) => [tid, type, ref] as const);
  const holding = firstFitting(held, holdingMaxBytes);
  return { ...tab.more, holding };
}

/** What a tab that leaves by itself sends before its disconnect. */
export function goodbyeOf({ uid }: Tab): BrowserBody {
  const more = { logs: [], progress: [], started: [], left: true };
  return { action: "note", uid, more };
}

/** With the address that it came from, whatever it says itself: by which other tabs its results may
 *  be checked depends on that. */
export function placed(
  more: More | null,
  { caller }: { readonly caller: { readonly remote: string } },
): More | null {
  return more === null ? null : { ...more, from: caller.remote };
}

/** The name of this run of a page, or tracker; "" = it has none. */
export function sessionOf(more: More | null): string {
  return typeof more?.session === "string" ? more.session : "";
}

type Held = readonly [tid: number, type: TaskType, ref: string];

/** Whether a page that comes again is still the worker that it was here. It may have become another
 *  one meanwhile by way of another gateway, which gave it tasks with numbers of its own. A page
 *  that names none has not received its welcome yet. */
export function isSameWorker(tab: Tab, more: More | null): boolean {
  const [known, shown] = [tab.more?.worker ?? "", more?.worker ?? ""];
  return shown === "" || shown === known;
}

/** As it is kept until the tracker has how it ended. */
export function taskOf(body: Extract<BrowserBody, { action: "task" }>): TabTask {
  const text = encodeBrowser({ ...body, uid: null });
  const ref = typeof body.more?.ref === "string" ? body.more.ref : "";
  return { type: body.type, text, ref, ended: null };
}

/** What a tab says that it holds. */
export function heldBy(more: More | null): Held[] {
  const holding = Array.isArray(more?.holding) ? more.holding.slice(0, heldMax) : [];
  return holding.flatMap((one): Held[] => {
    const [tid, type, ref] = Array.isArray(one) ? one : [one, "m", ""];
    const isHeld = Number.isInteger(tid) && (type === "m" || type === "r");
    return isHeld && typeof ref === "string" ? [[tid, type, ref]] : [];
  });
}

/** For a tab that has come back: tasks that never reached it, and tasks that are no longer
 *  wanted. */
export function compareHeld({ more, tasks }: Tab): { missed: string[]; unknown: number[] } {
  const holding = new Set(heldBy(more).map(([tid]) => tid));
  const missed = [...tasks].filter(
    ([tid, { ended, text }]) => ended === null && text !== "" && !holding.has(tid),
  );
  const unknown = [...holding].filter((tid) => !tasks.has(tid));
  return { missed: missed.map(([, { text }]) => text), unknown };
}

export function isBusy({ tasks }: Tab): boolean {
  return [...tasks.values()].some(({ ended }) => ended === null);
}

/** The message that passes a tracker's refusal on to it. */
export function refusalOf({ more, speed }: Tab): BrowserBody {
  return more === null
    ? { action: "connect", uid: null, speed, more: null }
    : { action: "welcome", uid: null, more: {} };
}

/** A tab that connects here for the first time, possibly with tasks from a gateway that is gone:
 *  the tracker decides which of them are still valid. */
export function newTab(
  of: Pick<Tab, "uid" | "waiting" | "connection" | "speed" | "more" | "session">,
): Tab {
  const held = of.session === "" ? [] : heldBy(of.more).filter(([, , ref]) => ref !== "");
  const tasks = new Map(
    held.map(([tid, type, ref]) => [tid, { type, text: "", ref, ended: null } as TabTask]),
  );
  return { ...of, awaySinceMs: 0, welcome: null, tasks, isStale: false, endedTids: [] };
}
