/** How a worker introduces itself to its manager, and the texts in what it is answered. */
import { isErrorCode } from "../../core/error.ts";
import type { PythonSpecs } from "../../core/event.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { Failure } from "../../core/job.ts";
import { fillBytes, holdingMax, servingBytesMax } from "../../wire/manager/limits.ts";
import type { ManagerMessage, NodeDescription, NodeType } from "../../wire/manager/messages.ts";
import { packTaskId } from "../../wire/manager/taskid.ts";
import type { Serving } from "../executor.ts";
import { fittingServing } from "./fitting.ts";

/** What the worker says of itself when it joins. */
export type Specs = {
  readonly name: string;
  readonly host: string;
  readonly slots: number;
  readonly memoryBytes: number;
  readonly kinds: readonly number[];
  /** Null without the kind `python`. */
  readonly python: PythonSpecs | null;
  readonly exchangeUrl: string;
  readonly version: string;
  /** Random number of this process start. */
  readonly session: string;
  /** It cannot reach more of the manager than this protocol: it describes itself as existing
   *  workers do, and computes modules only. */
  readonly isBase?: boolean;
};

/** What the coordinator calls this worker; outlives a link. */
export type Identity = {
  workerId: string;
  credential: string;
  /** Tag of the cluster's task ids, learnt from the first one. */
  tag: Uint8Array | null;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Has = {
  /** What it runs, or has finished without an Ack. */
  readonly holding: readonly AttemptRef[];
  /** Outputs that others may fetch from it. */
  readonly serving: Serving;
};

export function introduction(specs: Specs, identity: Identity, has: Has): ManagerMessage {
  return {
    kind: "managerRequest",
    workerPrice: 0,
    networkPrice: 0,
    cpuCount: specs.slots,
    memoryKb: Math.floor(specs.memoryBytes / 1024),
    networkKbps: 0,
    programKinds: specs.kinds,
    node: specs.isBase ? null : describe(specs, identity, has),
  };
}

function describe(specs: Specs, identity: Identity, has: Has): NodeDescription {
  const { tag } = identity;
  return {
    workerId: identity.workerId,
    credential: identity.credential,
    name: specs.name,
    host: specs.host,
    slots: specs.slots,
    exchangeUrl: specs.exchangeUrl,
    version: specs.version,
    holding:
      tag === null ? [] : has.holding.slice(0, holdingMax).map((ref) => packTaskId(tag, ref)),
    serving: encodeJson(fittingServing(has.serving, servingBytesMax)),
    session: specs.session,
    returnsTasks: true,
    python: specs.python === null ? new Uint8Array(0) : encodeJson(specs.python),
    fill: new Uint8Array(fillBytes),
    readsLists: true,
  };
}

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Why the link is given up. What is small was answered when the node type is known; the join is
 *  longer than a packet. */
export function unanswered(hasJoined: boolean, managerType: NodeType | null): string {
  if (hasJoined || managerType === null) return "a request was not answered";
  return (
    "it answers small messages, and not the join, which is longer than a packet: does a VPN or " +
    "tunnel on the way have a smaller MTU? try `ip link set dev eth0 mtu 1280` here"
  );
}

/** `code: text`, as `ClusterError` says it. */
export function readRefusal(refusal: string): Failure {
  const colon = refusal.indexOf(": ");
  const code = refusal.slice(0, Math.max(0, colon));
  if (isErrorCode(code)) return { code, message: refusal.slice(colon + 2) };
  return { code: "unavailable", message: refusal || "the manager does not want this worker now" };
}

/** From the manager that this worker has chosen and paid with its token: its shape is trusted, its
 *  JSON is not. */
export function decodeJson<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}
