/** `tequio token create|ls|revoke`: who else may use the cluster, and for how long. */
import type { Command } from "commander";
import { Option } from "commander";
import type { Role } from "../../core/access/roles.ts";
import { roles } from "../../core/access/roles.ts";
import type { TokenView } from "../../wire/api/messages.ts";
import { openClient } from "../connection.ts";
import { plural } from "../numbers.ts";
import { countArgument, durationArgument, withExamples, withJson, withTarget } from "../options.ts";
import type { TargetOptions } from "../place.ts";
import { styled } from "../screen.ts";
import { oneLine, table } from "../text.ts";

type CreateOptions = TargetOptions & {
  readonly json?: boolean;
  readonly role: Role;
  readonly owner: string;
  readonly ttl: number;
  readonly uses: number;
};

/** Members that are named. */
const shownMax = 8;
const dayMs = 86_400_000;

export function define(command: Command): void {
  defineCreate(command.command("create").description("make a token; it is shown only now"));
  defineList(command.command("ls").description("list tokens, never their text"));
  defineRevoke(command.command("revoke").description("make tokens useless at once"));
  withExamples(command, [
    ["tequio token create --role submitter --owner ana", "ana may run jobs for a day"],
    ["tequio token ls", "who may do what"],
    ["tequio token revoke <id>", "no longer"],
  ]);
}

function defineCreate(command: Command): void {
  command
    .addOption(new Option("--role <role>", "what it allows").choices([...roles]).default("worker"))
    .option("--owner <name>", "whose it is", "cli")
    .addOption(
      new Option("--ttl <time>", 'how long it is good, as 90m, or "never"')
        .argParser(durationArgument("--ttl"))
        .default(dayMs, "24h"),
    )
    .option("--uses <n>", "joins it allows, 0 = any number", countArgument("--uses", 0, 1e6), 0);
  withExamples(withJson(withTarget(command)), [
    [
      "tequio token create --role worker --ttl 1h --uses 3",
      "three workers may join within an hour",
    ],
    ["tequio token create --role reader --ttl never", "look only, for ever"],
  ]).action(async (options: CreateOptions) => {
    const client = await openClient(options);
    const { role, owner, ttl: ttlMs, uses: usesMax } = options;
    const answer = await client.createToken({ role, owner, ttlMs, usesMax });
    // The token alone on standard output, so that a script can take it.
    console.log(options.json ? JSON.stringify(answer) : answer.token);
    if (!options.json) console.error(`token ${answer.id}; it is not shown again`);
  });
}

function defineList(command: Command): void {
  withExamples(withJson(withTarget(command)), [
    ["tequio token ls", "all tokens, revoked ones too"],
  ]).action(async (options: TargetOptions & { readonly json?: boolean }) => {
    const tokens = await (await openClient(options)).tokens();
    if (options.json) return console.log(JSON.stringify(tokens));
    const rows = tokens.map(row);
    const [first, ...rest] = table(["ID", "ROLE", "OWNER", "USES", "EXPIRES", "STATE"], rows, [3]);
    console.log([styled("bold", first ?? ""), ...rest].join("\n"));
  });
}

function row(token: TokenView): string[] {
  const uses = token.usesMax === 0 ? `${token.uses}` : `${token.uses}/${token.usesMax}`;
  const at = new Date(token.expiresAtMs);
  const expires = token.expiresAtMs === 0 ? "never" : at.toISOString().slice(0, 16);
  return [token.id, token.role, oneLine(token.owner), uses, expires, stateOf(token, Date.now())];
}

/** By this machine's clock: the coordinator's decides. */
function stateOf(token: TokenView, nowMs: number): string {
  if (token.revoked) return "revoked";
  if (token.expiresAtMs !== 0 && token.expiresAtMs <= nowMs) return "expired";
  return token.usesMax > 0 && token.uses >= token.usesMax ? "used up" : "good";
}

function defineRevoke(command: Command): void {
  command
    .argument("<id...>", "ids, as `tequio token ls` shows them; w-7 is the credential of a worker")
    .option("--members", "with all workers and tabs that these tokens let in");
  withExamples(withTarget(command), [
    ["tequio token revoke 3f9a", "it lets nobody in any more; those who are in stay"],
    ["tequio token revoke 3f9a --members", "and everybody whom it let in is out"],
  ]).action(async (ids: string[], options: TargetOptions & { readonly members?: boolean }) => {
    const client = await openClient(options);
    for (const id of ids) {
      const { members } = await client.revokeToken(id, options.members);
      console.log(revokedText(id, members, options.members ?? false));
    }
  });
}

function revokedText(id: string, members: readonly string[], withMembers: boolean): string {
  if (members.length === 0) return `token ${id} is revoked`;
  const shown = members.slice(0, shownMax).join(", ");
  const rest = members.length > shownMax ? " …" : "";
  const those = `${plural(members.length, "worker")} that it let in (${shown}${rest})`;
  if (withMembers) return `token ${id} is revoked, and ${those}`;
  const stay = members.length === 1 ? "stays" : "stay";
  return `token ${id} is revoked; ${those} ${stay}: add --members to revoke these, too`;
}
