/** A sampled CPU profile as a tree of what the job's author knows: functions of the job with their
 *  lines, and all else under one name. Pure. */

import { type ProfileFrame, profileLimits, type TaskProfile } from "../../../wire/api/profile.ts";

/** As V8's inspector gives it; lines and columns from 0, times in microseconds. */
export type CpuProfile = {
  readonly nodes: ReadonlyArray<{
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[] | undefined;
  }>;
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
};

type CallFrame = {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
};

/** Where a place of the bundle is in the sources, as `words.ts:12`; null = it is not of the job. */
export type Place = (frame: CallFrame) => string | null;

export type Frame = {
  /** As `map`, or `tequio` for all code that is not the job's. */
  readonly name: string;
  /** As `words.ts:12`; "" = not of the job. */
  readonly place: string;
  /** Time within the function itself, and with those that it called, µs. */
  selfUs: number;
  totalUs: number;
  readonly children: Frame[];
};

export type Profile = {
  /** The whole: its children are what ran. */
  readonly root: Frame;
  readonly samples: number;
};

const ours = "tequio";
const collecting = "garbage collection";

export function profileTree({ nodes, samples = [], timeDeltas = [] }: CpuProfile, place: Place) {
  const root = newFrame("all", "");
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const frames = new Map<number, Frame | null>();
  const enter = (id: number, parent: Frame): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const frame = frameOf(node.callFrame, parent, place);
    frames.set(id, frame);
    for (const child of node.children ?? []) enter(child, frame ?? parent);
  };
  const [first] = nodes;
  if (first !== undefined) enter(first.id, root);
  let counted = 0;
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame === null) continue;
    frame.selfUs += Math.max(0, timeDeltas[i] ?? 0);
    counted++;
  }
  addUp(root);
  return { root, samples: counted } satisfies Profile;
}

/** The child of `parent` that the frame is; null = nothing ran there. Neighbours that are not the
 *  job's are one. */
function frameOf(frame: CallFrame, parent: Frame, place: Place): Frame | null {
  const { functionName, url } = frame;
  if (functionName === "(root)") return parent;
  if (functionName === "(idle)") return null;
  const at = url === "" ? null : place(frame);
  if (at !== null) return childOf(parent, functionName || "(anonymous)", at);
  const name = functionName === "(garbage collector)" ? collecting : ours;
  // What is built in, as `split`, is the time of its caller in the job.
  if (name === ours && url === "" && parent.place !== "") {
    return functionName.startsWith("(") ? parent : childOf(parent, functionName, "");
  }
  return parent.name === ours && name === ours ? parent : childOf(parent, name, "");
}

function childOf(parent: Frame, name: string, place: string): Frame {
  const known = parent.children.find((one) => one.name === name && one.place === place);
  if (known !== undefined) return known;
  const made = newFrame(name, place);
  parent.children.push(made);
  return made;
}

function newFrame(name: string, place: string): Frame {
  return { name, place, selfUs: 0, totalUs: 0, children: [] };
}

function addUp(frame: Frame): number {
  frame.totalUs = frame.selfUs;
  for (const child of frame.children) frame.totalUs += addUp(child);
  frame.children.sort((a, b) => b.totalUs - a.totalUs);
  return frame.totalUs;
}

/** What is left out is still in the time of its caller. */
export type KeptPart = { readonly framesMax: number; readonly depthMax: number };

/** In the order of a walk. With `part` only so many frames, those that took the most time; a callee
 *  takes no more than its caller, so what is left is a tree. */
export function framesOf({ root }: Profile, part: KeptPart | null = null): ProfileFrame[] {
  const all: ProfileFrame[] = [];
  // A stack: recursive code may call itself as deep as it likes.
  const stack: Array<[frame: Frame, depth: number]> = [[root, 0]];
  for (;;) {
    const next = stack.pop();
    if (next === undefined) break;
    const [{ children, name, place, selfUs, totalUs }, depth] = next;
    all.push([depth, name, place, selfUs, totalUs]);
    if (depth === part?.depthMax) continue;
    for (const child of children.toReversed()) stack.push([child, depth + 1]);
  }
  if (part === null || all.length <= part.framesMax) return all;
  const order = all.map((_, at) => at).sort((a, b) => totalOf(all, b) - totalOf(all, a) || a - b);
  return order
    .slice(0, part.framesMax)
    .sort((a, b) => a - b)
    .map((at) => all[at] as ProfileFrame);
}

function totalOf(frames: readonly ProfileFrame[], at: number): number {
  return frames[at]?.[4] ?? 0;
}

/** The profile as it is kept with its job: within all limits, by leaving out what takes the least
 *  time. */
export function keptProfile(profile: Profile, of: Pick<TaskProfile, "stage" | "task">) {
  const { bytes, depth, frames } = profileLimits;
  for (let framesMax: number = frames; ; framesMax >>= 1) {
    const part = framesOf(profile, { framesMax, depthMax: depth }).map(shortened);
    const kept: TaskProfile = { version: 1, ...of, samples: profile.samples, frames: part };
    if (new TextEncoder().encode(JSON.stringify(kept)).length <= bytes) return kept;
  }
}

function shortened([depth, name, place, selfUs, totalUs]: ProfileFrame): ProfileFrame {
  const { text } = profileLimits;
  // The line of a place is at its end.
  return [depth, name.slice(0, text), place.slice(-text), selfUs, totalUs];
}
