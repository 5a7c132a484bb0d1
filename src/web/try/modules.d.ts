/** Made by the build (`scripts/web/try-code.ts`). */
declare module "virtual:judge-code" {
  const code: string;
  export default code;
}
declare module "virtual:type-files" {
  const files: Readonly<Record<string, string>>;
  export default files;
}
