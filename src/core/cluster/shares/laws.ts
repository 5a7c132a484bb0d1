/** What is kept of shares beside jobs and leases agrees with them (I16), and those with ready tasks
 *  are those that are ranked (I8). */
import { assert } from "../../error.ts";
import { firstReady } from "../shares.ts";
import type { CoordinatorState, JobRecord } from "../state.ts";
import type { OwnerShare } from "./share.ts";

export function checkShares(state: CoordinatorState): void {
  const { byNumber, owners, ready } = state.shares;
  const ranked = new Map<number, number>();
  for (const number of state.active) {
    const job = state.jobs.get(number) as JobRecord;
    const owner = owners.get(job.owner);
    if (owner === undefined) {
      assert(false, `I16: the owner of j-${number} has no share`);
      continue;
    }
    ranked.set(owner.number, (ranked.get(owner.number) ?? 0) + 1);
    const isReady = firstReady(job) !== null;
    if (isReady !== owner.ready.has(number)) assert(false, `I8: j-${number} is not ranked rightly`);
    if (isReady && !ready.has(owner.number)) assert(false, `I8: owner of j-${number} not ranked`);
  }
  for (const owner of owners.values()) {
    const jobs = ranked.get(owner.number) ?? 0;
    if (owner.jobs !== jobs || jobs === 0) {
      assert(false, `I16: ${owner.owner} counts ${owner.jobs} jobs of ${jobs}`);
    }
  }
  if (byNumber.size !== owners.size) assert(false, "I16: owners by number");
  checkSlots(state);
}

/** The slots that owners take, by the leases of every worker. */
function checkSlots(state: CoordinatorState): void {
  const taken = new Map<OwnerShare, number>();
  for (const { leases, held, number, specs } of state.workers.values()) {
    const byOwner = new Map<OwnerShare, number>();
    let chargeMs = 0;
    for (const lease of leases) {
      const { owner: name } = state.jobs.get(lease.job) as JobRecord;
      const owner = state.shares.owners.get(name) as OwnerShare;
      byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
      chargeMs += lease.chargeMs;
    }
    if (chargeMs !== held.chargeMs) assert(false, `I16: w-${number} holds ${chargeMs} ms`);
    for (const [owner, count] of byOwner) {
      taken.set(owner, (taken.get(owner) ?? 0) + Math.min(count, specs.slots));
    }
  }
  for (const owner of state.shares.owners.values()) {
    const slots = taken.get(owner) ?? 0;
    if (owner.slots === slots) continue;
    assert(false, `I16: ${owner.owner} takes ${slots} slots, ${owner.slots} are counted`);
  }
}
