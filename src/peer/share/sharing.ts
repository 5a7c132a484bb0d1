/** Files shared by this process: scanned, hashed, served, published, and checked for changes now
 *  and then. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Hash } from "../../core/ids.ts";
import { GrpcServer } from "../../link/grpc/server.ts";
import { fingerprint } from "../../link/tls/self-signed.ts";
import { makeDirectory } from "../../store/directory.ts";
import { defaultGetFileLimits, serveGetFile } from "../console-files.ts";
import { HashPool } from "../hashing/pool.ts";
import { defaultListenerLimits, type Listener, openListener } from "../listener.ts";
import { Admission, type Redeem, type RedeemMany } from "../serve/admission.ts";
import { type Content, ContentIndex } from "../serve/content.ts";
import { Descriptors } from "../serve/descriptors.ts";
import { FileContent } from "../serve/file-content.ts";
import { FileService } from "../serve/service.ts";
import { isFresh } from "../serve/stamp.ts";
import { lookupOn } from "./console-lookup.ts";
import { emptyFolder, folderListOf, type ListedFile } from "./folder-list.ts";
import { HashCache } from "./hash-cache.ts";
import { hashFile } from "./hash-file.ts";
import { type Found, scan } from "./scan.ts";

export type SharingOptions = {
  readonly paths: readonly string[];
  readonly name?: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: { readonly key: string; readonly cert: string } | null;
  /** Where the hashes of earlier runs are kept. */
  readonly stateDir: string;
  readonly hasLink: boolean;
  readonly allowsAnonymous: boolean;
  readonly rateMaxBytes: number;
  readonly onNews: (text: string) => void;
  readonly onHashed?: (sizeBytes: number) => void;
  readonly onSent?: (content: Content, sizeBytes: number) => void;
  readonly onBroken: (error: unknown) => void;
};

/** Its name cannot be that of a file. */
const listName = "/";

export class Sharing {
  readonly linkSecret: string;
  readonly #options: SharingOptions;
  readonly #shelf = new ContentIndex();
  readonly #pool = new HashPool();
  readonly #descriptors = new Descriptors();
  readonly #cache: HashCache;
  #listener: Listener | null = null;
  #redeem: Redeem | null = null;
  #redeemMany: RedeemMany | null = null;
  #leftOut = new Set<string>();
  #emptyFolders: readonly string[] = [];
  #scanning: Promise<boolean> | null = null;
  #onChange: () => void = () => {};

  private constructor(options: SharingOptions) {
    this.#options = options;
    this.linkSecret = options.hasLink ? randomBytes(32).toString("base64url") : "";
    makeDirectory(options.stateDir);
    this.#cache = new HashCache(join(options.stateDir, "hashes.sqlite3"));
  }

