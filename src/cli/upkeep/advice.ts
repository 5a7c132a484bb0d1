/** What to do when a coordinator refuses to start on what it finds: printed by the command line,
 *  since the store knows no commands. */
import { ClusterError } from "../../core/error.ts";
import { quoted, upToPaste } from "../paste.ts";

/** The same failure, with the way out when another `up` has the directory, or the data itself is
 *  damaged. `typed`: the arguments of this `up`. */
export async function withAdvice<T>(
  { dataDir, typed }: { readonly dataDir: string; readonly typed: readonly string[] },
  starting: Promise<T>,
): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.code === "fenced") {
      const down = `tequio down --data ${quoted(dataDir)}`;
      const instead = upToPaste(typed, dataDir, ["--take-over"]);
      const ways = `Stop it: ${down}\nOr take its place: ${instead}`;
      throw new ClusterError("fenced", `${error.text}\n${ways}`, { cause: error });
    }
    if (error.code !== "storage-failed") throw error;
    const check = `tequio check ${quoted(dataDir)}`;
    const text =
      `${error.text}\nnothing was changed. See all that is damaged: ${check}\n` +
      "Go on from a backup: tequio restore BACKUP --data NEW_DIR";
    throw new ClusterError(error.code, text, { cause: error });
  }
}
