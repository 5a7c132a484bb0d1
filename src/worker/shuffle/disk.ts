/** The disk as the map outputs of a worker need it. The worker has Node's file system behind it,
 *  the simulation a disk in memory whose bits flip: names, links and checks are the same. */
import type { ByteRange } from "./byte-range.ts";

export interface ShuffleDisk {
  /** All bytes of a file and their SHA-256, lowercase hex. Refuses links, what is no file, and more
   *  than `bytesMax` bytes. */
  read(path: string, bytesMax: number): Promise<Content>;
  /** Null = nothing has this name. A link is not followed. */
  entry(path: string): Promise<DiskEntry | null>;
  /** Whether the bytes are there, in a file and not behind a link, with their SHA-256. */
  isUnchanged(range: ByteRange): Promise<boolean>;
  /** Gives a file a second name. "taken": another file may have it; "refused": the disk makes
   *  none. */
  link(path: string, second: string): Promise<"made" | "taken" | "refused">;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** With the folders above it, for this user alone. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder; none when it is not there. */
  names(folder: string): Promise<string[]>;
}

export type Content = { readonly bytes: Uint8Array; readonly sha256: string };

export type DiskEntry = {
  readonly kind: "file" | "folder" | "other";
  readonly sizeBytes: number;
  /** The same for all names of one file. */
  readonly id: string;
  /** Only this user can put anything into it. */
  readonly isPrivate: boolean;
  /** Only this user can change names in it. */
  readonly isOwn: boolean;
};
