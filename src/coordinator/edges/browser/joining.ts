/** Admits a browser as a worker of the core: its identity, its rights, and the tasks that it still
 *  holds. */

import { may } from "../../../core/access/roles.ts";
import type { CoordinatorState } from "../../../core/coordinator.ts";
import { ClusterError } from "../../../core/error.ts";
import type { WorkerSpecs } from "../../../core/event.ts";
import { type AttemptRef, attemptKey, idNumber, type WorkerId } from "../../../core/ids.ts";
import { isCaughtWorker, leasesOf, tabsOf, workerSpecs } from "../../../core/view.ts";
import type { BrowserBody, Uid } from "../../../wire/browser/messages.ts";
import type { ConnectMore } from "../../../wire/browser/more.ts";
import type { Auth, Principal } from "../../access/auth.ts";
import { blockOf } from "../../access/block.ts";
import type { Loop } from "../../loop/loop.ts";
import type { ClusterKeys } from "../worker/orders.ts";
import { parseConnect } from "./claims.ts";
import { newRun, parseRefs, refText } from "./runs.ts";
import { Tab } from "./tab.ts";
import type { ticketOf } from "./ticket.ts";

export type TabJoinContext = {
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
  /** The tab has joined, durably; called before anything is ordered of it. Of its tasks those in
   *  `unwanted` are to be aborted. */
  readonly entered: (tab: Tab, unwanted: readonly number[]) => void;
  /** Joins in progress: how many of an owner, and sessions of workers that come back. */
  readonly arrivals: Arrivals;
  /** Whether another page is connected as this worker. */
  readonly isLive: (worker: WorkerId, session: string) => boolean;
};

export type Arrivals = {
  readonly byOwner: Map<string, number>;
  readonly returning: Map<WorkerId, string>;
};

export type Entered = { readonly tab: Tab; readonly credential: string };

type Connect = Extract<BrowserBody, { action: "connect" }>;

/** Throws `unauthenticated`, `fenced`, `protocol-violated`. */
export async function enterTab(body: Connect, context: TabJoinContext): Promise<Entered> {
  const uid = body.uid as Uid;
  if (body.more === null) return enterBare(uid, body.speed, context);
  const more = parseConnect(body.more);
  const holding = heldOf(more);
  const specs = specsOf(more, body.speed, uid);
  const { session, slots } = more;
  const common = { uid, isBasic: false, session, slots, send: context.send } as const;
  const lastTid = holding.reduce((last, { tid }) => Math.max(last, tid), 0);
  const refs = holding.flatMap(({ refs }) => refs);
  const join = async (worker: WorkerId | null, { owner, role }: Joining): Promise<Tab> => {
    const made: { tab?: Tab } = {};
    const block = blockOf(more.from ?? "");
    // Without a place of its own it could be any other tab's twin.
    const place = { block: block === "" ? "tabs" : block };
    const volunteer = unnamedOwners.has(owner) ? place : { ...place, person: owner };
    const serving = worker === null ? {} : { serving: [] };
    await context.loop.post(
      {
        kind: "worker-joined",
        worker,
        owner,
        specs,
        holding: refs,
        ...(role === "volunteer" ? { volunteer } : {}),
        ...serving,
      },
      (reply) => {
        if (reply.worker === undefined) return;
        made.tab = new Tab({ ...common, worker: reply.worker, lastTid });
        context.entered(made.tab, adopt(made.tab, holding, context));
      },
    );
    return made.tab as Tab;
  };
  if (more.worker !== "") return { tab: await comeBack(more, context, join), credential: "" };
  const principal = newcomer(more, context);
  const { owner } = principal;
  const tab = await counted(owner, context, async () => {
    await context.auth.useJoin(principal);
    return join(null, principal);
  });
  return { tab, credential: await context.auth.issueCredential(tab.worker, principal) };
}

/** Of tokens that name no person, as that of a public link: each of their tabs answers for
 *  itself. */
const unnamedOwners: ReadonlySet<string> = new Set(["admin", "cli"]);

type Joining = Pick<Principal, "owner" | "role">;
type Join = (worker: WorkerId | null, as: Joining) => Promise<Tab>;

async function comeBack(more: ConnectMore, context: TabJoinContext, join: Join): Promise<Tab> {
  const { worker, ...as } = returning(more, context);
  const { returning: sessions } = context.arrivals;
  sessions.set(worker, more.session);
  try {
    const tab = await join(worker, as);
    // It may have been revoked while the join was being logged.
    if (context.auth.isCredentialOf(worker, more.credential)) return tab;
    throw new ClusterError("unauthenticated", `the credential of ${worker} was revoked`);
  } finally {
    sessions.delete(worker);
  }
}

/** Limits the tabs of one owner. Joins in progress count: a thousand may come at once. */
async function counted<T>(
  owner: string,
  context: TabJoinContext,
  join: () => Promise<T>,
): Promise<T> {
  const { arrivals, loop, tabsMax } = context;
  const { byOwner } = arrivals;
  const others = byOwner.get(owner) ?? 0;
  const count = tabsOf(loop.state, owner) + others;
  if (count >= tabsMax) {
    const text = `${count} tabs of ${owner} are connected already; close one, or raise --tabs-max`;
    throw new ClusterError("limit-exceeded", text);
  }
  byOwner.set(owner, others + 1);
  try {
    return await join();
  } finally {
    const left = (byOwner.get(owner) as number) - 1;
    if (left === 0) byOwner.delete(owner);
    else byOwner.set(owner, left);
  }
}

