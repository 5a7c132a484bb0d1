/** Offers the files of the filesystem protocol to all members: as a member of the catalogue, served
 *  by pieces like any peer's. */
import { open } from "node:fs/promises";
import { ClusterError } from "../../../../core/error.ts";
import { GrpcServer } from "../../../../link/grpc/server.ts";
import type { Certificate } from "../../../../link/tls/self-signed.ts";
import { fingerprint } from "../../../../link/tls/self-signed.ts";
import { sha256 } from "../../../../peer/hashing/sha256.ts";
import { defaultListenerLimits, type Listener, openListener } from "../../../../peer/listener.ts";
import { Admission, type Redeemed } from "../../../../peer/serve/admission.ts";
import { type Content, ContentIndex } from "../../../../peer/serve/content.ts";
import { FileService } from "../../../../peer/serve/service.ts";
import { hashBytes, hashOf, pieceBytesOf, sameBytes } from "../../../../wire/p4/merkle.ts";
import type { Loop } from "../../../loop/loop.ts";
import type { Members } from "../../../members/members.ts";
import type { Tickets } from "../../../members/tickets.ts";
import { redeemedBy } from "../../p4/fetching.ts";
import type { StoredFile } from "./catalogue.ts";
import type { Files } from "./files.ts";

export type OfferedParts = {
  readonly loop: Loop;
  readonly members: Members;
  readonly tickets: Tickets;
  readonly files: Files;
  /** Where peers fetch; if other machines reach it, it has a certificate. */
  readonly host: string;
  readonly advertised: string;
  readonly certificate: Certificate | null;
  readonly onNews: (text: string) => void;
  readonly onError: (error: unknown) => void;
};

/** Only this edge registers members of this owner. */
const owner = "filesystem";
const memberName = "filesystem";

export class Offered {
  readonly #parts: OfferedParts;
  readonly #shelf = new ContentIndex();
  #listener: Listener | null = null;

  private constructor(parts: OfferedParts) {
    this.#parts = parts;
  }

  static async open(parts: OfferedParts): Promise<Offered> {
    const offered = new Offered(parts);
    try {
      await offered.#listen();
      await offered.#register();
      return offered;
    } catch (error) {
      await offered.close();
      throw error;
    }
  }

  /** Never rejects: what is stored stays stored, whether it is listed or not. */
  async put(files: readonly StoredFile[]): Promise<void> {
    for (const file of files) this.#shelf.put(new BlobContent(file, this.#parts.files));
    await this.#said(this.#parts.members.publish(memberName, files.map(shared), "renew"));
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) this.#shelf.remove(name);
    const listed = this.#parts.members.find(memberName)?.files;
    const known = names.filter((name) => listed?.has(name));
    if (known.length > 0) await this.#said(this.#parts.members.withdraw(memberName, known));
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    if (this.#parts.members.find(memberName)?.owner !== owner) return;
    await this.#parts.members.unregister(memberName).catch(() => {});
  }

  async #listen(): Promise<void> {
    const { certificate, host, onError } = this.#parts;
    const redeem = async (ticket: string) => this.#redeem(ticket);
    const admission = new Admission({
      redeem: () => redeem,
      linkSecret: "",
      allowsAnonymous: false,
    });
    const service = new FileService({
      shelf: this.#shelf,
      admission,
      rateMaxBytes: Number.POSITIVE_INFINITY,
    });
    this.#listener = await openListener({
      ...defaultListenerLimits,
      host,
      port: 0,
      grpc: new GrpcServer({ methods: service.methods(), tls: certificate, onBroken: onError }),
      other: null,
    });
  }

  async #register(): Promise<void> {
    const { advertised, certificate, files, members } = this.#parts;
    // Left by a coordinator that was killed.
    if (members.find(memberName)?.owner === owner) await members.unregister(memberName);
    const pin = certificate === null ? {} : { fingerprint: fingerprint(certificate.cert) };
    const address = { host: advertised, port: this.#listener?.port ?? 0, ...pin };
    await members.registerPeer({ name: memberName, owner, admittedBy: "", address, ttlMs: 0 });
    const stored = files.catalogue.files();
    for (const file of stored) this.#shelf.put(new BlobContent(file, files));
    await this.#said(members.publish(memberName, stored.map(shared), "replace"));
  }

  #redeem(ticket: string): Redeemed {
    const source = this.#parts.members.find(memberName);
    const redeemed = source === null ? null : redeemedBy(source, ticket, this.#parts);
    if (redeemed === null) throw new ClusterError("unauthenticated", "Invalid ticket");
    const { file_name: fileName, requester, root } = redeemed;
    return { fileName, root, requester };
  }

  async #said(done: Promise<void>): Promise<void> {
    await done.catch((error) => {
      this.#parts.onNews(`files of the filesystem protocol are not listed: ${error.message}`);
    });
  }
}

function shared({ name, root, sizeBytes }: StoredFile) {
  return { name, description: "", root, sizeBytes };
}

/** A blob; each piece is verified before it leaves, since several names may lead to its bytes. */
class BlobContent implements Content {
  readonly #file: StoredFile;
  readonly #files: Files;

  constructor(file: StoredFile, files: Files) {
    this.#file = file;
    this.#files = files;
  }

  get name(): string {
    return this.#file.name;
  }

  get root(): string {
    return this.#file.root;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  get layer(): Uint8Array {
    return this.#file.layer;
  }

  have() {
    const count = this.layer.length / hashBytes;
    return count === 0 ? [] : [{ first: 0, count }];
  }

  async read(position: number, into: Uint8Array): Promise<void> {
    const path = this.#files.path(this.#file);
    if (path === null) throw this.#lost();
    const handle = await open(path, "r").catch(() => {
      throw this.#lost();
    });
    try {
      for (let filled = 0; filled < into.length; ) {
        const left = into.length - filled;
        const { bytesRead } = await handle.read(into, filled, left, position + filled);
        if (bytesRead === 0) throw this.#lost();
        filled += bytesRead;
      }
    } finally {
      await handle.close();
    }
    this.#verify(position, into);
  }

  #verify(position: number, bytes: Uint8Array): void {
    const pieceBytes = pieceBytesOf(this.sizeBytes);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const view = bytes.subarray(at, at + pieceBytes);
      const piece = (position + at) / pieceBytes;
      if (!sameBytes(sha256(view), hashOf(this.layer, piece))) throw this.#lost();
    }
  }

  #lost(): ClusterError {
    const text = `${this.name} is damaged at its file system; send it again`;
    return new ClusterError("data-lost", text);
  }
}
