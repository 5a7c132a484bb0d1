/** Starts programs of ours that are to die at a failpoint. */
import { type ProgramName, programFile } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";

/** `failpoint` as in `TEQUIO_FAILPOINT`; null = none. */
export function startArmed(
  name: ProgramName,
  args: readonly string[],
  failpoint: string | null = null,
): Started {
  const env = { ...process.env, TEQUIO_FAILPOINT: failpoint ?? undefined };
  return Started.node([programFile(name), ...args], { env });
}
