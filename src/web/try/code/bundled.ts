/** The job in the editor in the form that a sandbox needs. The compiler is loaded when it is
 *  needed. */
import type { PageJob } from "../../../wire/browser/trial.ts";

export type JobLanguage = "typescript" | "python";

/** Throws `BuildFailure`. */
export async function bundled(source: string, language: JobLanguage): Promise<PageJob> {
  if (language === "python") {
    const { pythonFiles } = await import("./python-files.ts");
    return { code: "", source, program: {}, pythonFiles: await pythonFiles() };
  }
  const [{ bundleSource }, { treeOf }, { default: sdk }] = await Promise.all([
    import("./bundle.ts"),
    import("./tree/tree.ts"),
    import("virtual:sdk-code"),
  ]);
  return { code: bundleSource(source, sdk), source, program: treeOf(source) };
}
