/** Made by the build (`scripts/web/try-code.ts`). */
declare module "virtual:job-worker" {
  const code: string;
  export default code;
}
declare module "virtual:sdk-code" {
  /** A statement that declares a variable `name` with everything that the SDK exports. */
  const sdk: { readonly name: string; readonly code: string; readonly names: readonly string[] };
  export default sdk;
}
declare module "virtual:type-files" {
  const files: Readonly<Record<string, string>>;
  export default files;
}
