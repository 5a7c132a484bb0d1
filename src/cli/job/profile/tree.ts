/** A sampled CPU profile as a tree of what the job's author knows: functions of the job with their
 *  lines, and all else under one name. Pure. */

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

/** Of each function, wherever it was called from; a recursive one counts once. */
export type Spent = { readonly name: string; readonly place: string } & {
  selfUs: number;
  totalUs: number;
};

/** The most time of their own first. */
export function spentBy({ root }: Profile): Spent[] {
  const all = new Map<string, Spent>();
  const visit = (frame: Frame, above: ReadonlySet<string>): void => {
    const key = `${frame.name} ${frame.place}`;
    const { name, place } = frame;
    const spent = all.get(key) ?? { name, place, selfUs: 0, totalUs: 0 };
    all.set(key, spent);
    spent.selfUs += frame.selfUs;
    if (!above.has(key)) spent.totalUs += frame.totalUs;
    for (const child of frame.children) visit(child, new Set(above).add(key));
  };
  for (const child of root.children) visit(child, new Set());
  return [...all.values()].sort((a, b) => b.selfUs - a.selfUs);
}
