/** The judge of the relay: outputs of unreachable workers that were acknowledged are kept as long
 *  as their job runs, except for those that the disk itself loses. */
import { type CoordinatorState, RELAY } from "../../src/core/cluster/state.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { attemptKey, idNumber } from "../../src/core/ids.ts";
import type { SimRelay } from "../world/relay.ts";
import type { Exercised } from "./laws.ts";

export class RelayJudge {
  #relay: SimRelay | null = null;
  readonly #exercised: Exercised;

  constructor(exercised: Exercised) {
    this.#exercised = exercised;
  }

  /** `state`: the state after the durable records. */
  watch(
    relay: SimRelay,
    state: CoordinatorState,
    breach: (law: string, text: string) => void,
  ): void {
    this.#relay = relay;
    relay.onRemove = (job) => {
      const found = state.jobs.get(idNumber(job));
      this.#exercised("I9: relayed outputs stay while their job runs");
      if (found?.state === "running") breach("I9", `outputs of ${job} are removed while it runs`);
    };
  }

  /** Called after each record. */
  after(state: CoordinatorState, event: CoordinatorEvent): void {
    if (event.kind !== "attempts-reported" || this.#relay === null) return;
    const job = state.jobs.get(idNumber(event.job));
    const stage = job?.stages[event.stage];
    if (stage === undefined || job?.state !== "running") return;
    for (const { attempt, kind, task } of event.reports) {
      if (kind !== "done" || stage.holder[task] !== RELAY) continue;
      if (stage.committed[task] !== attempt) continue;
      const key = attemptKey({ job: event.job, stage: event.stage, task, attempt });
      this.#exercised("C1: what is committed from the relay has been on its disk");
      if (this.#relay.hasKept(key, stage.outputs[task]?.root ?? "")) continue;
      throw new Error(`C1: ${key} is committed, and the relay has never had it`);
    }
  }
}
