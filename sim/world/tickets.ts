/** The simulated counterpart of the shuffle's tickets: of the same form, without cryptography,
 *  which a browser tab has only asynchronously. */
import type { Scope } from "../../src/peer/shuffle/ticket.ts";
import { digestOf } from "./digest.ts";

export const simTickets = {
  sourceKey: (jobSecret: string, source: string): string => digestOf(`${jobSecret} ${source}`),
  ticketText(key: string, { expiresMs, job, requester, stage }: Scope): string {
    const secret = digestOf(`${key} ${job} ${stage} ${requester} ${expiresMs}`);
    return `${requester}.${expiresMs}.${secret}`;
  },
};

/** Whether the ticket is of this scope, regardless of its expiry. */
export function isTicket(text: string, key: string, scope: Omit<Scope, "expiresMs">): boolean {
  const expiresMs = Number(text.split(".")[1]);
  return simTickets.ticketText(key, { ...scope, expiresMs }) === text;
}
