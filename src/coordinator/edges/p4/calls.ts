/** The calls of the control channel; one that is not in this table does not exist. */

import { may } from "../../../core/access/roles.ts";
import type { MemberRecord, SharedFile } from "../../../core/catalogue.ts";
import { ClusterError } from "../../../core/error.ts";
import { isSameSecret } from "../../../link/secret.ts";
import type { Available, FileDetails, Registered, Registration } from "../../../wire/p4/control.ts";
import { flattenTree, treeBodyMaxBytes } from "../../../wire/p4/control-tree.ts";
import { refusalWords } from "../../../wire/p4/refusals.ts";
import { provedHost, trustedHost } from "../../members/addresses.ts";
import type { Members, NewPeer } from "../../members/members.ts";
import { answersAt } from "../../members/probe.ts";
import { fileNotFound, type P4Call, P4Refusal, type P4Route, peerNotFound, route } from "./call.ts";
import { getFile, getFiles, getMany, redeem, redeemMany } from "./fetching.ts";
import * as schema from "./schemas.ts";

/** The calling peer; counts as a sign of life. */
function self({ members, body }: P4Call<{ token: string }>): MemberRecord {
  const peer = members.peerOf(body.token);
  if (peer === null || !members.touch(peer.name)) throw peerNotFound(404);
  return peer;
}

type Admission = { readonly owner: string; readonly admittedBy: string };

function admit({ auth, body, settings }: P4Call<Registration>): Admission {
  const { genericToken } = settings;
  if (genericToken !== null && isSameSecret(body.genericToken, genericToken)) {
    return { owner: "p4", admittedBy: "" };
  }
  let principal: ReturnType<typeof auth.principal>;
  try {
    principal = auth.principal(body.genericToken);
  } catch {
    throw new P4Refusal(401, "Invalid token", true);
  }
  if (!may(principal.role, "share")) throw new P4Refusal(403, "Token may not share files");
  return { owner: principal.owner, admittedBy: principal.token };
}

/** A peer of that name was killed, and starts again: it has the same owner and address, and nothing
 *  answers there although it offers files. Command lines that register without serving offer none:
 *  whether they are still there cannot be known. */
async function forgetDead(members: Members, { address, name, owner }: NewPeer): Promise<void> {
  const known = members.find(name);
  const before = known?.address ?? null;
  if (known === null || before === null || known.kind !== "peer") return;
  const isSame = before.host === address.host && before.port === address.port;
  if (!isSame || known.owner !== owner || known.files.size === 0) return;
  // Meanwhile it may have left, or another peer may have taken its name.
  if ((await answersAt(before)) || members.find(name) !== known) return;
  await members.unregister(name).catch((error) => {
    if (!(error instanceof ClusterError) || error.code !== "not-found") throw error;
  });
}

async function register(call: P4Call<Registration>): Promise<Registered> {
  const { body, machine, members, seenAt, settings } = call;
  const { client_id: name, fingerprint, ip, port, ttl_s: asked = 0 } = body;
  const host = settings.trustAddresses
    ? trustedHost(ip, seenAt)
    : provedHost(ip, seenAt, machine());
  const address = { host, port, ...(fingerprint === undefined ? {} : { fingerprint }) };
  const ttlMs = asked === 0 ? settings.ttlMs : asked * 1_000;
  const told = asked === 0 ? {} : { ttl_s: asked };
  // A registered peer needs no new permission: its join token may be spent by now.
  if (body.token !== undefined && members.peerOf(body.token)?.name === name) {
    await members.connect(name, address, ttlMs);
    if (asked !== 0) members.promised(name);
    return { token: body.token, ...told };
  }
  const peer = { name, ...admit(call), address, ttlMs };
  await forgetDead(members, peer);
  try {
    const token = await members.registerPeer(peer);
    if (asked !== 0) members.promised(name);
    return { token, ...told };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "conflict") throw error;
    throw new P4Refusal(400, refusalWords.nameTaken);
  }
}

async function unregister(call: P4Call<{ token: string }>) {
  await call.members.unregister(self(call).name);
  return { message: "Peer unregistered" };
}

function heartbeat(call: P4Call<{ token: string }>): Available {
  const { name, ttlMs } = self(call);
  call.members.promised(name);
  return { message: "Peer available", ttl_s: ttlMs / 1_000 };
}

function sharedFile(name: string, details: FileDetails): SharedFile {
  const { description, root = null, size_bytes: sizeBytes = null } = details;
  return { name, description: description ?? "", root, sizeBytes };
}

async function addFile(call: P4Call<FileDetails & { token: string; file_name: string }>) {
  const { body, members } = call;
  await members.publish(self(call).name, [sharedFile(body.file_name, body)], "renew");
  return { message: "File added" };
}

async function removeFile(call: P4Call<{ token: string; file_name: string }>) {
  const { name, files } = self(call);
  if (!files.has(call.body.file_name)) throw fileNotFound();
  await call.members.withdraw(name, [call.body.file_name]);
  return { message: "File removed" };
}

async function publishTree(call: P4Call<{ token: string; files: unknown }>) {
  const { name } = self(call);
  await call.members.publish(name, flattenTree(call.body.files), "replace");
  return { message: "Files listed" };
}

/** Of 1,024 names or tickets; callers ask for fewer when names are long. */
const manyMaxBytes = 1024 * 1024;

export const p4Routes: readonly P4Route[] = [
  route({
    path: "/register",
    summary: "A peer is available; returns its token",
    body: schema.registration,
    answer: schema.registered,
    handle: register,
  }),
  route({
    path: "/unregister",
    summary: "A peer leaves, with all of its files",
    body: schema.named,
    answer: schema.said,
    handle: unregister,
  }),
  route({
    path: "/heartbeat",
    summary: "A peer is still available",
    body: schema.named,
    answer: schema.available,
    handle: heartbeat,
  }),
  route({
    path: "/add_file",
    summary: "A peer offers one more file, or more details of one",
    body: schema.addFile,
    answer: schema.said,
    handle: addFile,
  }),
  route({
    path: "/remove_file",
    summary: "A peer offers a file no more",
    body: schema.removeFile,
    answer: schema.said,
    handle: removeFile,
  }),
  route({
    bodyMaxBytes: treeBodyMaxBytes,
    path: "/files",
    summary: "All files of a peer from now on, in a hierarchical way",
    body: schema.published,
    answer: schema.said,
    handle: publishTree,
  }),
  route({
    path: "/get_files",
    summary: "Names of all files that are offered now, sorted",
    body: schema.listing,
    answer: schema.listed,
    handle: getFiles,
  }),
  route({
    path: "/get_file",
    summary: "The peers that have a file, with a ticket for each",
    body: schema.fileWanted,
    answer: schema.fileFound,
    handle: getFile,
  }),
  route({
    path: "/redeem",
    summary: "A peer that is asked for a file redeems the requester's ticket, once",
    body: schema.redemption,
    answer: schema.redeemed,
    handle: redeem,
  }),
  route({
    bodyMaxBytes: manyMaxBytes,
    path: "/get_many",
    summary: "The same as get_file for many files, by their names",
    body: schema.manyWanted,
    answer: schema.manyFound,
    handle: getMany,
  }),
  route({
    bodyMaxBytes: manyMaxBytes,
    path: "/redeem_many",
    summary: "The same as redeem for many tickets, each once",
    body: schema.manyRedemptions,
    answer: schema.manyRedeemed,
    handle: redeemMany,
  }),
];
