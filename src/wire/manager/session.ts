/** One side of one link: which messages may be sent now, and which answer belongs to which request.
 *  Pure, and the same code for both roles: the meaning of messages, and whether there is a
 *  relation, is up to the caller.
 *
 *  1. Every received request is returned once, with a function that answers it, once.
 *  2. Every sent request ends once: as `answer`, or in `expired`, or with the link.
 *  3. Request ids are sent with a ManagerRequest, and with every request once the peer has shown
 *     that it knows them; until then frames are byte for byte those of existing implementations,
 *     and answers come in order. */
import { assert, ClusterError } from "../../core/error.ts";
import { decodeLinkFrame, encodeEnvelope } from "./codec.ts";
import {
  type AnswerKind,
  answersTo,
  isRequest,
  type Request,
  type RequestKind,
  rules,
} from "./legality.ts";
import type { Envelope, ManagerMessage, NodeType } from "./messages.ts";

export { answersTo, isRequest } from "./legality.ts";

export type Arrival =
  /** A request of the peer; `answer` encodes the answer to it. Call it exactly once; a second call
   *  fails an assertion. */
  | {
      readonly kind: "request";
      readonly message: ManagerMessage;
      answer(message: ManagerMessage): Uint8Array;
    }
  /** The answer to this side's request `to`. */
  | { readonly kind: "answer"; readonly to: number; readonly message: ManagerMessage }
  /** A request of the document that only this side's role sends, as TasksPing to a manager: no one
   *  here is the partner that it asks. `refusal` is NotMine, to be sent. */
  | { readonly kind: "misplaced"; readonly message: ManagerMessage; readonly refusal: Uint8Array }
  /** An answer without a pending request: late, repeated, or with a wrong id. To be counted, else
   *  ignored. */
  | { readonly kind: "stray"; readonly message: ManagerMessage };

export type ManagerSessionOptions = {
  /** The role of this side. */
  readonly role: NodeType;
  /** Time limit for an answer, ms. Default 10,000. */
  readonly answerTimeoutMs?: number;
  /** Requests that may be pending. Default 4,096. */
  readonly pendingMax?: number;
  /** Requests of the peer that may be unanswered. Default four times `pendingMax`: the peer forgets
   *  overdue requests, and may send more. */
  readonly owedMax?: number;
  /** The carrier matches answers by ids that never reach the peer (`carrier-ids.ts`): every request
   *  has one, and an id shows nothing of the peer. Default false. */
  readonly carrierIds?: boolean;
};

type Pending = {
  readonly kind: RequestKind;
  readonly deadlineMs: number;
  /** The request carried its id, so a peer that knows ids answers with it. */
  readonly withId: boolean;
};

export class ManagerSession {
  readonly #role: NodeType;
  readonly #answerTimeoutMs: number;
  readonly #pendingMax: number;
  readonly #owedMax: number;
  /** By id, in the order of sending, which is also the order of the deadlines. */
  readonly #pending = new Map<number, Pending>();
  readonly #carrierIds: boolean;
  #lastId = 0;
  #owed = 0;
  #ignored = 0;
  #extended = false;
  #peerSetsIds = false;
  #delimited = true;

  constructor(options: ManagerSessionOptions) {
    this.#role = options.role;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 10_000;
    this.#pendingMax = options.pendingMax ?? 4096;
    this.#carrierIds = options.carrierIds ?? false;
    this.#owedMax = options.owedMax ?? 4 * this.#pendingMax;
  }

  /** Encodes a request and records that an answer is due. Throws `unavailable` above `pendingMax`,
   *  `version-mismatch` when the peer does not know this message, `limit-exceeded` when it is too
   *  large. */
  request(
    message: ManagerMessage,
    atMs: number,
  ): { readonly id: number; readonly frame: Uint8Array } {
    assert(isRequest(message), `${message.kind} is an answer, not a request`);
    const rule = rules[message.kind];
    assert(
      rule.from === "either" || rule.from === this.#role,
      `this side may not send ${message.kind}`,
    );
    if (rule.ours && !this.#extended) throw unknownToPeer(message.kind);
    if (this.#pending.size >= this.#pendingMax) throw tooManyPending(this.#pendingMax);
    const id = this.#lastId + 1;
    const withId = this.#carrierIds || this.#extended || message.kind === "managerRequest";
    const frame = this.#encode({ requestId: withId ? id : null, answerTo: null, message });
    this.#lastId = id;
    this.#pending.set(id, {
      kind: message.kind,
      deadlineMs: atMs + this.#answerTimeoutMs,
      withId,
    });
    return { id, frame };
  }

