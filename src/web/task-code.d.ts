/** Made by the build (`scripts/browsers/tab-code.ts`): the code that a task's Worker starts
 *  with. */
declare module "virtual:task-code" {
  const code: string;
  export default code;
}
