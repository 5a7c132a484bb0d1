/** The trace of the fleet as sentences: faults and their consequences, for readers who do not know
 *  the code. */
import type { FaultKind } from "../faults.ts";
import type { TraceLine } from "../trace-log.ts";

export type Sentence = {
  readonly text: string;
  readonly tone: "bad" | "good" | "plain";
  /** `worker-17`, to be highlighted; null = no particular worker. */
  readonly worker: string | null;
  /** Lines of the same topic at the same time are merged into one with a count. */
  readonly topic: string;
};

type Tell = (who: string, forS: string) => string;

/** Every kind, so that the compiler reports a missing one. */
const sayings: Readonly<Record<FaultKind, Tell>> = {
  "worker-crash": (who) =>
    `${who} is killed. Its link closes, so its tasks are reassigned after a second.`,
  "worker-power": (who) =>
    `${who} loses its power. No link closes: the loss is noticed when its lease ends.`,
  "worker-pause": (who, forS) => `${who} is paused for ${forS}, like a closed laptop.`,
  "worker-stop": (who) => `${who} is asked to stop: it returns the tasks that it has not begun.`,
  "worker-slow-cpu": (who, forS) => `${who} becomes many times slower, for ${forS}.`,
  "worker-intruder": (who) => `a machine of another owner tries to join as ${who}.`,
  "worker-clone": (who) => `${who} is copied with its identity; the copy tries to join.`,
  "worker-loses-output": (who) => `${who} loses a map output: requests for it will fail.`,
  "worker-flips-output": (who) => `A bit of a map output on ${who} flips; its reader notices.`,
  "all-workers-crash": () => "Every worker is killed.",
  "link-cut": (who, forS) => `${who} is cut off from the coordinator for ${forS}.`,
  "link-cut-to-coordinator": (who, forS) => `Nothing from ${who} reaches the coordinator, ${forS}.`,
  "link-cut-from-coordinator": (who, forS) => `Nothing reaches ${who} any more, ${forS}.`,
  "worker-moves": (who) => `${who} moves to another network: its address is another one.`,
  "link-break": (who) => `The link of ${who} breaks. It dials again.`,
  "link-slow": (who) => `The link of ${who} becomes very slow.`,
  "peers-cut": (who) => `${who} cannot reach one of the other workers.`,
  "transfer-flips": (_who, forS) => `For ${forS}, transfers arrive with wrong bits. Hashes tell.`,
  "client-cut": () => "The users who submit jobs are cut off.",
  "coordinator-crash": () => "The coordinator is killed. Workers continue with their tasks.",
  "coordinator-power": () => "The coordinator's machine loses its power.",
  "coordinator-crash-in-write": () => "The coordinator dies in the middle of a write to its log.",
  "coordinator-crash-in-relay": () =>
    "The coordinator dies while a worker uploads an output to it.",
  "coordinator-pause": (_who, forS) => `The coordinator is paused for ${forS}.`,
  "coordinator-stop": () => "The coordinator is stopped, as for an upgrade.",
  "coordinator-second": () =>
    "The coordinator is paused, and a second one takes over its log meanwhile.",
  "wall-clock-jump": () => "The wall clock jumps. No decision depends on it.",
  "disk-full": () => "The coordinator's disk is full: it refuses new events, and loses nothing.",
  "disk-slow": (_who, forS) => `The coordinator's disk becomes slow, for ${forS}.`,
  "disk-fails": () => "A write to the log fails; the coordinator ends and starts again.",
  "disk-bit-flip": () => "A bit of the log flips; the next start notices.",
  "worker-disk-full": (who, forS) =>
    `The disk of ${who} is full for ${forS}: it accepts no new tasks.`,
  "relay-loses-output": () => "The coordinator loses an output that it kept for a worker.",
  "relay-flips-output": () => "A bit of an output that the coordinator kept flips.",
  "tab-closed": (who) => `${who} is closed. Its tasks go to other workers.`,
  "tab-reloaded": (who) => `${who} is reloaded and comes back as a new page.`,
  "tab-power": (who) => `The machine of ${who} loses its power.`,
  "tab-frozen": (who, forS) => `${who} is hidden and frozen for ${forS}.`,
  "tab-paused": (who, forS) => `${who} is paused by its user for ${forS}.`,
  "tab-cut": (who, forS) => `${who} has no network for ${forS}.`,
  "tab-link-break": (who) => `The link of ${who} breaks. It dials again.`,
  "gateway-crashed": (who) =>
    `${who} is killed. Its tabs reconnect through it, or through another.`,
  "gateway-power": (who) => `${who} loses its power. Its tabs notice its silence.`,
  "gateway-paused": (who, forS) => `${who} is paused for ${forS}.`,
  "gateway-cut": (who, forS) => `${who} is cut off from the coordinator for ${forS}.`,
  "gateway-link-break": (who) => `The link of ${who} to the coordinator breaks.`,
};

const fault = /^fault \d+: (\S+) (\S*) for (\d+) ms$/;

/** Null for frequent events. */
export function sentenceOf({ isRecord, text }: TraceLine): Sentence | null {
  const found = fault.exec(text);
  if (found !== null) {
    const [, kind = "", who = "", forMs = "0"] = found;
    const forS = `${Math.round(Number(forMs) / 1_000)} s`;
    const said = sayings[kind as FaultKind](nameOf(who), forS);
    return { text: said, tone: "bad", worker: who || null, topic: kind };
  }
  return isRecord ? recordSentence(text) : memberSentence(text);
}

function recordSentence(text: string): Sentence | null {
  const lost = /: (w-\d+) lost \((\w+)\)$/.exec(text);
  if (lost === null) return null;
  const [, who = "", why = ""] = lost;
  const reasons: Record<string, string> = {
    silent: "was silent for a whole lease and is given up: its tasks go to others",
    closed: "did not come back after its link closed: its tasks go to others",
    bye: "has left",
  };
  return { text: `${who} ${reasons[why] ?? why}.`, tone: "plain", worker: null, topic: why };
}

function memberSentence(text: string): Sentence | null {
  const one = { worker: null, topic: text } as const;
  const plain = (said: string) => ({ ...one, text: said, tone: "plain" }) as const;
  const good = (said: string) => ({ ...one, text: said, tone: "good" }) as const;
  if (text === "coordinator: starts") return good("A coordinator starts and replays its log.");
  if (/^coordinator: ends: fenced/.test(text)) {
    return good("The older coordinator finds that it no longer owns the log, and ends.");
  }
  const refused = /^(worker-\d+-clone\S*): refused: fenced/.exec(text);
  if (refused !== null) return good("The copy is refused: its original was active a moment ago.");
  const done = /^client: (j-\d+) \(\S+\) is done/.exec(text);
  if (done !== null) return good(`${done[1]} is done, with the correct result.`);
  const submitted = /^client: \S+ submitted as (j-\d+): (.*)$/.exec(text);
  return submitted === null ? null : plain(`${submitted[1]} is submitted: ${submitted[2]}.`);
}

export function nameOf(worker: string): string {
  return worker.replace("-", " ");
}
