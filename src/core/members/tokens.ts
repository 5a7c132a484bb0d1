/** Tokens from their issue until they are forgotten.
 *
 *  1. A token that is expired, used up or revoked is refused by name for `tokenKeptMs`, then it is
 *     forgotten: whoever shows it is told that it is not of this cluster.
 *  2. The credential of a worker lives as long as the worker is remembered. */
import type { CoordinatorState } from "../cluster/state.ts";
import type { Effect } from "../effect.ts";
import { ClusterError } from "../error.ts";
import type { CoordinatorEvent } from "../event.ts";
import { tokenProblem } from "../members.ts";

/** How long a token that can do nothing any more is still listed, in ms. */
export const tokenKeptMs = 86_400_000;

export function issueToken(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "token-issued" }>,
): void {
  const { id, role, owner, hash, expiresAtMs, usesMax } = event;
  const token = { id, role, owner, hash, expiresAtMs, usesMax, uses: 0, revoked: false };
  state.tokens.set(id, token);
  if (expiresAtMs !== 0) forgetLater(state, id, Math.max(state.atMs, expiresAtMs));
}

export function useToken(state: CoordinatorState, id: string, effects: Effect[]): void {
  const token = state.tokens.get(id);
  const problem = token === undefined ? null : tokenProblem(token, state.atMs);
  if (token === undefined) effects.push({ kind: "refuse", error: noSuchToken(id) });
  else if (problem !== null) {
    // Whoever asked before it was so, comes too late.
    const text = `token ${id} is ${problem}; ask an admin for a new one`;
    effects.push({ kind: "refuse", error: new ClusterError("unauthenticated", text) });
  } else {
    token.uses++;
    if (token.uses === token.usesMax) forgetLater(state, id, state.atMs);
    effects.push({ kind: "reply", value: {} });
  }
}

export function revokeToken(state: CoordinatorState, id: string, effects: Effect[]): void {
  const token = state.tokens.get(id);
  if (token === undefined) {
    effects.push({ kind: "refuse", error: noSuchToken(id) });
    return;
  }
  if (!token.revoked) forgetLater(state, id, state.atMs);
  token.revoked = true;
  effects.push({ kind: "reply", value: {} });
}

/** Its time has come, unless it has been issued anew since. */
export function forgetToken(state: CoordinatorState, id: string): void {
  const token = state.tokens.get(id);
  if (token !== undefined && tokenProblem(token, state.atMs) !== null) state.tokens.delete(id);
}

function forgetLater(state: CoordinatorState, id: string, fromMs: number): void {
  state.deadlines.add({ kind: "token", atMs: fromMs + tokenKeptMs, token: id });
}

function noSuchToken(id: string): ClusterError {
  return new ClusterError("not-found", `there is no token ${id}; \`tequio token ls\` lists them`);
}
