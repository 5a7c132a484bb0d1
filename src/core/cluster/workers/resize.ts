/** Workers that lend more slots than when they joined, or fewer: the slider of a tab does that.
 *
 *  1. Leases stay: a worker that lends fewer ends what it runs, or gives back what has not begun.
 *  2. A restart changes nothing: the slots are part of the worker's specs. */
import type { CoordinatorEvent } from "../../event.ts";
import { idNumber } from "../../ids.ts";
import type { CoordinatorState } from "../state.ts";
import { believed, respecify } from "../workers.ts";

export function resizeWorker(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "worker-resized" }>,
): void {
  const worker = state.workers.get(idNumber(event.worker));
  if (worker?.live !== true) return;
  const { slots } = worker.specs;
  respecify(state, worker, believed({ ...worker.specs, slots: event.slots }));
  state.slots += worker.specs.slots - slots;
  if (worker.specs.slots <= slots || worker.pause !== null || worker.caught) return;
  state.choosy.delete(worker.number);
  state.hungry.add(worker.number);
}
