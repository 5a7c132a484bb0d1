/** The bundler, set up for code that runs on workers: Node and browsers alike. */
import type { Plugin } from "rolldown";
import { ClusterError } from "../../core/error.ts";
import { fromBundler } from "./failure.ts";

/** Largest bundle, in bytes. */
export const codeMaxBytes = 64 * 1024 * 1024;

/** One ES module with an inline source map. `entry`: a path, or what a plugin of `before` resolves.
 *  `folder`: where the bundle seems to lie. Throws `build-failed`, and `limit-exceeded` for more
 *  than `codeMaxBytes`. */
export async function bundleModule(
  entry: string,
  folder: string,
  before: readonly Plugin[] = [],
): Promise<string> {
  // Loaded only when something is built: the bundler's binary takes longer to load than most
  // commands run.
  const { rolldown } = await import("rolldown");
  const { importRules } = await import("./resolve.ts");
  try {
    const build = await rolldown({
      input: entry,
      cwd: folder,
      // Workers are Node and browsers alike: packages are asked for the code that both can run.
      platform: "neutral",
      resolve: {
        mainFields: ["browser", "module", "main"],
        aliasFields: [["browser"]],
        // Code for Workers comes before code for pages, which may want a document.
        conditionNames: ["worker", "browser", "import", "default"],
        extensionAlias: { ".js": [".js", ".ts"], ".mjs": [".mjs", ".mts"] },
      },
      // Packages ask it whether to warn and to check; job code has no process to ask.
      transform: { define: { "process.env.NODE_ENV": '"production"' } },
      plugins: [...before, importRules(folder)],
      logLevel: "silent",
      // Its comments hold paths, which differ between machines.
      experimental: { attachDebugInfo: "none" },
      tsconfig: false,
    });
    try {
      const { output } = await build.generate({
        format: "esm",
        codeSplitting: false,
        sourcemap: "inline",
        // As if the bundle lay beside the job file.
        dir: folder,
        entryFileNames: "job.js",
        sourcemapPathTransform: (name) => name.replace(/^.*\0|\?.*$/g, "").replaceAll("\\", "/"),
      });
      return checkedSize(output[0].code);
    } finally {
      await build.close();
    }
  } catch (error) {
    throw fromBundler(error, folder);
  }
}

function checkedSize(code: string): string {
  const sizeBytes = Buffer.byteLength(code);
  if (sizeBytes <= codeMaxBytes) return code;
  const text = `the job is ${sizeBytes} bytes bundled; at most ${codeMaxBytes}`;
  throw new ClusterError("limit-exceeded", `${text}: give data as an input`);
}