  /** Hashes what is not known yet, then listens. */
  static async open(options: SharingOptions): Promise<Sharing> {
    const sharing = new Sharing(options);
    try {
      await sharing.scan();
      sharing.#listener = await sharing.#listen();
      return sharing;
    } catch (error) {
      await sharing.close();
      throw error;
    }
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Of the certificate that it shows; "" = none. */
  get fingerprint(): string {
    const { tls } = this.#options;
    return tls === null ? "" : fingerprint(tls.cert);
  }

  /** From now on tickets are redeemed here. */
  setRedeem(redeem: Redeem, redeemMany: RedeemMany | null = null): void {
    this.#redeem = redeem;
    this.#redeemMany = redeemMany;
  }

  /** Called when what is shared has changed. */
  onChange(changed: () => void): void {
    this.#onChange = changed;
  }

  /** In the order of their names. */
  files(): Content[] {
    return [...this.#shelf.all()]
      .filter(({ name }) => name !== listName)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Files and empty folders, as lists name them. */
  listed(): ListedFile[] {
    return [...this.files(), ...this.#emptyFolders.map(emptyFolder)];
  }

  /** What is not shared, and why, as `onNews` has it. */
  leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  /** What a link names: the only file that is shared, else the list of all. */
  linked(): { readonly root: Hash; readonly isFolder: boolean } {
    const files = this.files();
    const [only] = files;
    const isOne = files.length === 1 && this.#emptyFolders.length === 0;
    if (isOne && only !== undefined && !only.name.includes("/")) {
      return { root: only.root, isFolder: false };
    }
    return { root: this.#shelf.named(listName)!.root, isFolder: true };
  }

  /** Checks all files; true when something has changed. One scan at a time. */
  scan(): Promise<boolean> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = null;
    });
    return this.#scanning;
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    await this.#scanning?.catch(() => {});
    this.#descriptors.close();
    this.#cache.close();
    await this.#pool.close();
  }

  async #scan(): Promise<boolean> {
    const { paths, name } = this.#options;
    const { emptyFolders, files, leftOut } = scan(paths, name);
    for (const text of leftOut) this.#leaveOut(text);
    const names = new Set(files.map((file) => file.name));
    let isChanged = emptyFolders.join("\n") !== this.#emptyFolders.join("\n");
    this.#emptyFolders = emptyFolders;
    for (const { name: shared } of this.files()) {
      if (names.has(shared)) continue;
      this.#shelf.remove(shared);
      isChanged = true;
    }
    const waiting = files.values();
    const lane = async () => {
      for (const next of waiting) {
        if (await this.#refresh(next)) isChanged = true;
      }
    };
    await Promise.all([lane(), lane(), lane()]);
    if (isChanged || this.#shelf.named(listName) === null) {
      this.#shelf.put(folderListOf(this.listed(), listName));
    }
    return isChanged;
  }

  /** True when what is served for this file has changed. */
  async #refresh({ name, path }: Found): Promise<boolean> {
    const before = this.#shelf.named(name);
    if (before instanceof FileContent && before.file.path === path && before.isCurrent()) {
      // Hashed once more when its times can be trusted, so that it need not be hashed for each
      // reader.
      if (!before.isInDoubt || isFresh(before.file.stamp, Date.now())) return false;
    }
    const { onHashed } = this.#options;
    const hashed = await hashFile(path, {
      pool: this.#pool,
      cache: this.#cache,
      ...(onHashed === undefined ? {} : { onHashed }),
    });
    if (hashed === null) {
      this.#leaveOut(`${path}: it cannot be read, or changes all the time`);
      this.#shelf.remove(name);
      return before !== null;
    }
    const content = new FileContent(name, hashed, {
      descriptors: this.#descriptors,
      onChanged: (changed) => this.#changed(changed),
    });
    this.#shelf.put(content);
    return before?.root !== content.root;
  }

  /** The bytes of a root are gone: no reader gets other bytes under it. */
  #changed(content: FileContent): void {
    if (this.#shelf.named(content.name) !== content) return;
    this.#shelf.remove(content.name);
    this.#options.onNews(`${content.name} has changed; hashing it again`);
    this.scan().then(
      () => this.#onChange(),
      (error) => this.#options.onBroken(error),
    );
  }

  #leaveOut(text: string): void {
    if (this.#leftOut.has(text)) return;
    this.#leftOut.add(text);
    this.#options.onNews(`not shared: ${text}`);
  }

  #listen(): Promise<Listener> {
    const { allowsAnonymous, listen, onBroken, onSent, rateMaxBytes, tls } = this.#options;
    const admission = new Admission({
      redeem: () => this.#redeem,
      redeemMany: () => this.#redeemMany,
      linkSecret: this.linkSecret,
      allowsAnonymous,
    });
    const service = new FileService({
      shelf: this.#shelf,
      admission,
      rateMaxBytes,
      ...(onSent === undefined ? {} : { onSent }),
    });
    const lookup = lookupOn(this.#shelf);
    return openListener({
      ...defaultListenerLimits,
      ...listen,
      grpc: new GrpcServer({ methods: service.methods(), tls, onBroken }),
      // The console protocol has no tickets: it is served only when anonymous callers are allowed.
      other: allowsAnonymous
        ? (socket, first) => void serveGetFile(socket, first, lookup, defaultGetFileLimits)
        : null,
    });
  }
}
