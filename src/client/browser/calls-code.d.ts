/** Made by the build (`scripts/web/browser-client.ts`): what calls functions on workers. */
declare module "virtual:calls-code" {
  /** `sdk/ship/calls.ts` as an expression: an object with `callsOf`. */
  const text: string;
  export default text;
}
