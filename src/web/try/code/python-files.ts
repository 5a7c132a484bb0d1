/** The Python that jobs of the editor run by: fetched from the coordinator when the first one is
 *  run, and kept by the browser. */
import type { PythonFiles } from "../../../wire/browser/python-index.ts";
import { PythonFetcher } from "../../../worker/browser/tab/python.ts";
import { say } from "../../i18n/language.ts";
import { tryMessages } from "../messages.ts";
import { BuildFailure } from "./failure.ts";
import { whyNoPython } from "./why-no-python.ts";

let fetcher: PythonFetcher | null = null;

/** Throws `BuildFailure` when it cannot be had: the next call tries again. */
export async function pythonFiles(): Promise<PythonFiles> {
  fetcher ??= new PythonFetcher(location.origin, () => {});
  try {
    await fetcher.fetch();
  } catch (error) {
    const { message, values } = whyNoPython(error, location.host);
    throw new BuildFailure(say(tryMessages, message, values));
  }
  return fetcher.files as PythonFiles;
}
