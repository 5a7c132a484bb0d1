/** Handles a worker's request to be managed: its identity, its rights, and the welcome. */
import { ClusterError } from "../../../core/error.ts";
import { idNumber, type WorkerId } from "../../../core/ids.ts";
import { hit } from "../../../store/failpoint.ts";
import { fillBytes } from "../../../wire/manager/limits.ts";
import type { ManagerMessage, NodeDescription, Welcome } from "../../../wire/manager/messages.ts";
import { unpackTaskId } from "../../../wire/manager/taskid.ts";
import type { Principal } from "../../access/auth.ts";
import { blockOf } from "../../access/block.ts";
import type { NewEvent, Reply } from "../../loop/journal.ts";
import { claimedSpecs, parseServing } from "./claims.ts";
import type { WorkerLink } from "./link.ts";

export type ManagerRequest = Extract<ManagerMessage, { kind: "managerRequest" }>;

/** What a join needs of the coordinator. */
export interface JoinContext {
  /** Counts a join on the token, or throws. */
  useJoin(principal: Principal): Promise<void>;
  isCredentialOf(worker: WorkerId, credential: string): boolean;
  issueCredential(worker: WorkerId, by: Principal): Promise<string>;
  /** Makes the link the worker's only one. Throws `fenced` while another process of the worker is
   *  alive. */
  claim(link: WorkerLink, worker: WorkerId): void;
  post(event: NewEvent, answered: (reply: Reply) => void): Promise<Reply>;
  readonly tag: Uint8Array;
}

export type Joined = { readonly worker: WorkerId; readonly credential: string };

/** Resolves when the worker has joined, durably; the link then delays orders until it is
 *  welcomed. */
export async function join(
  link: WorkerLink,
  request: ManagerRequest,
  context: JoinContext,
): Promise<Joined> {
  const { node } = request;
  if (link.nodeType !== "worker") {
    const what =
      link.nodeType === null ? "has not sent its node type" : "says that it is a manager";
    throw new ClusterError("bad-request", `${link.remote} ${what}; only workers are managed`);
  }
  link.isDescribed = node !== null;
  const specs = claimedSpecs(request, link.remote);
  const { owner: person, role } = link.principal;
  const volunteer = { person, block: blockOf(link.remote) };
  const event = {
    kind: "worker-joined",
    owner: link.principal.owner,
    specs,
    ...(role === "volunteer" ? { volunteer } : {}),
    holding: (node?.holding ?? [])
      .map((id) => unpackTaskId(id, context.tag))
      .filter((ref) => ref !== null),
  } as const;
  if (node !== null) {
    link.process = node.session;
    link.returnsTasks = node.returnsTasks;
    link.readsLists = node.readsLists;
  }
  if (node === null || node.workerId === "") {
    await mayBeNew(link.principal, context);
    const worker = await enter(link, { ...event, worker: null }, context);
    // An existing worker could not use it.
    const credential = node === null ? "" : await context.issueCredential(worker, link.principal);
    return { worker, credential };
  }
  const worker = returning(link, node, context);
  context.claim(link, worker);
  const serving = parseServing(node.serving);
  await enter(link, { ...event, worker, serving }, context);
  return { worker, credential: "" };
}

async function mayBeNew(principal: Principal, context: JoinContext): Promise<void> {
  if (principal.peer !== undefined) return;
  if (principal.returningOnly || principal.kind !== "join") {
    throw new ClusterError(
      "unauthenticated",
      `token ${principal.token} admits no new worker; ask an admin for a join token`,
    );
  }
  hit("token.use", "before");
  await context.useJoin(principal);
  hit("token.use", "after");
}

function returning(link: WorkerLink, node: NodeDescription, context: JoinContext): WorkerId {
  const worker = node.workerId as WorkerId;
  const known = worker.startsWith("w-") && !Number.isNaN(idNumber(worker));
  if (known && context.isCredentialOf(worker, node.credential)) return worker;
  throw new ClusterError(
    "unauthenticated",
    `the credential is not that of ${worker.slice(0, 20)} (${link.remote}), or it was revoked; ` +
      "delete it and join with a token as a new worker",
  );
}

async function enter(
  link: WorkerLink,
  event: Extract<NewEvent, { kind: "worker-joined" }>,
  context: JoinContext,
): Promise<WorkerId> {
  hit("edge.join", "before");
  const reply = await context.post(event, ({ worker }) => {
    // Before the effects of the join are performed: from here on the worker's orders go to this
    // link.
    if (worker === undefined) return;
    if (link.phase === "joining") link.phase = "welcoming";
    context.claim(link, worker);
  });
  hit("edge.join", "after");
  return reply.worker as WorkerId;
}

/** The refusal as sent to the worker; `protocol-violated` and failed assertions are not sent. */
export function refusalText(error: unknown): string {
  if (error instanceof ClusterError) return error.message;
  throw error;
}

export const noWelcome: Welcome = {
  workerId: "",
  credential: "",
  epoch: 0,
  leaseMs: 0,
  heartbeatMs: 0,
  refusal: "",
  version: "",
  fill: new Uint8Array(fillBytes),
  readsLists: true,
};
