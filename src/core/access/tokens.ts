/** Tokens from their issue until they are forgotten.
 *
 *  1. A token that is expired, used up or revoked is refused by name for `tokenKeptMs`, then it is
 *     forgotten, and refused as not of this cluster. One that expired in a jump of the clock is
 *     kept longer; see cluster/clock.ts.
 *  2. The credential of a worker lives as long as the worker is remembered. */
import { heldUntilMs } from "../cluster/clock.ts";
import type { CoordinatorState } from "../cluster/state.ts";
import type { Effect } from "../effect.ts";
import { ClusterError } from "../error.ts";
import type { CoordinatorEvent } from "../event.ts";
import { type TokenRecord, tokenProblem } from "./roles.ts";

/** How long a token that can do nothing any more is still listed, in ms. */
export const tokenKeptMs = 86_400_000;

export function issueToken(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "token-issued" }>,
  effects: Effect[],
): void {
  const { by, id, role, owner, hash, expiresAtMs, usesMax } = event;
  if (by !== undefined && state.tokens.get(by)?.shutsOut === true) {
    const text = `token ${by} is revoked, and all whom it let in; ask an admin for a new one`;
    effects.push({ kind: "refuse", error: new ClusterError("unauthenticated", text) });
    return;
  }
  const issued = { id, role, owner, hash, expiresAtMs, usesMax, uses: 0, revoked: false };
  const token = { ...issued, issuedAtMs: state.atMs };
  state.tokens.set(id, by === undefined ? token : { ...token, by });
  if (expiresAtMs !== 0) forgetLater(state, id, Math.max(state.atMs, expiresAtMs));
}

export function useToken(state: CoordinatorState, id: string, effects: Effect[]): void {
  const token = state.tokens.get(id);
  const problem = token === undefined ? null : tokenProblem(token, state.atMs);
  if (token === undefined) effects.push({ kind: "refuse", error: noSuchToken(id) });
  else if (problem !== null) {
    // Also when the request was sent while the token was still good: it is processed too late.
    const text = `token ${id} is ${problem}; ask an admin for a new one`;
    effects.push({ kind: "refuse", error: new ClusterError("unauthenticated", text) });
  } else {
    token.uses++;
    if (token.uses === token.usesMax) forgetLater(state, id, state.atMs);
    effects.push({ kind: "reply", value: {} });
  }
}

export function revokeToken(
  state: CoordinatorState,
  { id, members }: Extract<CoordinatorEvent, { kind: "token-revoked" }>,
  effects: Effect[],
): void {
  const token = state.tokens.get(id);
  const admitted = tokensBy(state, id);
  // A join token that had ended may be removed before the credentials of the workers that joined
  // with it.
  if (token === undefined && (members === undefined || admitted.length === 0)) {
    effects.push({ kind: "refuse", error: noSuchToken(id) });
    return;
  }
  for (const one of [...(token === undefined ? [] : [token]), ...(members ? admitted : [])]) {
    revokeOne(state, one);
  }
  if (token !== undefined && members !== undefined) token.shutsOut = true;
  effects.push({ kind: "reply", value: { admitted: admitted.map((one) => one.id) } });
}

export function revokeOne(state: CoordinatorState, token: TokenRecord): void {
  if (!token.revoked) forgetLater(state, token.id, state.atMs);
  token.revoked = true;
}

/** Valid credentials of the workers that joined with this token. */
function tokensBy(state: CoordinatorState, id: string): TokenRecord[] {
  return [...state.tokens.values()].filter(({ by, revoked }) => by === id && !revoked);
}

/** Its time has come, unless it has been issued anew since. */
export function forgetToken(state: CoordinatorState, id: string): void {
  const token = state.tokens.get(id);
  const problem = token === undefined ? null : tokenProblem(token, state.atMs);
  if (token === undefined || problem === null) return;
  const { expiresAtMs } = token;
  const isExpired = problem === "expired";
  const untilMs = isExpired
    ? Math.max(expiresAtMs + tokenKeptMs, heldUntilMs(state, expiresAtMs))
    : 0;
  if (untilMs <= state.atMs) state.tokens.delete(id);
  // The clock may be wrong: then the token is good when the clock is right again.
  else state.deadlines.add({ kind: "token", atMs: untilMs, token: id });
}

function forgetLater(state: CoordinatorState, id: string, fromMs: number): void {
  state.deadlines.add({ kind: "token", atMs: fromMs + tokenKeptMs, token: id });
}

function noSuchToken(id: string): ClusterError {
  return new ClusterError("not-found", `there is no token ${id}; \`tequio token ls\` lists them`);
}
