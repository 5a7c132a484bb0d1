/** A worker asks to be managed: who it is, whether it may, and the welcome it gets. */
import { ClusterError } from "../../../core/error.ts";
import { idNumber, type WorkerId } from "../../../core/ids.ts";
import { hit } from "../../../store/failpoint.ts";
import type { ManagerMessage, NodeDescription, Welcome } from "../../../wire/manager/messages.ts";
import { unpackTaskId } from "../../../wire/manager/taskid.ts";
import type { Principal } from "../../access/auth.ts";
import type { NewEvent, Reply } from "../../loop/journal.ts";
import { claimedSpecs, parseServing } from "./claims.ts";
import type { WorkerLink } from "./link.ts";

export type ManagerRequest = Extract<ManagerMessage, { kind: "managerRequest" }>;

/** What joining needs of the coordinator. */
export interface Doorkeeper {
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

/** Resolves when the worker has joined, durably; the link then holds orders back until it is
 *  welcomed. */
export async function join(
  link: WorkerLink,
  request: ManagerRequest,
  door: Doorkeeper,
): Promise<Joined> {
  const { node } = request;
  if (link.nodeType !== "worker") {
    const what = link.nodeType === null ? "has not said what it is" : "says that it is a manager";
    throw new ClusterError("bad-request", `${link.remote} ${what}; only workers are managed`);
  }
  link.isDescribed = node !== null;
  const specs = claimedSpecs(request, link.remote);
  const event = {
    kind: "worker-joined",
    owner: link.principal.owner,
    specs,
    holding: (node?.holding ?? [])
      .map((id) => unpackTaskId(id, door.tag))
      .filter((ref) => ref !== null),
  } as const;
  if (node !== null) {
    link.process = node.session;
    link.returnsTasks = node.returnsTasks;
  }
  if (node === null || node.workerId === "") {
    await mayBeNew(link.principal, door);
    const worker = await enter(link, { ...event, worker: null }, door);
    // An existing worker would not know what to do with it.
    const credential = node === null ? "" : await door.issueCredential(worker, link.principal);
    return { worker, credential };
  }
  const worker = returning(link, node, door);
  door.claim(link, worker);
  const serving = parseServing(node.serving);
  await enter(link, { ...event, worker, serving }, door);
  return { worker, credential: "" };
}

async function mayBeNew(principal: Principal, door: Doorkeeper): Promise<void> {
  if (principal.returningOnly || principal.kind !== "join") {
    throw new ClusterError(
      "unauthenticated",
      `token ${principal.token} brings no new worker; ask an admin for a join token`,
    );
  }
  hit("token.use", "before");
  await door.useJoin(principal);
  hit("token.use", "after");
}

function returning(link: WorkerLink, node: NodeDescription, door: Doorkeeper): WorkerId {
  const worker = node.workerId as WorkerId;
  const known = worker.startsWith("w-") && !Number.isNaN(idNumber(worker));
  if (known && door.isCredentialOf(worker, node.credential)) return worker;
  throw new ClusterError(
    "unauthenticated",
    `the credential is not that of ${worker.slice(0, 20)} (${link.remote}), or it was revoked; ` +
      "forget it and join with a token as a new worker",
  );
}

async function enter(
  link: WorkerLink,
  event: Extract<NewEvent, { kind: "worker-joined" }>,
  door: Doorkeeper,
): Promise<WorkerId> {
  hit("edge.join", "before");
  const reply = await door.post(event, ({ worker }) => {
    // Before the effects of the join are performed: from here on its orders are meant for this
    // link.
    if (worker === undefined) return;
    if (link.phase === "joining") link.phase = "welcoming";
    door.claim(link, worker);
  });
  hit("edge.join", "after");
  return reply.worker as WorkerId;
}

/** The refusal as the worker reads it; `protocol-violated` and broken laws are not for it. */
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
};
