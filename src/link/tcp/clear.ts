/** What may be said without encryption: only what does not leave this machine. */

/** The two ends of a connection. */
export type Ends = {
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
};

/** Why nothing may be sent there in the clear; null = it may. */
export type RefuseClear = (ends: Ends) => string | null;

/** A connection to an address of one's own never meets a wire. */
export function staysHere({ localAddress, remoteAddress }: Ends): boolean {
  if (localAddress === undefined || remoteAddress === undefined) return false;
  return localAddress === remoteAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}

export const refuseBeyondHere: RefuseClear = (ends) =>
  staysHere(ends) ? null : "it is on another machine and names no certificate to speak TLS with";
