/** Runs a command to its end; its standard output is not wanted. */
import { Started } from "../test/fixtures/started.ts";

/** Throws with what it wrote to standard error when it fails. */
export async function command(file: string, args: readonly string[]): Promise<void> {
  const { code, err } = await new Started([file, ...args]).ended;
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${err}`);
}
