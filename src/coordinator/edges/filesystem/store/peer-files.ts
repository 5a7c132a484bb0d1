/** Files that members share, for GETDATA: read from the members by verified pieces. */
import { ClusterError } from "../../../../core/error.ts";
import type { SharedContent, SharedInputs } from "../../../../peer/input/shared-input.ts";
import type { Members } from "../../../members/members.ts";

export class PeerFiles {
  readonly #members: Members;
  readonly #inputs: SharedInputs;

  constructor(members: Members, inputs: SharedInputs) {
    this.#members = members;
    this.#inputs = inputs;
  }

  /** Null when no member offers it now. Throws `not-found` for one that cannot be verified: its
   *  owner did not report its content. */
  find(name: string): SharedContent | null {
    const sources = this.#members.sources({ name });
    const file = sources.find(({ file }) => file.root !== null && file.sizeBytes !== null)?.file;
    if (file !== undefined && file.root !== null && file.sizeBytes !== null) {
      return { name, root: file.root, sizeBytes: file.sizeBytes };
    }
    if (sources.length === 0) return null;
    const text = `${name} is shared by a peer without a content hash; fetch it with tequio get`;
    throw new ClusterError("not-found", text);
  }

  read(content: SharedContent, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#inputs.read(content, { start: 0, end: content.sizeBytes }, signal);
  }
}
