/** The addresses at which managers offer their programs: HTTP, IPFS, and files of P4's peers. */
import { parseFileAddress } from "../../wire/p4/control.ts";

export type ProgramAddress =
  | { readonly kind: "http"; readonly url: URL }
  /** At the gateway that the user of this worker chose. */
  | { readonly kind: "ipfs"; readonly url: URL }
  | { readonly kind: "p4"; readonly host: string; readonly port: number; readonly file: string };

const ipfsForm = /^(?:ipfs:\/\/|\/ipfs\/)([A-Za-z0-9][\w./~%+-]*)$/;

/** `ipfs`: the gateway of an IPFS node, as `http://127.0.0.1:8080`; "" = there is none. A text
 *  instead says why the address cannot be resolved here. */
export function parseProgramAddress(text: string, ipfs: string): ProgramAddress | string {
  const path = ipfsForm.exec(text)?.[1];
  if (path !== undefined) {
    if (ipfs !== "") return { kind: "ipfs", url: new URL(`/ipfs/${path}`, ipfs) };
    return `${text.slice(0, 200)} needs --ipfs-gateway <url>, the gateway of an IPFS node`;
  }
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return { kind: "http", url: new URL(text) };
  const file = parseFileAddress(text);
  if (file !== null) return { kind: "p4", ...file.address, file: file.name };
  return `${text.slice(0, 200)} is no http, https, /ipfs/ or grpc address`;
}
