/** The job in the editor in the form that a sandbox needs. The compiler is loaded when it is
 *  needed. */
import type { PageJob } from "../../../wire/browser/trial.ts";

/** Throws `BuildFailure`. */
export async function bundled(source: string): Promise<PageJob> {
  const [{ bundleSource }, { treeOf }, { default: sdk }] = await Promise.all([
    import("./bundle.ts"),
    import("./tree/tree.ts"),
    import("virtual:sdk-code"),
  ]);
  return { code: bundleSource(source, sdk), source, program: treeOf(source) };
}
