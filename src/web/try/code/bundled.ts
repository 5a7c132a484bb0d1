/** The job in the editor as the module that travels. The compiler is loaded when it is needed. */

/** Throws `BuildFailure`. */
export async function bundled(source: string): Promise<string> {
  const [{ bundleSource }, { default: sdk }] = await Promise.all([
    import("./bundle.ts"),
    import("virtual:sdk-code"),
  ]);
  return bundleSource(source, sdk);
}
