/** Peers on real sockets, with real files, for tests. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { GrpcServer, type GrpcServerOptions, type Method } from "../../link/grpc/server.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { Connections } from "../fetch/connection.ts";
import type { Source } from "../found.ts";
import { layerOfFile } from "../hashing/layer.ts";
import { HashPool } from "../hashing/pool.ts";
import { rootHex } from "../hashing/sha256.ts";
import { defaultListenerLimits, openListener } from "../listener.ts";
import { Admission, type AdmissionOptions } from "../serve/admission.ts";
import { ContentIndex } from "../serve/content.ts";
import { Descriptors } from "../serve/descriptors.ts";
import { FileContent } from "../serve/file-content.ts";
import { FileService, type ServiceOptions } from "../serve/service.ts";
import { stampOf } from "../serve/stamp.ts";

export const linkSecret = "s".repeat(43);

export function scratch(t: TestContext): string {
  const dir = temporaryDir(t, "tequio-peer-");
  return dir;
}

/** Bytes that do not repeat in any piece size. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes, 7);
  let state = seed * 2654435761 + 1;
  for (let at = 0; at + 4 <= sizeBytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, at);
  }
  return bytes;
}

export type TestPeer = {
  readonly port: number;
  readonly shelf: ContentIndex;
  readonly broken: unknown[];
  /** How a downloader asks this peer, by link secret. */
  source(name?: string): Source;
  close(): Promise<void>;
};

export type TestPeerOptions = {
  readonly admission?: Partial<AdmissionOptions>;
  readonly service?: Partial<ServiceOptions>;
  /** Replaces calls: hostile peers. */
  readonly wrap?: (methods: Readonly<Record<string, Method>>) => Record<string, Method>;
  readonly grpc?: Pick<GrpcServerOptions, "tls" | "refuseClear">;
};

export async function startPeer(t: TestContext, options: TestPeerOptions = {}): Promise<TestPeer> {
  const shelf = new ContentIndex();
  const broken: unknown[] = [];
  const admission = new Admission({
    redeem: () => null,
    linkSecret,
    allowsAnonymous: false,
    ...options.admission,
  });
  const service = new FileService({
    shelf,
    admission,
    rateMaxBytes: Number.POSITIVE_INFINITY,
    ...options.service,
  });
  const methods = options.wrap?.({ ...service.methods() }) ?? service.methods();
  const grpc = new GrpcServer({
    methods,
    onBroken: (error) => broken.push(error),
    ...options.grpc,
  });
  const listener = await openListener({
    ...defaultListenerLimits,
    host: "127.0.0.1",
    port: 0,
    grpc,
    other: null,
  });
  t.after(() => listener.close());
  const { port } = listener;
  return {
    port,
    shelf,
    broken,
    source: (name = `peer ${port}`) => ({
      name,
      address: { host: "127.0.0.1", port, fingerprint: "" },
      fileName: "",
      credential: async () => linkSecret,
    }),
    close: () => listener.close(),
  };
}

export const testPool = new HashPool(1);

let shelved = 0;

/** Writes a file and puts it on the shelf; returns its root. */
export async function shelve(
  peer: { readonly shelf: ContentIndex },
  name: string,
  of: { readonly dir: string; readonly bytes?: Uint8Array; readonly layer?: Uint8Array },
): Promise<{ root: string; path: string }> {
  shelved += 1;
  const path = of.bytes === undefined ? join(of.dir, name) : join(of.dir, `shared-${shelved}`);
  if (of.bytes !== undefined) writeFileSync(path, of.bytes);
  const descriptor = openSync(path, "r");
  const layer = of.layer ?? (await layerOfFile(descriptor, testPool))!;
  closeSync(descriptor);
  const stamp = stampOf(path)!;
  const root = rootHex(stamp.sizeBytes, layer);
  const file = { path, stamp, root, layer, hashedAtMs: Date.now() };
  const around = {
    descriptors: new Descriptors(),
    onChanged: () => peer.shelf.remove(name),
  };
  peer.shelf.put(new FileContent(name, file, around));
  return { root, path };
}

export function testConnections(t: TestContext): Connections {
  const connections = new Connections({ refuse: () => null });
  t.after(() => connections.close());
  return connections;
}
