/** A fake cluster with volunteers, for tests. */

import type { Effect } from "../../effect.ts";
import { assert } from "../../error.ts";
import type { WorkerSpecs } from "../../event.ts";
import type { AttemptRef, WorkerId } from "../../ids.ts";
import { TestCluster, testSpecs } from "../../testing/fake-cluster.ts";

export class Village extends TestCluster {
  /** A person with a place of its own, and one worker. */
  volunteer(person: string, over: Partial<WorkerSpecs> & { block?: string } = {}): WorkerId {
    const { block = `block of ${person}`, ...specs } = over;
    const effects = this.tell({
      kind: "worker-joined",
      worker: null,
      owner: person,
      specs: testSpecs(specs),
      volunteer: { person, block },
      holding: [],
    });
    const worker = effects.find((effect) => effect.kind === "reply")?.value.worker;
    assert(worker !== undefined, `${person} is admitted`);
    if (!this.running.has(worker)) this.running.set(worker, []);
    return worker;
  }

  /** The worker's first attempt ends; `root` null: with the right result. */
  says(worker: WorkerId, root: string | null = null): Effect[] {
    const ref = this.runs(worker);
    const said = root ?? `${ref.stage}-${ref.task}`;
    return this.report(worker, ref, { output: { root: said, sizeBytes: 1, records: 1 } });
  }

  runs(worker: WorkerId): AttemptRef {
    const [ref] = this.running.get(worker) ?? [];
    assert(ref !== undefined, `${worker} runs something`);
    return ref;
  }

  isIdle(worker: WorkerId): boolean {
    return (this.running.get(worker) ?? []).length === 0;
  }
}
