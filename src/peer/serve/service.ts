/** The calls that a peer answers: getFile as existing peers speak it, and Files. */
import { randomBytes } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Call, Method } from "../../link/grpc/server.ts";
import { hostId } from "../../link/host.ts";
import { hexOf } from "../../wire/hex.ts";
import * as data from "../../wire/p4/data.ts";
import { data as legal } from "../../wire/p4/legality.ts";
import * as many from "../../wire/p4/many.ts";
import { hashBytes, pieceBytesOf, pieceCountOf, rootBytesOf } from "../../wire/p4/merkle.ts";
import { RateLimit } from "../rate.ts";
import type { Admission, Admitted, Redeemed } from "./admission.ts";
import type { Content, ContentIndex } from "./content.ts";
import { sendMany } from "./many.ts";
import { Readers, sendPieces } from "./pieces.ts";

export type ServiceOptions = {
  readonly shelf: ContentIndex;
  readonly admission: Admission;
  /** Limit for all that is sent, bytes/s; Infinity = none. */
  readonly rateMaxBytes: number;
  readonly limits?: Partial<ServiceLimits>;
  /** Called when something was sent, for progress. */
  readonly onSent?: (content: Content, sizeBytes: number) => void;
};

export type ServiceLimits = {
  /** A session ends after this time, ms; a reader that is not done opens another. */
  readonly sessionMs: number;
  readonly sessionsPerConnectionMax: number;
  /** Streams of content at once; each holds 4 MiB. More wait. */
  readonly readersMax: number;
  /** Longest time that the receiver may take to accept a piece, ms. */
  readonly sendMs: number;
};

export const defaultServiceLimits: ServiceLimits = {
  sessionMs: 3_600_000,
  sessionsPerConnectionMax: 1_024,
  readersMax: 64,
  sendMs: 60_000,
};

/** "" = not asked for by this. */
type WantedContent = { readonly name: string; readonly root: string };

const noAttributes: data.FileAttributes = { modifiedUs: 0, isExecutable: false };

type Session = { readonly content: Content; readonly expiresAtMs: number };

