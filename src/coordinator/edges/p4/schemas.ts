/** The schemas of the control channel's bodies and answers: used for validation and for the OpenAPI
 *  document. Unknown keys are accepted, for newer clients. */
import { z } from "zod";
import type {
  AddFile,
  Available,
  FileFound,
  Listed,
  Listing,
  ManyFound,
  ManyRedeemed,
  ManyRedemptions,
  ManyWanted,
  Named,
  Published,
  Redeemed,
  Redemption,
  Registered,
  Registration,
  Said,
} from "../../../wire/p4/control.ts";
import { manyMax } from "../../../wire/p4/control.ts";

/** Longest TTL that a peer may request, s. */
const ttlMaxS = 30 * 86_400;

const token = z.string().min(1).max(512).describe("What /register answered");
const optionalToken = token.exactOptional().describe("Or `Authorization: Bearer <cluster token>`");
const fileName = z.string().min(1).max(4_096).describe("As its owner calls it; never a path");
const root = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256 Merkle root of the content");
const fingerprint = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256 of the peer's certificate: use TLS");
const sizeBytes = z.int().min(0);
const ttl = z.int().min(0).max(ttlMaxS).describe("Seconds of silence after which a peer is gone");

export const registration: z.ZodType<Registration> = z.object({
  client_id: z.string().min(1).max(255),
  ip: z.string().max(255),
  // Digits in a text, as from a quoted value of a configuration, are a port to existing masters.
  port: z.preprocess(
    (sent) => (typeof sent === "string" && /^[0-9]{1,5}$/.test(sent) ? Number(sent) : sent),
    z.int().min(1).max(65_535),
  ),
  genericToken: z.string().max(512),
  ttl_s: ttl.exactOptional(),
  token: token
    .exactOptional()
    .describe("Its previous token: the registration continues from this address"),
  fingerprint: fingerprint.exactOptional(),
});

export const named: z.ZodType<{ token: string }> = z.object({ token });

const details = {
  root: root.nullable().exactOptional(),
  size_bytes: sizeBytes.nullable().exactOptional(),
  description: z.string().max(4_096).nullable().exactOptional(),
};

export const addFile: z.ZodType<AddFile & { token: string }> = z.object({
  token,
  file_name: fileName,
  ...details,
});

export const removeFile: z.ZodType<{ token: string; file_name: string }> = z.object({
  token,
  file_name: fileName,
});

export const published: z.ZodType<Published & { token: string }> = z.object({
  token,
  files: z
    .unknown()
    .refine((files) => typeof files === "object")
    .meta({
      anyOf: [{ type: "object" }, { type: "array" }],
      description: "Folders as objects or arrays; a leaf is null, or root, size_bytes, description",
    }),
});

export const listing: z.ZodType<Listing & Named> = z.object({
  token: optionalToken,
  tree: z.boolean().exactOptional(),
});

export type WantedBody = Named & { readonly file_name?: string; readonly root?: string };
export const fileWanted: z.ZodType<WantedBody> = z
  .object({
    token: optionalToken,
    file_name: fileName.exactOptional(),
    root: root.exactOptional(),
  })
  .refine((body) => body.file_name !== undefined || body.root !== undefined);

export const redemption: z.ZodType<Redemption> = z.object({
  token: token.describe("Of the peer that is asked for the file"),
  ticket: z.string().min(1).max(512),
});

export const manyWanted: z.ZodType<ManyWanted> = z.object({
  token: optionalToken,
  file_names: z.array(fileName).max(manyMax),
});

export const manyRedemptions: z.ZodType<ManyRedemptions> = z.object({
  token: token.describe("Of the peer that is asked for the files"),
  tickets: z.array(z.string().min(1).max(512)).max(manyMax),
});

export const said: z.ZodType<Said> = z.object({ message: z.string() });

export const registered: z.ZodType<Registered> = z.object({
  token: z.string().regex(/^[0-9a-f]{64}$/),
  ttl_s: ttl.exactOptional().describe("When one was asked for"),
});

export const available: z.ZodType<Available> = z.object({ message: z.string(), ttl_s: ttl });

export const listed: z.ZodType<Listed> = z.object({
  files: z.array(z.string()),
  tree: z.any().exactOptional().describe("When asked for: folders as objects"),
});

export const fileFound: z.ZodType<FileFound> = z.object({
  file_address: z.string().describe("grpc://<ip>:<port>/<file_name> of the first source"),
  file_name: fileName,
  root: root.nullable(),
  size_bytes: sizeBytes.nullable(),
  sources: z.array(
    z.object({
      peer: z.string(),
      address: z.string(),
      file_name: fileName,
      ticket: z.string().describe("To be presented to this peer alone, once, soon"),
      fingerprint: fingerprint.exactOptional(),
    }),
  ),
});

export const redeemed: z.ZodType<Redeemed> = z.object({
  file_name: fileName,
  root: root.nullable(),
  requester: z.string(),
  expires_in_s: z.number(),
});

export const manyFound: z.ZodType<ManyFound> = z.object({
  files: z.array(fileFound.nullable()).describe("In the requested order; null = not offered now"),
});

export const manyRedeemed: z.ZodType<ManyRedeemed> = z.object({
  files: z.array(redeemed.nullable()).describe("In the order of the tickets; null = not valid"),
});
