/** Made by the build (`scripts/browsers/tab-code.ts`): what a task's Worker starts with. */
declare module "virtual:task-code" {
  const code: string;
  export default code;
}
