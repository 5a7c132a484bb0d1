/** The laws of who is believed; see `cluster/laws.ts`. */
import type { CoordinatorState, JobRecord, Stage } from "../state.ts";
import { quorumDefault } from "./check.ts";

/** I28: in a shared job that runs, each result that counts is vouched for: by an own worker, or by
 *  volunteers; of a quorum by as many persons as must agree. */
export function brokenByVouchers({ spec }: JobRecord, stage: Stage, task: number): string | null {
  const vouchers = stage.opinions.vouchers.get(task) ?? [];
  if (vouchers.some(({ own }) => own)) return null;
  const persons = new Set(vouchers.map(({ person }) => person));
  const wanted = spec.trust === "quorum" ? (spec.quorum?.agree ?? quorumDefault.agree) : 1;
  return persons.size >= wanted ? null : `I28: is done, by the word of ${persons.size}`;
}

/** I28: nothing that counts is vouched for by a volunteer that was caught, as long as its job runs.
 *  I29: only live own workers compare results, of jobs that are there, by attempts that were given
 *  out; only live volunteers have tasks whose result is known, of jobs that run. */
export function brokenByAudits(state: CoordinatorState): string | null {
  const { audits, canaries, trust } = state;
  for (const [number, all] of audits.running) {
    const worker = state.workers.get(number);
    if (worker?.live !== true || worker.volunteer !== undefined) {
      return `I29: w-${number} compares results`;
    }
    for (const { job, second, stage, task } of all) {
      const attempts = state.jobs.get(job)?.stages[stage]?.attempts[task] ?? 0;
      if (second.attempt > attempts) return `I29: j-${job}/${stage}/${task} is compared`;
    }
  }
  for (const number of audits.jobs) {
    const wanted = state.jobs.get(number)?.audit?.wanted.length ?? 0;
    if (wanted === 0) return `I29: j-${number} has nothing to compare`;
  }
  for (const [number, all] of canaries.running) {
    const worker = state.workers.get(number);
    const isGiven = all.every(({ attempt, job, stage, task }) => {
      return (
        state.active.has(job) &&
        attempt <= (state.jobs.get(job)?.stages[stage]?.attempts[task] ?? 0)
      );
    });
    const isVolunteer = worker?.live === true && worker.volunteer !== undefined && !worker.caught;
    if (!isVolunteer || !isGiven) return `I29: w-${number} has tasks whose result is known`;
  }
  if (trust.caught.size === 0) return null;
  for (const number of state.active) {
    for (const { index, opinions } of state.jobs.get(number)?.stages ?? []) {
      for (const [task, vouchers] of opinions.vouchers) {
        const caught = vouchers.find(({ person }) => trust.caught.has(person));
        if (caught !== undefined) return `I28: j-${number}/${index}/${task} has ${caught.person}`;
      }
    }
  }
  return null;
}
