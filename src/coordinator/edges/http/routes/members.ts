/** Members over HTTP: list them, and, for administrators, remove one. */
import type { MemberSummary } from "../../../../core/summary.ts";
import { addressText } from "../../../members/addresses.ts";
import { type Answer, type Call, json, type Route } from "../route.ts";

function list({ services: { loop, members } }: Call): Answer {
  const summaries = members.list().map(
    (member): MemberSummary => ({
      name: member.name,
      kind: member.kind,
      owner: member.owner,
      state: members.isHere(member) ? "here" : "away",
      address: member.address === null ? "" : addressText(member.address),
      files: member.files.size,
      ttlMs: member.ttlMs,
      heardAtMs: members.heardAtMs(member.name),
    }),
  );
  return json({ atMs: loop.nowMs(), members: summaries });
}

async function remove({ services, params }: Call): Promise<Answer> {
  await services.members.unregister(params.name ?? "");
  return json({});
}

export const memberRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/members",
    access: ["fetch-shared"],
    exchange: "→ { atMs, members: MemberSummary[] } in the order of registration",
    handle: list,
  },
  {
    method: "DELETE",
    path: "/v1/members/:name",
    access: ["remove-members"],
    exchange: "→ {}; the member and its files are removed",
    handle: remove,
  },
];
