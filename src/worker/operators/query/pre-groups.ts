/** Groups of a map task before they are encoded: most rows belong to a group that is here, and then
 *  nothing is copied. Full, it passes all on; groups may be passed on more than once. */
import type { Key } from "../../../wire/block/key.ts";
import type { Emit } from "../../task/job.ts";

/** Groups, whatever they hold: so tasks pass on the same with whatever memory. Sketches take some
 *  KiB each. */
const groupsMax = 50_000;
const sketchesMax = 2_000;

type Merge = (a: unknown, b: unknown) => unknown;
type Held = { readonly key: Key; states: unknown };

export class PreGroups {
  readonly #merge: Merge;
  readonly #emit: Emit;
  readonly #max: number;
  readonly #groups = new Map<unknown, Held>();

  /** `hasSketches`: states may be large. */
  constructor(merge: Merge, emit: Emit, hasSketches: boolean) {
    this.#merge = merge;
    this.#emit = emit;
    this.#max = hasSketches ? sketchesMax : groupsMax;
  }

  add(key: Key, states: unknown): void {
    const name = typeof key === "object" && key !== null ? nameOf(key) : key;
    const held = this.#groups.get(name);
    if (held !== undefined) {
      held.states = this.#merge(held.states, states);
      return;
    }
    this.#groups.set(name, { key, states });
    if (this.#groups.size >= this.#max) this.flush();
  }

  flush(): void {
    for (const { key, states } of this.#groups.values()) this.#emit(key, states);
    this.#groups.clear();
  }
}

/** Of an array or a decimal; no text is one. */
function nameOf(key: Key): string {
  if (!Array.isArray(key)) return `\0d${key}`;
  let name = "\0";
  for (const part of key as readonly Key[]) {
    name += typeof part === "string" ? `s${part.length}:${part}` : `${typeof part} ${part};`;
  }
  return name;
}
