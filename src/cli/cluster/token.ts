/** `tequio token create|ls|revoke`: who else may use the cluster, and for how long. */
import type { Command } from "commander";
import { Option } from "commander";
import { type TargetOptions, tokenIdOf } from "../../client/place.ts";
import type { Role } from "../../core/access/roles.ts";
import { roles } from "../../core/access/roles.ts";
import type { TokenView } from "../../wire/api/messages.ts";
import { openClient } from "../connection.ts";
import { plural } from "../numbers.ts";
import { countArgument, durationArgument, withExamples, withJson, withTarget } from "../options.ts";
import { styled } from "../screen.ts";
import { oneLine, table } from "../text.ts";

type CreateOptions = TargetOptions & {
  readonly json?: boolean;
  readonly role: Role;
  readonly owner: string;
  readonly ttl: number;
  readonly uses: number;
};

type RevokeOptions = TargetOptions & { readonly json?: boolean; readonly members?: boolean };

/** Members that are named. */
const shownMax = 8;
const dayMs = 86_400_000;

export function define(command: Command): void {
  defineCreate(
    command.command("create").description("create a token and print it; it is not shown again"),
  );
  defineList(command.command("ls").description("list tokens without their secrets"));
  defineRevoke(command.command("revoke").description("revoke tokens at once"));
  withExamples(command, [
    ["tequio token create --role submitter --owner ana", "ana may submit jobs for a day"],
    ["tequio token ls", "list tokens with role and owner"],
    ["tequio token revoke <id>", "revoke one"],
  ]);
}

function defineCreate(command: Command): void {
  command
    .addOption(
      new Option("--role <role>", "what the token allows").choices([...roles]).default("worker"),
    )
    .option("--owner <name>", "owner of the token", "cli")
    .addOption(
      new Option("--ttl <time>", 'lifetime of the token, such as 90m, or "never"')
        .argParser(durationArgument("--ttl"))
        .default(dayMs, "24h"),
    )
    .option(
      "--uses <n>",
      "number of joins it allows; 0 = any number",
      countArgument("--uses", 0, 1e6),
      0,
    );
  withExamples(withJson(withTarget(command)), [
    [
      "tequio token create --role worker --ttl 1h --uses 3",
      "three workers may join within the next hour",
    ],
    ["tequio token create --role reader --ttl never", "read-only access without an expiry"],
  ]).action(async (options: CreateOptions) => {
    const client = await openClient(options);
    const { role, owner, ttl: ttlMs, uses: usesMax } = options;
    const answer = await client.createToken({ role, owner, ttlMs, usesMax });
    // The token alone on standard output, so that a script can take it.
    console.log(options.json ? JSON.stringify(answer) : answer.token);
    if (options.json) return;
    const short = answer.code === undefined ? "" : `, and its short form ${answer.code}`;
    console.error(`token ${answer.id}${short}; it is not shown again`);
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
    .argument(
      "<id...>",
      "token ids, as listed by `tequio token ls`, or tokens; w-7 is the credential of a worker",
    )
    .option("--members", "also disconnect the workers and tabs they admitted");
  withExamples(withJson(withTarget(command)), [
    ["tequio token revoke 3f9a", "admits no new worker; workers that joined stay"],
    ["tequio token revoke 3f9a --members", "also disconnects the workers that it admitted"],
  ]).action(async (ids: string[], options: RevokeOptions) => {
    const client = await openClient(options);
    for (const id of ids.map(tokenIdOf)) {
      const { members } = await client.revokeToken(id, options.members);
      const revoked = JSON.stringify({ id, members });
      console.log(options.json ? revoked : revokedText(id, members, options.members ?? false));
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
