/** What to do when a coordinator refuses to start on what it finds: said by the command line, since
 *  the store knows no commands. */
import { ClusterError } from "../../core/error.ts";

/** The same failure, with the way out when the data itself is damaged. */
export async function withAdvice<T>(dataDir: string, starting: Promise<T>): Promise<T> {
  try {
    return await starting;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    if (error.code === "fenced") {
      const down = `tequio down --data ${dataDir}`;
      const ways = `Stop it: ${down}\nOr take its place: tequio up --data ${dataDir} --take-over`;
      throw new ClusterError("fenced", `${error.text}\n${ways}`, { cause: error });
    }
    if (error.code !== "storage-failed") throw error;
    const text =
      `${error.text}\nnothing was changed. See all that is damaged: tequio check ${dataDir}\n` +
      "Go on from a backup: tequio restore BACKUP --data NEW_DIR";
    throw new ClusterError(error.code, text, { cause: error });
  }
}
