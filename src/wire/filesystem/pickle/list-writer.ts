/** Writes the pickle of a list of any length, item by item: a result need not be in memory. */

import type { PyValue } from "../value.ts";
import { op } from "./opcodes.ts";
import { writePickle } from "./writer.ts";

/** Items between two marks, as in Python. */
const batch = 1_000;
/** PROTO, its number, FRAME and the length of it. */
const headBytes = 11;

/** Without frames, which readers need not have. Throws `limit-exceeded` for an item that is too
 *  large for a pickle of its own. */
export async function* writePickledList(
  items: AsyncIterable<PyValue> | Iterable<PyValue>,
): AsyncGenerator<Uint8Array, void> {
  yield Uint8Array.of(op.proto, 4, op.emptyList);
  let held = 0;
  for await (const item of items) {
    if (held === 0) yield Uint8Array.of(op.mark);
    // Its opcodes say what to memoize, never where: so they mean the same behind others.
    yield writePickle(item).slice(headBytes, -1);
    held = (held + 1) % batch;
    if (held === 0) yield Uint8Array.of(op.appends);
  }
  yield held === 0 ? Uint8Array.of(op.stop) : Uint8Array.of(op.appends, op.stop);
}
