/** What may be sent without encryption: only what does not leave this machine. */

/** The two ends of a connection. */
export type Ends = {
  readonly localAddress?: string | undefined;
  readonly remoteAddress?: string | undefined;
};

/** Why nothing may be sent there unencrypted; null = it may. */
export type RefuseClear = (ends: Ends) => string | null;

/** A connection to one of this machine's own addresses never reaches a network. */
export function staysHere({ localAddress, remoteAddress }: Ends): boolean {
  if (localAddress === undefined || remoteAddress === undefined) return false;
  return localAddress === remoteAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}

export const refuseBeyondHere: RefuseClear = (ends) =>
  staysHere(ends) ? null : "it is on another machine and names no certificate for TLS";
