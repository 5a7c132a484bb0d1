/** The schemas of JSON bodies. Shape only: the core decides which jobs are valid. */
import { z } from "zod";
import { roles } from "../../../core/access/roles.ts";
import { ClusterError } from "../../../core/error.ts";
import {
  type JobSpec,
  outputFormats,
  priorities,
  pythonEngines,
  shuffles,
  trusts,
} from "../../../core/job.ts";
import {
  missingBlobsMax,
  type SmallBlobs,
  type Submit,
  smallBlobMaxBytes,
  smallBlobsMax,
  type TokenRequest,
} from "../../../wire/api/messages.ts";
import { framesProblem, profileLimits, type TaskProfile } from "../../../wire/api/profile.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 of 64 lowercase hex digits");
const whole = z.number().int();

const stage = z.strictObject({
  kind: z.enum(["map", "reduce", "tasks"]),
  taskCount: whole,
  inputStage: whole.nullable(),
  partitionCount: whole,
  timeoutMs: whole,
  inputBytes: whole.min(0),
});

const columns = z.array(z.string()).max(10_000);

const shape = z.discriminatedUnion("of", [
  z.strictObject({
    of: z.literal("pairs"),
    key: columns.exactOptional(),
    value: z.string().exactOptional(),
    columns: columns.exactOptional(),
  }),
  z.strictObject({ of: z.literal("rows"), columns }),
  z.strictObject({ of: z.literal("tasks"), items: hash.exactOptional() }),
  z.strictObject({ of: z.literal("lines") }),
]);

const spec: z.ZodType<JobSpec> = z.strictObject({
  name: z.string(),
  codeHash: hash,
  planHash: hash,
  stages: z.array(stage).max(8),
  locality: z
    .strictObject({ hosts: z.array(z.string().max(200)), taskHost: z.array(whole) })
    .nullable(),
  limits: z.strictObject({
    userErrorMax: whole,
    workersKilledMax: whole,
    backoffMs: whole,
    backoffMaxMs: whole,
  }),
  backupTasks: z.boolean(),
  weight: z.number(),
  priority: z.enum(priorities).exactOptional(),
  trust: z.enum(trusts).exactOptional(),
  share: z.literal("volunteers").exactOptional(),
  quorum: z.strictObject({ agree: whole, of: whole }).exactOptional(),
  sameEngine: z.boolean().exactOptional(),
  clock: z.literal("real").exactOptional(),
  chance: z.literal("real").exactOptional(),
  badShareMax: z.number().min(0).max(1).exactOptional(),
  keepGoing: z.literal(true).exactOptional(),
  bareBrowsers: z.boolean().exactOptional(),
  output: z.enum(outputFormats).exactOptional(),
  shape: shape.exactOptional(),
  programKind: whole.exactOptional(),
  requires: z.array(z.string()).exactOptional(),
  engine: z.enum(pythonEngines).exactOptional(),
  pythonVersion: z.string().exactOptional(),
  moduleHash: hash.exactOptional(),
  shuffle: z.enum(shuffles).exactOptional(),
});

const submit: z.ZodType<Submit> = z.strictObject({
  key: z.string().min(1).max(200).nullable(),
  spec,
});

const token: z.ZodType<TokenRequest> = z.strictObject({
  role: z.enum(roles),
  owner: z.string().regex(/^[^\s\p{C}](.{0,98}[^\s\p{C}])?$/u, "1 to 100 visible characters"),
  ttlMs: whole.min(0).max(Number.MAX_SAFE_INTEGER / 2),
  usesMax: whole.min(0).max(1_000_000),
});

const smallBlobs: z.ZodType<SmallBlobs> = z.strictObject({
  blobs: z
    .array(z.base64().max(Math.ceil(smallBlobMaxBytes / 3) * 4))
    .min(1)
    .max(smallBlobsMax),
});

const text = z.string().max(profileLimits.text);
const us = whole.min(0).max(Number.MAX_SAFE_INTEGER);

const profile: z.ZodType<TaskProfile> = z.strictObject({
  version: z.literal(1),
  stage: whole.min(0),
  task: whole.min(0),
  samples: us,
  frames: z
    .array(z.tuple([whole.min(0).max(profileLimits.depth), text, text, us, us]))
    .max(profileLimits.frames),
});

const hashes = z.strictObject({ hashes: z.array(hash).min(1).max(missingBlobsMax) });

function parse<T>(schema: z.ZodType<T>, body: unknown, what: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") || "body";
  throw new ClusterError("bad-request", `${what}: ${where}: ${issue?.message}`);
}

export function parseSubmit(body: unknown): Submit {
  return parse(submit, body, "this is not a submission");
}

export function parseSmallBlobs(body: unknown): SmallBlobs {
  return parse(smallBlobs, body, "these are no small blobs");
}

export function parseHashes(body: unknown): { readonly hashes: readonly string[] } {
  return parse(hashes, body, "these are no names of blobs");
}

export function parseTokenRequest(body: unknown): TokenRequest {
  return parse(token, body, "this is not a request for a token");
}

export function parseProfile(body: unknown): TaskProfile {
  const parsed = parse(profile, body, "this is not a profile");
  const problem = framesProblem(parsed.frames);
  if (problem === null) return parsed;
  throw new ClusterError("bad-request", `this is not a profile: ${problem}`);
}
