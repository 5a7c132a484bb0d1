/** Our own commands as processes: sharing until they are stopped, and fetching. */
import { announced, cli } from "../../test/fixtures/cluster.ts";
import { Started } from "../../test/fixtures/started.ts";

export type Sharing = { readonly link: string; readonly root: string; stop(): Promise<void> };
type Shared = { readonly link: string; readonly files: ReadonlyArray<{ readonly root: string }> };

export async function share(args: readonly string[], dir: string): Promise<Sharing> {
  const sharing = start(["share", "--json", ...args], dir);
  const { files, link } = await announced<Shared>(sharing);
  return { link, root: files[0]?.root ?? "", stop: async () => void (await sharing.stop()) };
}

/** Runs a command to its end; its standard output. */
export async function tequio(args: readonly string[], dir: string): Promise<string> {
  const { code, err, out } = await start(args, dir).ended;
  if (code !== 0) throw new Error(`tequio ${args.join(" ")} ended with ${code}: ${err}`);
  return out;
}

/** Everything that the command remembers lies in `dir`. */
export function start(args: readonly string[], dir: string): Started {
  return Started.node([cli, ...args], { env: { ...process.env, XDG_STATE_HOME: dir } });
}
