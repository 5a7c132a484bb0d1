/** A browser becomes a worker of the core: who it is, whether it may, and what it still holds. */
import { ClusterError } from "../../core/error.ts";
import type { WorkerSpecs } from "../../core/event.ts";
import { idNumber, type WorkerId } from "../../core/ids.ts";
import { may } from "../../core/members.ts";
import { leasesOf, tabsOf, workerSpecs } from "../../core/view.ts";
import type { BrowserBody, Uid } from "../../wire/browser/messages.ts";
import type { ConnectMore } from "../../wire/browser/more.ts";
import type { Auth } from "../access/auth.ts";
import type { Loop } from "../run.ts";
import type { ClusterKeys } from "../workers/orders.ts";
import type { ticketOf } from "./attempt-ticket.ts";
import { parseConnect } from "./claims.ts";
import { parseRefs } from "./runs.ts";
import { Tab } from "./tab.ts";

export type TabDoor = {
  readonly anonymous: boolean;
  readonly tabsMax: number;
  readonly auth: Pick<
    Auth,
    "principal" | "linkPrincipal" | "useJoin" | "isCredentialOf" | "issueCredential"
  >;
  readonly ticketOf: typeof ticketOf;
  readonly keys: ClusterKeys;
  readonly loop: Loop;
  readonly remote: string;
  readonly send: (text: string) => void;
  /** The tab is in, durably; called before anything is ordered of it. */
  readonly entered: (tab: Tab) => void;
  /** Another page is this worker just now. */
  readonly isLive: (worker: WorkerId, session: string) => boolean;
};

export type Entered = { readonly tab: Tab; readonly credential: string };

type Connect = Extract<BrowserBody, { action: "connect" }>;

/** Throws `unauthenticated`, `fenced`, `protocol-violated`. */
export async function enterTab(body: Connect, door: TabDoor): Promise<Entered> {
  const uid = body.uid as Uid;
  if (body.more === null) return enterBare(uid, body.speed, door);
  const more = parseConnect(body.more);
  const holding = heldOf(more);
  const specs = specsOf(more, body.speed, uid);
  const { session, slots } = more;
  const common = { uid, isOurs: true, session, slots, send: door.send } as const;
  const lastTid = Math.max(0, ...holding.map(({ tid }) => tid));
  const refs = holding.flatMap(({ refs }) => refs);
  const known = more.worker === "" ? null : returning(more, door);
  const owner = known?.owner ?? (await newOwner(more, door));
  const made: { tab?: Tab } = {};
  await door.loop.post(
    {
      kind: "worker-joined",
      worker: known?.worker ?? null,
      owner,
      specs,
      holding: refs,
      ...(known === null ? {} : { serving: [] }),
    },
    ({ worker }) => {
      if (worker === undefined) return;
      const tab = new Tab({ ...common, worker, lastTid });
      adopt(tab, holding, door);
      made.tab = tab;
      door.entered(tab);
    },
  );
  const tab = made.tab as Tab;
  const credential = known === null ? await door.auth.issueCredential(tab.worker, owner) : "";
  return { tab, credential };
}

/** One person's tabs are not the whole cluster. */
function checkCount(owner: string, { loop, tabsMax }: TabDoor): void {
  const count = tabsOf(loop.state, owner);
  if (count < tabsMax) return;
  throw new ClusterError(
    "limit-exceeded",
    `${count} tabs of ${owner} are here already; close one, or raise --tabs-max`,
  );
}

