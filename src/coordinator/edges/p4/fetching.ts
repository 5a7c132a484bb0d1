/** Which peers have a file, and permission to fetch it: the calls of requesters, and of peers that
 *  are asked. */
import { may, tokenProblem } from "../../../core/access/roles.ts";
import type { MemberRecord } from "../../../core/catalogue.ts";
import { peerOfToken, type WantedFile } from "../../../core/sharing/view.ts";
import { tokenRecord } from "../../../core/view.ts";
import {
  type FileFound,
  fileAddress,
  type Listed,
  type Listing,
  type ManyFound,
  type ManyRedeemed,
  type ManyRedemptions,
  type ManyWanted,
  type Redeemed,
  type Redemption,
} from "../../../wire/p4/control.ts";
import { buildTree } from "../../../wire/p4/control-tree.ts";
import { ownRequester } from "../../members/tickets.ts";
import {
  fileNotFound,
  invalidRequest,
  type P4Call,
  type P4Parts,
  P4Refusal,
  peerNotFound,
} from "./call.ts";
import type { WantedBody } from "./schemas.ts";

/** Sources in one answer. */
const sourcesMax = 64;

/** The requester, as tickets record it; throws the protocol's refusal for unknown callers. */
function requesterOf(call: P4Call<{ token?: string }>, unknownStatus: 401 | 404): string {
  const { auth, bearer, body, members } = call;
  if (body.token !== undefined) {
    const peer = members.peerOf(body.token);
    if (peer === null || !members.touch(peer.name)) throw peerNotFound(unknownStatus);
    return `peer:${peer.tokenHash}`;
  }
  if (bearer === null) throw invalidRequest();
  let principal: ReturnType<typeof auth.principal>;
  try {
    principal = auth.principal(bearer);
  } catch {
    throw new P4Refusal(401, "Invalid token", true);
  }
  if (!may(principal.role, "fetch-shared")) {
    throw new P4Refusal(403, "Token may not fetch files");
  }
  return `token:${principal.token}`;
}

/** The requester's name while it may still fetch; null when its peer or token is gone. */
function nameOf(requester: string, { loop, members }: RedeemParts): string | null {
  if (requester === ownRequester) return requester;
  const id = requester.slice(requester.indexOf(":") + 1);
  if (requester.startsWith("peer:")) {
    const peer = peerOfToken(loop.state, id);
    return peer !== null && members.isHere(peer) ? peer.name : null;
  }
  const token = tokenRecord(loop.state, id);
  return token === null || tokenProblem(token, loop.nowMs()) !== null ? null : token.owner;
}

/** Answers by their list of names, which is a new object after every change: a million names are
 *  joined once, not for each request. */
const listings = new WeakMap<readonly string[], Listed>();
const trees = new WeakMap<readonly string[], Listed>();

export function getFiles(call: P4Call<Listing>): Listed {
  requesterOf(call, 404);
  const { body, members } = call;
  const files = members.names();
  const kept = body.tree === true ? trees : listings;
  let listed = kept.get(files);
  if (listed === undefined) {
    listed = body.tree === true ? { files, tree: buildTree(members.files()) } : { files };
    kept.set(files, listed);
  }
  return listed;
}

export function getFile(call: P4Call<WantedBody>): FileFound {
  const found = foundBy(requesterOf(call, 401), wanted(call.body), call);
  if (found === null) throw fileNotFound();
  return found;
}

/** Sources of each file in one answer of many. */
const manySourcesMax = 4;

export function getMany(call: P4Call<ManyWanted>): ManyFound {
  const requester = requesterOf(call, 401);
  const files = call.body.file_names.map((name) =>
    foundBy(requester, { name }, call, manySourcesMax),
  );
  return { files };
}

/** Null when none offers it now. */
function foundBy(
  requester: string,
  file: WantedFile,
  { loop, members, tickets }: P4Parts,
  countMax = sourcesMax,
): FileFound | null {
  const sources = members.sources(file).slice(0, countMax);
  const [first] = sources;
  if (first === undefined) return null;
  const nowMs = loop.steadyMs();
  const { name, root } = first.file;
  const said = sources.flatMap(({ owner, file }) => {
    if (owner.address === null) return [];
    const terms = { source: owner.name, fileName: file.name, root: file.root, requester };
    const { fingerprint } = owner.address;
    const source = {
      peer: owner.name,
      address: fileAddress(owner.address, file.name),
      file_name: file.name,
      ticket: tickets.issue(terms, nowMs),
    };
    return [fingerprint === undefined ? source : { ...source, fingerprint }];
  });
  return {
    file_address: said[0]?.address ?? "",
    file_name: name,
    root,
    size_bytes: sources.find(({ file }) => file.sizeBytes !== null)?.file.sizeBytes ?? null,
    sources: said,
  };
}

/** By its content when a root is given. */
function wanted({ file_name: name, root }: WantedBody): WantedFile {
  return root === undefined ? { name: name as string } : { root };
}

export function redeem(call: P4Call<Redemption>): Redeemed {
  const { body, members } = call;
  const source = members.peerOf(body.token);
  if (source === null || !members.touch(source.name)) throw peerNotFound(401);
  const redeemed = redeemedBy(source, body.ticket, call);
  if (redeemed === null) throw new P4Refusal(401, "Invalid ticket");
  return redeemed;
}

export function redeemMany(call: P4Call<ManyRedemptions>): ManyRedeemed {
  const { body, members } = call;
  const source = members.peerOf(body.token);
  if (source === null || !members.touch(source.name)) throw peerNotFound(401);
  return { files: body.tickets.map((ticket) => redeemedBy(source, ticket, call)) };
}

type RedeemParts = Pick<P4Parts, "loop" | "members" | "tickets">;

/** Null when the ticket does not match what this member offers now. */
export function redeemedBy(
  source: MemberRecord,
  ticket: string,
  parts: RedeemParts,
): Redeemed | null {
  const redeemed = parts.tickets.redeem(ticket, source.name, parts.loop.steadyMs());
  const requester = redeemed === null ? null : nameOf(redeemed.terms.requester, parts);
  if (redeemed === null || requester === null) return null;
  const { fileName, root } = redeemed.terms;
  if (source.files.get(fileName)?.root !== root) return null;
  const expiresInS = Math.ceil(redeemed.expiresInMs / 1_000);
  return { file_name: fileName, root, requester, expires_in_s: expiresInS };
}
