/** The judge of the relay: outputs of workers that are unreachable, or have left, are kept as long
 *  as their job runs once they are acknowledged, except for those that the disk itself loses. */
import { type CoordinatorState, DONE, RELAY, type Stage } from "../../src/core/cluster/state.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey, idNumber } from "../../src/core/ids.ts";
import type { SimRelay } from "../world/relay.ts";
import type { Exercised } from "./laws.ts";

export class RelayJudge {
  #relay: SimRelay | null = null;
  /** Tasks of this event whose outputs lie with the worker that hands them over. */
  #held: number[] = [];
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
    if (event.kind === "outputs-handed-over") this.#handedOver(state, event);
    if (event.kind !== "attempts-reported" || this.#relay === null) return;
    const job = state.jobs.get(idNumber(event.job));
    const stage = job?.stages[event.stage];
    if (stage === undefined || job?.state !== "running") return;
    for (const { attempt, kind, task } of event.reports) {
      if (kind !== "done" || stage.holder[task] !== RELAY) continue;
      if (stage.committed[task] !== attempt) continue;
      this.#checkKept(stage, { job: event.job, stage: event.stage, task, attempt });
    }
  }

  /** Before and after the step: only what lies with the worker changes its place. */
  before(state: CoordinatorState, event: CoordinatorEvent): void {
    this.#held = [];
    if (event.kind !== "outputs-handed-over") return;
    const job = state.jobs.get(idNumber(event.job));
    const stage = job?.stages[event.stage];
    if (stage === undefined || job?.state !== "running") return;
    for (const [task, attempt] of event.outputs) {
      const isThere = stage.state[task] === DONE && stage.committed[task] === attempt;
      if (isThere && stage.holder[task] === idNumber(event.worker)) this.#held.push(task);
    }
  }

  #handedOver(
    state: CoordinatorState,
    { job, outputs, stage: index }: Extract<CoordinatorEvent, { kind: "outputs-handed-over" }>,
  ): void {
    const stage = state.jobs.get(idNumber(job))?.stages[index];
    if (stage === undefined) return;
    for (const task of this.#held) {
      this.#exercised("B2: an output that is handed over outlives its worker");
      if (stage.holder[task] === RELAY) continue;
      throw new Error(`B2: ${job}/${index}/${task} is handed over, and would go with its worker`);
    }
    for (const [task] of outputs) {
      const attempt = stage.committed[task] as number;
      if (stage.state[task] !== DONE || stage.holder[task] !== RELAY) continue;
      this.#checkKept(stage, { job, stage: index, task, attempt });
    }
  }

  #checkKept(stage: Stage, ref: AttemptRef): void {
    const key = attemptKey(ref);
    this.#exercised("C1: what is committed from the relay has been on its disk");
    if (this.#relay?.hasKept(key, stage.outputs[ref.task]?.root ?? "")) return;
    throw new Error(`C1: ${key} is committed, and the relay has never had it`);
  }
}
