/** Tickets of the shuffle: what lets one worker read one stage's outputs from one other worker.
 *
 *  1. The coordinator shares a key with each worker of a job. A ticket's secret is a MAC under the
 *     source's key over job, stage, requester and expiry: no other worker can make one, and the
 *     source needs no list.
 *  2. The secret itself is never sent to a source: the requester proves that it has it, by a MAC
 *     over a challenge of the connection. A proof is good once.
 *  3. Tickets expire by the coordinator's clock, which it sends to the source with the key. */
import { createHmac, timingSafeEqual } from "node:crypto";

export type Scope = {
  readonly job: string;
  /** Whose outputs may be read. */
  readonly stage: number;
  readonly requester: string;
  readonly expiresMs: number;
};

/** `<requester>.<expiresMs>.<secret>`; the message that carries it names its source and stage. */
export type TicketText = string;

export type Ticket = {
  readonly requester: string;
  readonly expiresMs: number;
  readonly secret: string;
};

/** The key that the coordinator shares with one worker of the job; only the coordinator has
 *  `jobSecret`. */
export function sourceKey(jobSecret: string, source: string): string {
  return mac(jobSecret, `source ${source}`).toString("hex");
}

export function ticketText(key: string, scope: Scope): TicketText {
  return `${scope.requester}.${scope.expiresMs}.${secretOf(key, scope)}`;
}

/** Null when `text` is no ticket. */
export function parseTicket(text: TicketText): Ticket | null {
  const parts = /^([\w-]{1,32})\.([0-9]{1,16})\.([\w-]{43})$/.exec(text);
  if (parts === null) return null;
  return { requester: parts[1]!, expiresMs: Number(parts[2]), secret: parts[3]! };
}

export function proofOf(secret: string, challenge: Uint8Array): Buffer {
  return createHmac("sha256", secret).update("open ").update(challenge).digest();
}

/** Whether the maker of the proof has a ticket of this scope. */
export function isProof(
  key: string,
  scope: Scope,
  shown: { readonly challenge: Uint8Array; readonly proof: Uint8Array },
): boolean {
  const wanted = proofOf(secretOf(key, scope), shown.challenge);
  return shown.proof.length === wanted.length && timingSafeEqual(shown.proof, wanted);
}

function secretOf(key: string, { job, stage, requester, expiresMs }: Scope): string {
  return mac(key, `ticket ${job} ${stage} ${requester} ${expiresMs}`).toString("base64url");
}

function mac(key: string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
