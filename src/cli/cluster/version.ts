/** `tequio version`: of this program, of Node, and of the coordinator when one is near. */
import type { Command } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import { dataDirOf, readEndpoint } from "../../client/place.ts";
import { withExamples, withJson } from "../options.ts";

export function define(command: Command): void {
  command.option("--data <dir>", "data directory of a coordinator on this machine");
  withExamples(withJson(command), [["tequio version", "versions to quote in a bug report"]]).action(
    (options: { readonly json?: boolean; readonly data?: string }) => {
      const version = packageVersion();
      const coordinator = readEndpoint(dataDirOf(options.data))?.version ?? null;
      const platform = `${process.platform}-${process.arch}`;
      if (options.json) {
        console.log(JSON.stringify({ version, node: process.version, platform, coordinator }));
        return;
      }
      console.log(`tequio ${version} (Node ${process.version}, ${platform})`);
      if (coordinator !== null) console.log(`coordinator on this machine: ${coordinator}`);
    },
  );
}
