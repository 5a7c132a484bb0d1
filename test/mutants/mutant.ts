/** A planted bug: what a mistake in the product would look like, as edits of its source. */
import type { SimOptions } from "../../sim/simulate.ts";
import type { Edit } from "./places.ts";

export type Mutant = {
  /** The bug in a few words. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Faults that should be more frequent for it. */
  readonly rates?: SimOptions["rates"];
  /** Title of the test that must fail, where no simulation runs that code. */
  readonly nearest?: string;
  /** The seed that this test tries first, where it tries several: one that shows the bug. The
   *  others follow when it does not. */
  readonly firstSeed?: number;
};

/** With one edit, in the function of that name. */
export function planted(name: string, where: string, find: string, put: string): Mutant {
  return { name, edits: [{ in: where, find, put }] };
}
