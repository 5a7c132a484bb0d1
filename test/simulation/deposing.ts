/** Faults of clusters in which coordinators often resume, even in their start, after another has
 *  taken over, while workers cannot reach that one. */
import type { SimOptions } from "../../sim/simulate.ts";

export const deposing: NonNullable<SimOptions["rates"]> = {
  "coordinator-second": { probability: 1, perHour: 120, forMs: [8_000, 60_000] },
  "link-cut": { probability: 1, perHour: 480, forMs: [5_000, 60_000] },
};