export class FileService {
  readonly #options: ServiceOptions;
  readonly #limits: ServiceLimits;
  readonly #readers: Readers;
  readonly #rate: RateLimit;
  /** By connection, then by the session's hex: a session is invalid on another connection. */
  readonly #sessions = new WeakMap<object, Map<string, Session>>();

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#limits = { ...defaultServiceLimits, ...options.limits };
    this.#readers = new Readers(this.#limits.readersMax);
    this.#rate = new RateLimit(options.rateMaxBytes);
  }

  methods(): Readonly<Record<string, Method>> {
    const { requestMaxBytes } = legal[data.paths.open];
    return {
      [data.paths.getFile]: {
        requestMaxBytes,
        // Existing peers are served without TLS only if all callers are; a ticket or secret was
        // obtained together with the certificate, so its bearer can use TLS.
        isForAll: this.#options.admission.allowsAnonymous,
        handle: (...args) => this.#getFile(...args),
      },
      [data.paths.open]: { requestMaxBytes, handle: (...args) => this.#open(...args) },
      [data.paths.layer]: { requestMaxBytes, handle: (...args) => this.#layer(...args) },
      [data.paths.read]: { requestMaxBytes, handle: (...args) => this.#read(...args) },
      [data.paths.readMany]: {
        requestMaxBytes: legal[data.paths.readMany].requestMaxBytes,
        handle: (...args) => this.#readMany(...args),
      },
    };
  }

  /** The whole file in one message, as existing peers ask for it. */
  async #getFile(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const { filePath } = data.decode(data.fileRequest, request);
    const content = this.#find({ name: filePath, root: "" }, await this.#admit(call));
    const { sizeBytes } = content;
    const answerBytes = sizeBytes + 16;
    if (answerBytes > data.wholeFileMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${filePath} has ${sizeBytes} bytes; getFile sends at most ` +
          `${data.wholeFileMaxBytes - 16}, larger files need the service Files`,
      );
    }
    await this.#readers.use(call.signal, async () => {
      const bytes = Buffer.allocUnsafe(sizeBytes);
      await content.read(0, bytes);
      await this.#rate.pass(sizeBytes, call.signal);
      await sink.send(data.fileBytesParts(bytes));
    });
    this.#options.onSent?.(content, sizeBytes);
  }

  async #open(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const wanted = data.decode(data.openRequest, request);
    const again = wanted.session.length > 0;
    const content = again
      ? this.#session(call, wanted.session).content
      : this.#find({ name: wanted.fileName, root: hexOf(wanted.root) }, await this.#admit(call));
    const have = content.have().slice(0, data.runsMax);
    const session = again ? wanted.session : this.#begin(call, content);
    const isSmall = content.layer.length <= data.layerInlineMaxBytes;
    const answer: data.OpenAnswer = {
      session,
      fileName: content.name,
      root: rootBytesOf(content.root)!,
      sizeBytes: content.sizeBytes,
      pieceBytes: pieceBytesOf(content.sizeBytes),
      layer: isSmall && !again ? content.layer : new Uint8Array(0),
      have,
      expiresS: Math.floor(this.#limits.sessionMs / 1000),
      path: wanted.host !== "" && wanted.host === hostId() ? (content.path ?? "") : "",
      ...(content.attributes ?? noAttributes),
    };
    await sink.send([data.encode(data.openAnswer, answer, data.messageMaxBytes.openAnswer)]);
  }

  async #layer(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const { session, firstPiece } = data.decode(data.layerRequest, request);
    const { layer } = this.#session(call, session).content;
    for (let at = firstPiece * hashBytes; at < layer.length; at += data.layerPartBytes) {
      const hashes = layer.subarray(at, at + data.layerPartBytes);
      await this.#rate.pass(hashes.length, call.signal);
      await sink.send([
        data.encode(data.layerAnswer, { hashes }, data.messageMaxBytes.layerAnswer),
      ]);
    }
  }

  async #read(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const { session, runs } = data.decode(data.readRequest, request);
    const { content } = this.#session(call, session);
    const count = pieceCountOf(content.sizeBytes);
    for (const { first, count: length } of runs) {
      if (first + length > count || length === 0) {
        throw new ClusterError("bad-request", `${content.name} has ${count} pieces, from 0 on`);
      }
    }
    await this.#readers.use(call.signal, (slabs) =>
      sendPieces(content, runs, {
        slabs,
        sink,
        signal: call.signal,
        rate: this.#rate,
        sendMs: this.#limits.sendMs,
        onSent: (sizeBytes) => this.#options.onSent?.(content, sizeBytes),
      }),
    );
  }

  async #readMany(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const { files } = data.decode(many.readManyRequest, request);
    const { admission } = this.#options;
    const admitted = await admission.admitMany(files.map(({ credential }) => credential));
    const contents = files.map(({ fileName: name, root }, index) =>
      this.#findOrWhy({ name, root: hexOf(root) }, admitted[index] ?? null),
    );
    await this.#readers.use(call.signal, () =>
      sendMany(contents, {
        sink,
        signal: call.signal,
        rate: this.#rate,
        onSent: (content, sizeBytes) => this.#options.onSent?.(content, sizeBytes),
      }),
    );
  }

  #findOrWhy(wanted: WantedContent, admitted: Admitted | null): Content | ClusterError {
    if (admitted === null) return new ClusterError("unauthenticated", "the ticket is not valid");
    if (wanted.root === "")
      return new ClusterError("bad-request", "it is asked for without a root");
    try {
      return this.#find(wanted, admitted);
    } catch (error) {
      if (error instanceof ClusterError) return error;
      throw error;
    }
  }

  #admit(call: Call): Promise<Admitted> {
    const ticket = call.metadata("ticket");
    const bearer = ticket === undefined ? call.metadata("authorization") : `Bearer ${ticket}`;
    return this.#options.admission.admit(bearer);
  }

  /** The requested content, if it is also what was admitted. */
  #find(wanted: WantedContent, admitted: Admitted): Content {
    const { shelf } = this.#options;
    const named = wanted.name === "" ? null : shelf.named(wanted.name);
    // Of files with the same content the one of that name: its time and rights are meant.
    const isMeantByName = wanted.root === "" || named?.root === wanted.root;
    const content = isMeantByName ? named : shelf.rooted(wanted.root);
    if (admitted !== "all") {
      const { root, fileName } = admitted;
      const isMeant =
        root === null || wanted.root === ""
          ? fileName === wanted.name || (wanted.name === "" && content?.name === fileName)
          : root === wanted.root;
      if (!isMeant || (root !== null && content !== null && content.root !== root)) {
        throw new ClusterError("unauthenticated", this.#mismatch(wanted, admitted));
      }
    }
    if (content !== null) return content;
    // The exact words of existing peers.
    throw new ClusterError("not-found", "File not found");
  }

  /** The ticket names a file that is shared: the request is for its previous content, or it has
   *  other content by now. Other shared files are not revealed. */
  #mismatch(wanted: WantedContent, admitted: Redeemed): string {
    const { shelf } = this.#options;
    const { fileName, root } = admitted;
    const now = shelf.named(fileName);
    const isOfBefore = now?.root === root && shelf.rooted(wanted.root) === null;
    const isStale = wanted.name === fileName && wanted.root === "" && now !== null;
    if (!(wanted.root === "" ? isStale : isOfBefore)) return "the ticket is for another file";
    return `${fileName} has changed at its owner meanwhile; request it again by its name`;
  }

  #begin(call: Call, content: Content): Uint8Array {
    const sessions = this.#sessions.get(call.connection) ?? new Map<string, Session>();
    this.#sessions.set(call.connection, sessions);
    const nowMs = performance.now();
    for (const [key, { expiresAtMs }] of sessions) {
      if (expiresAtMs > nowMs && sessions.size < this.#limits.sessionsPerConnectionMax) break;
      sessions.delete(key);
    }
    const session = randomBytes(16);
    const expiresAtMs = nowMs + this.#limits.sessionMs;
    sessions.set(session.toString("hex"), { content, expiresAtMs });
    return session;
  }

  #session(call: Call, id: Uint8Array): Session {
    const session = this.#sessions.get(call.connection)?.get(hexOf(id));
    if (session !== undefined && session.expiresAtMs > performance.now()) return session;
    throw new ClusterError("unauthenticated", "no such session on this connection; open the file");
  }
}

type Sink = Parameters<Method["handle"]>[2];