  /** One received link frame. Throws `protocol-violated`: close the link. */
  receive(frame: Uint8Array): Arrival[] {
    const { envelopes, delimited, unknownCount } = decodeLinkFrame(frame);
    this.#ignored += unknownCount;
    if (envelopes.length > 0) this.#delimited = delimited;
    return envelopes.map((envelope) => {
      if (showsExtension(envelope, this.#carrierIds)) this.#extended = true;
      if (envelope.requestId !== null || envelope.answerTo !== null) this.#peerSetsIds = true;
      const { message } = envelope;
      return isRequest(message)
        ? this.#requested(message, envelope.requestId)
        : this.#answered(message, envelope.answerTo);
    });
  }

  /** Ids of requests whose answer is overdue at `atMs`; they are removed. */
  expired(atMs: number): number[] {
    const ids: number[] = [];
    for (const [id, pending] of this.#pending) {
      if (pending.deadlineMs > atMs) break;
      this.#pending.delete(id);
      ids.push(id);
    }
    return ids;
  }

  /** When `expired` should be called next; Infinity when nothing is pending. */
  nextDeadlineMs(): number {
    for (const pending of this.#pending.values()) return pending.deadlineMs;
    return Number.POSITIVE_INFINITY;
  }

  /** The peer knows the extensions (fields and messages from 100 on): it has sent one. */
  get extended(): boolean {
    return this.#extended;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Requests of the peer that are still unanswered. */
  get owedCount(): number {
    return this.#owed;
  }

  /** Unknown messages: skipped, never answered. */
  get ignoredCount(): number {
    return this.#ignored;
  }

  #requested(message: Request, requestId: number | null): Arrival {
    const { from, answers, ours } = rules[message.kind];
    if (from === this.#role && !ours) {
      const notMine = { kind: "notMine" } as const;
      const refusal = this.#encode({ requestId: null, answerTo: requestId, message: notMine });
      return { kind: "misplaced", message, refusal };
    }
    if (from === this.#role) {
      throw violated(`a ${message.kind} came from a ${otherRole(from)}, only a ${from} sends it`);
    }
    if (this.#owed >= this.#owedMax) {
      throw violated(`more than ${this.#owedMax} requests came before their answers`);
    }
    this.#owed++;
    let due = true;
    const answer = (reply: ManagerMessage): Uint8Array => {
      assert(due, `a ${message.kind} is answered once`);
      assert(includes(answers, reply.kind), `${reply.kind} does not answer a ${message.kind}`);
      const frame = this.#encode({ requestId: null, answerTo: requestId, message: reply });
      due = false;
      this.#owed--;
      return frame;
    };
    return { kind: "request", message, answer };
  }

  #answered(message: ManagerMessage, answerTo: number | null): Arrival {
    const to = answerTo === null ? this.#firstWaiting(message.kind) : answerTo;
    const pending = this.#pending.get(to);
    // An id that was never sent cannot be echoed.
    const waits = pending !== undefined && (answerTo === null || pending.withId);
    if (!waits) return { kind: "stray", message };
    if (!includes(answersTo[pending.kind], message.kind)) {
      throw violated(`a ${message.kind} came in answer to the ${pending.kind} ${to}`);
    }
    this.#pending.delete(to);
    return { kind: "answer", to, message };
  }

  /** Without an id: the oldest pending request that this kind may answer; 0 when there is none. */
  #firstWaiting(kind: ManagerMessage["kind"]): number {
    for (const [id, pending] of this.#pending) {
      // A peer that knows ids would have sent this one's.
      if (pending.withId && this.#peerSetsIds) continue;
      if (includes(answersTo[pending.kind], kind)) return id;
    }
    return 0;
  }

  #encode(envelope: Envelope): Uint8Array {
    return encodeEnvelope(envelope, this.#delimited);
  }
}

function showsExtension({ requestId, answerTo, message }: Envelope, carrierIds: boolean): boolean {
  if (!carrierIds && (requestId !== null || answerTo !== null)) return true;
  if (message.kind === "managerRequest") return message.node !== null;
  if (message.kind === "managerAnswer") return message.welcome !== null;
  return isRequest(message) && rules[message.kind].ours === true;
}

function includes(answers: readonly AnswerKind[], kind: ManagerMessage["kind"]): boolean {
  return (answers as readonly string[]).includes(kind);
}

function otherRole(role: NodeType): NodeType {
  return role === "manager" ? "worker" : "manager";
}

function violated(what: string): ClusterError {
  return new ClusterError("protocol-violated", `${what}; the link is closed`);
}

function tooManyPending(pendingMax: number): ClusterError {
  return new ClusterError(
    "unavailable",
    `${pendingMax} requests are pending already; try again when some are answered`,
  );
}

function unknownToPeer(kind: string): ClusterError {
  return new ClusterError(
    "version-mismatch",
    `the peer has not shown that it knows ${kind}; ` +
      "send it only what existing implementations know",
  );
}
