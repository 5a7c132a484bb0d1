/** One connection to a peer and the requests on it; many files may be fetched over it. */
import { ClusterError } from "../../core/error.ts";
import { GrpcClient } from "../../link/grpc/client.ts";
import { dial } from "../../link/grpc/dial.ts";
import type { Allocate } from "../../link/grpc/messages.ts";
import type { RefuseClear } from "../../link/tcp/clear.ts";
import * as data from "../../wire/p4/data.ts";
import * as many from "../../wire/p4/many.ts";
import { checkContentSize, hashBytes, pieceBytesOf, pieceCountOf } from "../../wire/p4/merkle.ts";
import { bracketed } from "../../wire/p4/share-link.ts";
import type { PeerAddress } from "../found.ts";

export type ConnectionLimits = {
  readonly connectMs: number;
  /** Of `open`, and of each message of the layer, ms. */
  readonly answerMs: number;
};

export const defaultConnectionLimits: ConnectionLimits = { connectMs: 10_000, answerMs: 30_000 };

/** Which addresses may be dialled, and how; checked at each dial. */
export type DialRules = {
  /** Why this IP must not be dialled, or null. */
  readonly refuse: (ip: string) => string | null;
  /** Default: nothing leaves this machine in the clear. */
  readonly refuseClear?: RefuseClear;
};

export class PeerConnection {
  readonly #client: GrpcClient;
  readonly #limits: ConnectionLimits;

  private constructor(client: GrpcClient, limits: ConnectionLimits) {
    this.#client = client;
    this.#limits = limits;
  }

  static async connect(
    { host, port, fingerprint }: PeerAddress,
    rules: DialRules,
    limits: ConnectionLimits,
  ): Promise<PeerConnection> {
    const limitMs = limits.connectMs;
    const socket = await dial({ host, port, fingerprint, ...rules, limitMs });
    return new PeerConnection(new GrpcClient(socket, `${bracketed(host)}:${port}`), limits);
  }

  get isOpen(): boolean {
    return this.#client.isOpen;
  }

  /** Resolves once, when no more requests can be made. */
  get closed(): Promise<void> {
    return this.#client.closed;
  }

  close(): void {
    this.#client.close();
  }

  /** Opens by name or root with a ticket or secret. */
  open(
    wanted: { readonly fileName: string; readonly root: Uint8Array; readonly host?: string },
    credential: string,
  ): Promise<data.OpenAnswer> {
    const metadata: Record<string, string> =
      credential === "" ? {} : { authorization: `Bearer ${credential}` };
    return this.#ask({ host: "", ...wanted, session: new Uint8Array(0) }, metadata);
  }

  /** The pieces that the peer has by now. */
  again(session: Uint8Array): Promise<data.OpenAnswer> {
    return this.#ask({ fileName: "", root: new Uint8Array(0), session, host: "" }, {});
  }

  async #ask(request: data.OpenRequest, metadata: Record<string, string>) {
    const bytes = data.encode(data.openRequest, request, data.messageMaxBytes.request);
    const answer = await this.#client.unary(data.paths.open, [bytes], {
      metadata,
      limitMs: this.#limits.answerMs,
      answerMaxBytes: data.messageMaxBytes.openAnswer,
    });
    const opened = data.decode(data.openAnswer, answer);
    checkContentSize(opened.sizeBytes);
    if (opened.pieceBytes === pieceBytesOf(opened.sizeBytes)) return opened;
    throw new ClusterError("protocol-violated", `it cuts pieces of ${opened.pieceBytes} bytes`);
  }

  /** The hashes of all pieces, not verified. */
  async layer(opened: data.OpenAnswer): Promise<Uint8Array> {
    const layer = new Uint8Array(pieceCountOf(opened.sizeBytes) * hashBytes);
    if (opened.layer.length === layer.length) return opened.layer;
    const request = { session: opened.session, firstPiece: 0 };
    const bytes = data.encode(data.layerRequest, request, data.messageMaxBytes.request);
    const parts = Math.ceil(layer.length / data.layerPartBytes);
    let filled = 0;
    for await (const message of this.#client.stream(data.paths.layer, [bytes], {
      limitMs: this.#limits.answerMs * parts,
      answerMaxBytes: data.messageMaxBytes.layerAnswer,
    })) {
      const { hashes } = data.decode(data.layerAnswer, message);
      if (hashes.length > layer.length - filled) {
        throw new ClusterError("protocol-violated", "it sends more hashes than there are pieces");
      }
      layer.set(hashes, filled);
      filled += hashes.length;
    }
    if (filled === layer.length) return layer;
    throw new ClusterError("protocol-violated", "it sends fewer hashes than there are pieces");
  }

  /** Messages of `readAnswer`, each in memory that `allocate` returned. */
  read(
    request: data.ReadRequest,
    options: { allocate: Allocate; signal: AbortSignal; limitMs: number },
  ): AsyncGenerator<Uint8Array, void> {
    const bytes = data.encode(data.readRequest, request, data.messageMaxBytes.request);
    return this.#client.stream(data.paths.read, [bytes], {
      ...options,
      answerMaxBytes: data.messageMaxBytes.readAnswer,
    });
  }

  /** Messages of whole small files, in the requested order; nothing in them is verified. */
  async *readMany(
    files: readonly many.WantedFile[],
    options: { readonly signal: AbortSignal; readonly limitMs: number },
  ): AsyncGenerator<readonly many.WholeFile[], void> {
    const bytes = data.encode(many.readManyRequest, { files }, many.manyMaxBytes.request);
    const answerMaxBytes = many.manyMaxBytes.answer;
    const messages = this.#client.stream(data.paths.readMany, [bytes], {
      ...options,
      answerMaxBytes,
      allocate: (length) => Buffer.allocUnsafeSlow(length),
    });
    for await (const message of messages) yield data.decode(many.readManyAnswer, message).files;
  }

  /** The whole file in one message, as existing peers send it. */
  async getFile(
    filePath: string,
    options: { readonly credential: string; readonly maxBytes: number; readonly limitMs: number },
  ): Promise<Uint8Array> {
    const { credential, maxBytes, limitMs } = options;
    const request = data.encode(data.fileRequest, { filePath }, data.messageMaxBytes.request);
    const answer = await this.#client.unary(data.paths.getFile, [request], {
      metadata: credential === "" ? {} : { authorization: `Bearer ${credential}` },
      limitMs,
      answerMaxBytes: maxBytes + 16,
    });
    return data.fileBytesOf(answer, maxBytes);
  }
}

/** Connections that are open, by address: files of one folder share them. */
export class Connections {
  readonly #rules: DialRules;
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<string, Promise<PeerConnection>>();

  constructor(rules: DialRules, limits: ConnectionLimits = defaultConnectionLimits) {
    this.#rules = rules;
    this.#limits = limits;
  }

  async get(address: PeerAddress): Promise<PeerConnection> {
    const key = `${address.host} ${address.port} ${address.fingerprint}`;
    const known = await this.#open.get(key)?.catch(() => null);
    if (known?.isOpen) return known;
    const made = PeerConnection.connect(address, this.#rules, this.#limits);
    this.#open.set(key, made);
    const forget = () => {
      if (this.#open.get(key) === made) this.#open.delete(key);
    };
    made.then((connection) => connection.closed).then(forget, forget);
    return made;
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const one of all) (await one.catch(() => null))?.close();
  }
}
