/** Which columns of a list's results repeat a field of the items in every row: a function that
 *  returns its item with more fields is common, and the item's own column says it. */
import { jsonText } from "../../wire/block/json.ts";
import type { Cells, Renamed } from "./cells.ts";
import type { Cell } from "./columns.ts";

export class Repeated {
  readonly #renamed: Renamed;
  /** In how many rows each is equal to the column that it would repeat. */
  readonly #equal = new Map<string, number>();
  #rows = 0;

  /** `renamed`: may grow while rows come. */
  constructor(renamed: Renamed) {
    this.#renamed = renamed;
  }

  add(row: Cells): void {
    this.#rows++;
    for (const [name, own] of this.#renamed) {
      const isEqual = row.has(name) && row.has(own) && same(row.get(name)!, row.get(own)!);
      if (isEqual) this.#equal.set(name, (this.#equal.get(name) ?? 0) + 1);
    }
  }

  has(name: string): boolean {
    return this.#rows > 0 && this.#equal.get(name) === this.#rows;
  }
}

function same(a: Cell, b: Cell): boolean {
  return a === b || jsonText(a, "the result") === jsonText(b, "the result");
}
