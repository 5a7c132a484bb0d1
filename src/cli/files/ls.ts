/** `tequio ls`: what members share now. */
import type { Command } from "commander";
import type { SharedFile } from "../../core/catalogue.ts";
import { withExamples, withJson } from "../options.ts";
import { toPaste } from "../paste.ts";
import { styled } from "../screen.ts";
import { tableLines, treeLines } from "./listing.ts";
import { type MasterOptions, openCatalogue, withMaster } from "./master.ts";

export type ListOptions = MasterOptions & { readonly json?: boolean; readonly tree?: boolean };

export function define(command: Command): void {
  command
    .argument("[folder]", "list only files below this folder")
    .option("--tree", "show folders as a tree");
  withExamples(withJson(withMaster(command)), [
    ["tequio ls", "all shared files, by name"],
    ["tequio ls --tree books", "one folder as a tree"],
    ["tequio ls --json", "names, sizes and content hashes as JSON"],
  ]).action(async (folder: string | undefined, options: ListOptions) => {
    const prefix = folder === undefined ? "" : `${folder.replace(/\/+$/, "")}/`;
    const files = await listed(options, ({ name }) => name.startsWith(prefix));
    const share = toPaste(options, "share", "PATH…");
    show(files, options, `nothing is shared yet; share files with: ${share}`);
  });
}

export async function listed(
  options: MasterOptions,
  isWanted: (file: SharedFile) => boolean,
): Promise<SharedFile[]> {
  const open = await openCatalogue(options);
  try {
    return (await open.catalogue.files()).filter(isWanted);
  } finally {
    await open.close();
  }
}

export function show(files: readonly SharedFile[], options: ListOptions, none: string): void {
  if (options.json) console.log(JSON.stringify(files));
  else if (files.length === 0) console.log(none);
  else if (options.tree) console.log(treeLines(files).join("\n"));
  else {
    const [header, ...rows] = tableLines(files);
    console.log([styled("bold", header ?? ""), ...rows].join("\n"));
  }
}