/** It has no token; gateway and coordinator were configured to accept such browsers. */
async function enterBare(uid: Uid, speed: number, context: TabJoinContext): Promise<Entered> {
  if (!context.anonymous) {
    throw new ClusterError(
      "unauthenticated",
      "a browser without a token; start the coordinator with --anonymous-browsers to accept it",
    );
  }
  const specs: WorkerSpecs = {
    name: `browser ${uid} (${context.remote})`,
    host: `browser-${uid}`,
    slots: 1,
    memoryBytes: 0,
    kinds: [programKindBare],
    exchangeUrl: "",
    tab: true,
    inputKbps: speed,
    version: "seed 5",
  };
  const owner = "anonymous";
  const made: { tab?: Tab } = {};
  const joined = { kind: "worker-joined", worker: null, owner, specs, holding: [] } as const;
  await counted(owner, context, () =>
    context.loop.post(joined, ({ worker }) => {
      if (worker === undefined) return;
      const common = {
        uid,
        worker,
        isBasic: true,
        session: "",
        slots: 1,
        lastTid: 0,
      } as const;
      made.tab = new Tab({ ...common, send: context.send });
      context.entered(made.tab, []);
    }),
  );
  return { tab: made.tab as Tab, credential: "" };
}

/** Program kind of browsers that bring their own code, which the base protocol leaves open. */
export const programKindBare = 200;

function specsOf(more: ConnectMore, speed: number, uid: Uid): WorkerSpecs {
  return {
    name: more.name === "" ? `tab ${uid}` : more.name,
    host: `tab-${more.session.slice(0, 8)}`,
    slots: more.slots,
    memoryBytes: 0,
    kinds: [...more.kinds],
    ...(more.name === "" ? {} : { engine: engineOf(more.name) }),
    ...(more.python === undefined ? {} : { python: more.python }),
    exchangeUrl: "",
    tab: true,
    inputKbps: speed,
    version: more.version,
  };
}

/** Of "Chromium 156 on Linux", or "Ana (Chromium 156 on Linux)", what decides about last digits. */
function engineOf(name: string): string {
  const browser = /\(([^()]*)\)$/.exec(name)?.[1] ?? name;
  return browser.split(" on ", 1)[0]?.slice(0, 60) ?? "";
}

function newcomer(more: ConnectMore, { auth }: TabJoinContext): Principal {
  const principal = auth.principal(more.token);
  if (!may(principal.role, "work") || principal.kind !== "join") {
    throw new ClusterError(
      "unauthenticated",
      "the link's token cannot join workers; open the link that `tequio up` prints",
    );
  }
  return principal;
}

function wrongResults(worker: WorkerId): ClusterError {
  const text = `results of ${worker} were found wrong here; it is not given tasks any more`;
  return new ClusterError("forbidden", text);
}

/** What a tab that is disconnected is sent. One whose results were found wrong would join as
 *  another one if only its credential were rejected. */
export function rejection(state: CoordinatorState, worker: WorkerId, why: string): string {
  return isCaughtWorker(state, worker) ? wrongResults(worker).message : `unauthenticated: ${why}`;
}

function returning(
  { credential, session, worker }: ConnectMore,
  { auth, isLive, loop }: TabJoinContext,
): Joining & { readonly worker: WorkerId } {
  const id = worker as WorkerId;
  if (isCaughtWorker(loop.state, id)) throw wrongResults(id);
  const isId = worker.startsWith("w-") && !Number.isNaN(idNumber(worker));
  if (!isId || !auth.isCredentialOf(id, credential) || workerSpecs(loop.state, id) === null) {
    throw new ClusterError("unauthenticated", `${worker.slice(0, 20)} is no longer known here`);
  }
  if (isLive(id, session)) {
    throw new ClusterError("fenced", `${worker} is in use by another tab; join as a new one`);
  }
  const { owner, role } = auth.linkPrincipal(credential);
  return { worker: id, owner, role };
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

/** Adopts runs whose attempts are still leased to it; returns the tids of the others. */
function adopt(
  tab: Tab,
  holding: readonly Held[],
  { keys, loop, ticketOf }: TabJoinContext,
): number[] {
  const leased = new Set(leasesOf(loop.state, tab.worker).map(attemptKey));
  const unwanted: number[] = [];
  for (const { refs, tid, type } of holding) {
    const { job } = refs[0] as AttemptRef;
    const mine = refs.filter((ref) => leased.has(attemptKey(ref)));
    if (mine.length === 0) {
      unwanted.push(tid);
      continue;
    }
    const ticket = ticketOf(keys.exchangeSecret(job), tab.worker, refText(refs));
    tab.runs.set(tid, newRun({ tid, type, ticket, givenAtMs: loop.steadyMs() }, mine));
  }
  return unwanted;
}
