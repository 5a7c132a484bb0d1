/** Reads lines of an answer that has a call of its own for those from an index on: they go on where
 *  they were when the line is cut. */
import { Patience, type TransferOptions } from "./patience.ts";
import type { Call, Transport } from "./transport.ts";

/** `path` takes `?from=`, the index of the first line that is wanted. */
export async function* readLines(
  transport: Transport,
  path: string,
  options: TransferOptions,
): AsyncGenerator<string, void> {
  const patience = new Patience(options);
  const { signal } = options;
  let count = 0;
  for (let tries = 0; ; tries++) {
    const call: Call = { method: "GET", path: count === 0 ? path : `${path}?from=${count}` };
    try {
      for await (const line of transport.texts(signal === undefined ? call : { ...call, signal })) {
        count++;
        tries = 0;
        patience.moved();
        options.onBytes?.(line.length + 1);
        yield line;
      }
      return;
    } catch (error) {
      await patience.pause(error, tries);
    }
  }
}
