/** The users of the simulated world: they submit with a key until it is acknowledged, watch,
 *  sometimes cancel, collect, and remove. The judge checks the cluster against the answers that
 *  they got. */
import { ClusterError } from "../../src/core/error.ts";
import type { JobId } from "../../src/core/ids.ts";
import type { SimJob } from "../jobs.ts";
import { digestOf } from "../world/digest.ts";
import { coordinatorName } from "../world/names.ts";
import { SimProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { SimCoordinator } from "./coordinator.ts";

export const clientName = "client";
const askTimeoutMs = 10_000;

export class SimClient {
  readonly process: SimProcess;
  /** Jobs whose owner is still waiting. */
  left = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    this.process = new SimProcess(clientName, world.clock);
  }

  follow(job: SimJob): void {
    this.left += 1;
    this.process.after(job.submitAtMs - this.#world.clock.nowMs, () => {
      this.#follow(job).then(
        () => {
          this.left -= 1;
        },
        (error) => this.#world.judge.failed(error),
      );
    });
  }

  async #follow(job: SimJob): Promise<void> {
    const { judge, tell } = this.#world;
    const id = await this.#submit(job);
    if (job.cancelAtMs < Infinity) {
      const inMs = job.cancelAtMs - this.#world.clock.nowMs;
      this.process.after(inMs, () => {
        this.#cancel(job, id).catch((error) => this.#world.judge.failed(error));
      });
    }
    const summary = await this.#end(id);
    tell(() => `client: ${id} (${job.key}) is ${summary.state} ${summary.failure?.message ?? ""}`);
    judge.ended(job, summary);
    if (summary.state === "done") {
      const results = await this.#until((server) => server.results(id));
      judge.collected(job, id, results);
    }
    judge.removing(id);
    await this.#until((server) => server.remove(id), "not-found");
    judge.removed(job, id);
  }

  async #submit(job: SimJob): Promise<JobId> {
    const { judge, random, tell } = this.#world;
    const digest = digestOf(JSON.stringify(job.spec));
    const submit = async (server: SimCoordinator) => {
      await server.putBlob(job.code);
      return server.submit(job, digest);
    };
    const id = await this.#until(submit);
    tell(() => `client: ${job.key} submitted as ${id}: ${describe(job)}`);
    judge.submitted(job, id, digest);
    if (random.chance(0.2)) judge.submitted(job, await this.#until(submit), digest);
    if (random.chance(0.05)) await this.#submitOther(job);
    return id;
  }

  /** Another body under a used key must be refused. */
  async #submitOther(job: SimJob): Promise<void> {
    const work = (server: SimCoordinator) => server.submit(job, digestOf("other"));
    const options = { timeoutMs: askTimeoutMs, work };
    const { network, judge } = this.#world;
    const outcome = await network
      .ask(this.process, coordinatorName, options)
      .catch((error: ClusterError) => error.code);
    if (outcome !== "unavailable" && outcome !== "storage-full") judge.otherBody(job, outcome);
  }

  async #cancel(job: SimJob, id: JobId): Promise<void> {
    await this.#until((server) => server.cancel(id, job.owner), "not-found");
    this.#world.tell(() => `client: cancel of ${id} acknowledged`);
    this.#world.judge.cancelled(job, id);
  }

  async #end(id: JobId) {
    for (let waitMs = 500; ; waitMs = Math.min(60_000, waitMs * 1.5)) {
      const summary = await this.#until((server) => server.summary(id));
      if (summary === null) throw new Error(`I1: ${id} was acknowledged and is missing`);
      if (summary.state !== "running") return summary;
      await this.process.sleep(waitMs);
    }
  }

  /** Retries until it is answered. `enough`: an error which shows that it has happened already. */
  async #until<T>(work: (server: SimCoordinator) => T | Promise<T>, enough = ""): Promise<T> {
    const { network, random } = this.#world;
    for (;;) {
      try {
        const options = { timeoutMs: askTimeoutMs, work };
        return await network.ask(this.process, coordinatorName, options);
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        if (error.code === enough) return undefined as T;
        const retry = ["unavailable", "storage-full", "storage-failed", "fenced"];
        if (!retry.includes(error.code)) throw error;
      }
      await this.process.sleep(500 + random.below(3_000));
    }
  }
}

function describe(job: SimJob): string {
  const stages = job.spec.stages.map((stage) => `${stage.taskCount} ${stage.kind}`);
  return `${stages.join(" → ")}, about ${job.meanMs} ms each`;
}