/** Nobody vouches for it; the gateway and the coordinator were told to take such. */
async function enterBare(uid: Uid, speed: number, door: TabDoor): Promise<Entered> {
  if (!door.anonymous) {
    throw new ClusterError(
      "unauthenticated",
      "a browser without a token; start the coordinator with --anonymous-browsers to take such",
    );
  }
  checkCount("anonymous", door);
  const specs: WorkerSpecs = {
    name: `browser ${uid} (${door.remote})`,
    host: `browser-${uid}`,
    slots: 1,
    memoryBytes: 0,
    kinds: [programKindBare],
    exchangeUrl: "",
    tab: true,
    inputKbps: speed,
    version: "seed 5",
  };
  const made: { tab?: Tab } = {};
  await door.loop.post(
    { kind: "worker-joined", worker: null, owner: "anonymous", specs, holding: [] },
    ({ worker }) => {
      if (worker === undefined) return;
      const common = { uid, worker, isOurs: false, session: "", slots: 1, lastTid: 0 } as const;
      made.tab = new Tab({ ...common, send: door.send });
      door.entered(made.tab);
    },
  );
  return { tab: made.tab as Tab, credential: "" };
}

/** Program kind of browsers that have their own code, as the document leaves it. */
export const programKindBare = 200;

function specsOf(more: ConnectMore, speed: number, uid: Uid): WorkerSpecs {
  return {
    name: more.name === "" ? `tab ${uid}` : more.name,
    host: `tab-${more.session.slice(0, 8)}`,
    slots: more.slots,
    memoryBytes: 0,
    kinds: [...more.kinds],
    exchangeUrl: "",
    tab: true,
    inputKbps: speed,
    version: more.version,
  };
}

async function newOwner(more: ConnectMore, door: TabDoor): Promise<string> {
  const { auth } = door;
  const principal = auth.principal(more.token);
  if (!may(principal.role, "work") || principal.kind !== "join") {
    throw new ClusterError(
      "unauthenticated",
      "the link brings no workers; open the link that `tequio up` prints",
    );
  }
  checkCount(principal.owner, door);
  await auth.useJoin(principal);
  return principal.owner;
}

function returning(
  { credential, session, worker }: ConnectMore,
  { auth, isLive, loop }: TabDoor,
): { readonly worker: WorkerId; readonly owner: string } {
  const id = worker as WorkerId;
  const isId = worker.startsWith("w-") && !Number.isNaN(idNumber(worker));
  if (!isId || !auth.isCredentialOf(id, credential) || workerSpecs(loop.state, id) === null) {
    throw new ClusterError("unauthenticated", `${worker.slice(0, 20)} is not known here any more`);
  }
  if (isLive(id, session)) {
    throw new ClusterError("fenced", `${worker} is another tab just now; join as a new one`);
  }
  return { worker: id, owner: auth.linkPrincipal(credential).owner };
}

type Held = {
  readonly tid: number;
  readonly refs: NonNullable<ReturnType<typeof parseRefs>>;
  readonly type: "m" | "r";
};

function heldOf(more: ConnectMore): Held[] {
  return more.holding.flatMap((one) => {
    if (typeof one === "number") return [];
    const [tid, type, text] = one;
    const refs = parseRefs(text);
    return refs === null ? [] : [{ tid, type, refs }];
  });
}

/** Runs whose attempts are still its own go on; the core orders the others to be aborted. */
function adopt(tab: Tab, holding: readonly Held[], { keys, loop, ticketOf }: TabDoor): void {
  const leased = new Set(
    leasesOf(loop.state, tab.worker).map((r) => `${r.job}/${r.stage}/${r.task}#${r.attempt}`),
  );
  for (const { refs, tid, type } of holding) {
    const [first] = refs;
    if (first === undefined) continue;
    const { job, stage } = first;
    const text = refs.map((r) => `${r.job}/${r.stage}/${r.task}#${r.attempt}`);
    const mine = refs.filter((_, i) => leased.has(text[i] as string));
    tab.runs.set(tid, {
      tid,
      type,
      job,
      stage,
      attempts: new Map(mine.map(({ attempt, task }) => [task, attempt])),
      ticket: ticketOf(keys.exchangeSecret(job), tab.worker, text.join(",")),
      givenAtMs: loop.nowMs(),
      missed: new Set(),
      ending: false,
    });
  }
}
