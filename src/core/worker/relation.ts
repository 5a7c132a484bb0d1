/** The relation of a worker to its manager: dial, join, heartbeat, lease, and coming back.
 *
 *  1. The lease counts from when a request was *sent* whose answer came: the manager, which renews
 *     when it receives, never gives up earlier than the worker does.
 *  2. A lost link changes nothing that runs: within the lease the attempts are adopted again.
 *  3. Past the lease the worker stops all that it runs by itself; finished reports are kept. */
import { recallReports } from "./reports.ts";
import { dropEverything } from "./runs.ts";
import type { WorkerEffect, WorkerEvent, WorkerState } from "./state.ts";

type EventOf<K extends WorkerEvent["kind"]> = Extract<WorkerEvent, { kind: K }>;

export function linkOpened(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  const { relation } = state;
  if (relation.state !== "dialling") return;
  relation.state = "joining";
  relation.atMs = atMs + state.rules.joinTimeoutMs;
  const holding = [...state.held.values()].map((held) => held.ref);
  effects.push({ kind: "join", holding });
}

export function welcomed(
  state: WorkerState,
  event: EventOf<"welcomed">,
  effects: WorkerEffect[],
): void {
  const { relation } = state;
  if (relation.state !== "joining") return;
  relation.state = "joined";
  relation.failures = 0;
  relation.lastJoinedMs = event.atMs;
  relation.isExisting = event.isExisting === true;
  relation.leaseMs = Math.max(1, event.leaseMs);
  relation.heartbeatMs = Math.max(1, Math.min(event.heartbeatMs, relation.leaseMs));
  relation.nextPingAtMs = event.atMs + relation.heartbeatMs;
  relation.atMs = Infinity;
  // A manager that has just welcomed the worker assumes that it has room.
  if (state.pausedFor !== "") effects.push({ kind: "tell-pause", reason: state.pausedFor });
  if (state.stop !== null) state.stop.isTold = false;
}

/** Any request that is answered does what a ping does: the next one counts from it. */
export function heard(state: WorkerState, sentAtMs: number): void {
  const { relation } = state;
  if (relation.state !== "joined" && relation.state !== "leaving") return;
  relation.nextPingAtMs = Math.max(relation.nextPingAtMs, sentAtMs + relation.heartbeatMs);
  const until = sentAtMs + relation.leaseMs;
  if (relation.leaseUntilMs === Infinity || until > relation.leaseUntilMs) {
    relation.leaseUntilMs = until;
  }
}

/** The link is gone, or could not be had. */
export function linkLost(
  state: WorkerState,
  event: EventOf<"link-lost">,
  effects: WorkerEffect[],
): void {
  const { relation, rules } = state;
  if (relation.state === "joined") relation.lastJoinedMs = event.atMs;
  disconnected(state, event.atMs, event.chance);
  const waitedMs = event.atMs - relation.lastJoinedMs;
  if (rules.giveUpMs === 0 || !(waitedMs >= rules.giveUpMs)) return;
  dropEverything(state, effects);
  relation.state = "ended";
  const message = `no coordinator for ${Math.round(waitedMs / 1000)} s; last: ${event.reason}`;
  effects.push({ kind: "end", failure: { code: "unavailable", message } });
}

/** Without a link: dial again after a wait that doubles, shortened by up to a half by chance. */
export function disconnected(state: WorkerState, atMs: number, chance: number): void {
  const { relation, rules } = state;
  if (relation.state === "ended") return;
  const wait = Math.min(rules.backoffMaxMs, rules.backoffMs * 2 ** Math.min(30, relation.failures));
  relation.failures += 1;
  relation.state = "apart";
  relation.atMs = atMs + wait * (1 - chance / 2);
  relation.nextPingAtMs = Infinity;
  recallReports(state);
}

export function refused(
  state: WorkerState,
  event: EventOf<"refused">,
  effects: WorkerEffect[],
): void {
  const { code, message } = event.failure;
  effects.push({ kind: "hang-up", reason: `${code}: ${message}` });
  disconnected(state, event.atMs, event.chance);
  if (!event.final) return;
  dropEverything(state, effects);
  state.relation.state = "ended";
  effects.push({ kind: "end", failure: event.failure });
}

/** What is due at `atMs`: dialling, giving up on a silent manager, the heartbeat, the fence. */
export function relationTime(
  state: WorkerState,
  event: EventOf<"time-passed">,
  effects: WorkerEffect[],
): void {
  const { relation } = state;
  const { atMs, chance } = event;
  if (atMs >= relation.leaseUntilMs) {
    relation.leaseUntilMs = Infinity;
    dropEverything(state, effects);
    // Also while joining: it has announced attempts that it has just dropped, and the manager must
    // not rely on that list.
    if (relation.state === "joined" && relation.isExisting) effects.push({ kind: "say-bye" });
    if (relation.state === "joined" || relation.state === "joining") {
      effects.push({ kind: "hang-up", reason: "no answer within the lease" });
      disconnected(state, atMs, chance);
    }
  }
  if (relation.state === "joined" && atMs >= relation.nextPingAtMs) {
    relation.nextPingAtMs = atMs + relation.heartbeatMs;
    effects.push({ kind: "ping" });
  }
  if (atMs < relation.atMs) return;
  if (relation.state === "apart") {
    relation.state = "dialling";
    if (Number.isNaN(relation.lastJoinedMs)) relation.lastJoinedMs = atMs;
    relation.atMs = atMs + state.rules.joinTimeoutMs;
    effects.push({ kind: "dial" });
  } else if (relation.state === "dialling" || relation.state === "joining") {
    effects.push({ kind: "hang-up", reason: "the coordinator does not answer" });
    disconnected(state, atMs, chance);
  } else if (relation.state === "leaving") {
    effects.push({ kind: "hang-up", reason: "bye" });
    relation.state = "ended";
    effects.push({ kind: "end", failure: null });
  }
}

export function relationWakeMs(state: WorkerState): number {
  const { relation } = state;
  if (relation.state === "ended") return Infinity;
  return Math.min(relation.atMs, relation.nextPingAtMs, relation.leaseUntilMs);
}
