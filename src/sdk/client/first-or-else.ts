/** One source of values, or another when the first has none or is cut off before it has any. No
 *  generator, since each value of many would wait a turn more. */
import { ClusterError } from "../../core/error.ts";

type Values = AsyncGenerator<unknown, void>;

export function firstOrElse(first: Values, otherwise: () => Values): AsyncIterable<unknown> {
  let source: Values | null = null;
  const begin = async () => {
    const result = await first.next().catch((error: unknown) => {
      if (error instanceof ClusterError && error.code === "unavailable") return null;
      throw error;
    });
    const hasValue = result !== null && result.done !== true;
    source = hasValue ? first : otherwise();
    return hasValue ? result : source.next();
  };
  const iterator: AsyncIterator<unknown, void> = {
    next: () => source?.next() ?? begin(),
    return: async () => (source ?? first).return(),
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
