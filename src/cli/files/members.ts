/** `tequio members`: who shares files, from where, how many, and when it last gave a sign of
 *  life. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { MemberSummary } from "../../core/summary.ts";
import { openClient } from "../connection.ts";
import { countText, durationText } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { toPaste } from "../paste.ts";
import { styled } from "../screen.ts";
import { oneLine, table } from "../text.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly remove?: string;
};

const header = ["MEMBER", "STATE", "ADDRESS", "FILES", "HEARD", "OWNER", "KIND"];

export function define(command: Command): void {
  command
    .option("-a, --all", "include users that are not connected")
    .option("--remove <name>", "remove a member and its files (administrators only)");
  withExamples(withJson(withTarget(command)), [
    ["tequio members", "members that are connected, with their number of files"],
    ["tequio members --all", "include console users that are not connected"],
    ["tequio members --remove old-laptop", "free a name whose user cannot unregister any more"],
  ]).action(members);
}

async function members(options: Options): Promise<void> {
  const client = await openClient(options);
  if (options.remove !== undefined) {
    await client.removeMember(options.remove);
    console.log(`member ${oneLine(options.remove)} is removed with its files`);
    return;
  }
  const { atMs, members: all } = await client.members();
  const shown = all.filter(({ state }) => options.all || state === "here");
  if (options.json) console.log(JSON.stringify(shown));
  else if (shown.length === 0) {
    const share = toPaste(options, "share", "PATH…");
    console.log(`no member shares files now; share some with: ${share}`);
  } else {
    const rows = shown.map((member) => row(member, atMs));
    const [first, ...rest] = table(header, rows, [3]);
    console.log([styled("bold", first ?? ""), ...rest].join("\n"));
  }
}

function row(member: MemberSummary, atMs: number): string[] {
  const { address, files, heardAtMs, kind, name, owner, state } = member;
  const heard = heardAtMs === null ? "-" : `${durationText(Math.max(0, atMs - heardAtMs))} ago`;
  return [
    oneLine(name),
    state,
    address === "" ? "-" : oneLine(address),
    countText(files),
    heard,
    owner === "" ? "-" : oneLine(owner),
    kind,
  ];
}
