/** Where `console.log` of job code goes while it runs in this process: never into the result on
 *  standard output. */
import { format } from "node:util";

const methods = ["log", "info", "warn", "error", "debug"] as const;

/** Sends `console` to `print` until `use` has settled. Not for two at once. */
export async function withJobConsole<T>(
  print: (line: string) => void,
  use: () => Promise<T>,
): Promise<T> {
  const before = { ...console };
  for (const method of methods) console[method] = (...values) => print(format(...values));
  try {
    return await use();
  } finally {
    for (const method of methods) console[method] = before[method];
  }
}
