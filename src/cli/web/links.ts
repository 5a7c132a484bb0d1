/** What `tequio up` says of its web page: the dashboard's link, and how other browsers join. */
import { join } from "node:path";
import { renderUnicodeCompact } from "uqr";
import { adminTokenFile } from "../../client/place.ts";
import { styled } from "../screen.ts";

/** The link by which a browser lends its cores: its token is in the fragment, which no server
 *  sees. */
export function joinLink(url: string, token: string): string {
  return `${url}/j#${token}`;
}

export type PageLines = {
  readonly url: string;
  readonly dataDir: string;
  readonly adminToken: string;
  /** The short form of its join token. */
  readonly joinCode: string;
  /** Tabs that join by it are own workers. */
  readonly areOwn: boolean;
  /** The page is built. */
  readonly hasPage: boolean;
  /** Only this machine can open it. */
  readonly isLocal: boolean;
  /** Its certificate is its own: browsers warn of it. */
  readonly warns: boolean;
  /** A person reads it: services' logs must not hold an admin's token. */
  readonly isTerminal: boolean;
  readonly qr: boolean;
};

export function pageLines(of: PageLines): string[] {
  if (!of.hasPage) return ["web page     not built; `npm run build` builds it"];
  const open = of.isTerminal ? `${of.url}/#token=${of.adminToken}` : `${of.url}/`;
  const lines = [`dashboard    ${styled("bold", open)}`];
  if (!of.isTerminal) {
    lines.push(
      `             (asks for a token; an admin's is in ${join(of.dataDir, adminTokenFile)})`,
    );
  }
  lines.push(`browsers     ${joinLink(of.url, of.joinCode)}`);
  if (!of.areOwn)
    lines.push("             (volunteers: they compute jobs with `--share volunteers`)");
  return [...lines, ...(of.warns ? warningLines(new URL(of.url).hostname) : [])];
}

/** What a browser will say, before it does. */
function warningLines(host: string): string[] {
  return [
    "each browser warns once (“your connection is not private”), since the certificate is this",
    `cluster's own: press Advanced, then Proceed to ${host}; Safari: Show Details, then`,
    "visit this website. With a certificate of yours none warns: --cert and --key",
  ].map((line) => `             ${line}`);
}

/** The link for cameras; none where no camera could scan it, or no other device could follow it. To
 *  be printed first: it is as high as a small terminal, and lines before it would be gone. */
export function joinPicture(of: PageLines): string[] {
  if (!of.hasPage || !of.qr || !of.isTerminal || of.isLocal) return [];
  return [...qrLines(joinLink(of.url, of.joinCode)), ""];
}

/** White and black whatever the terminal's colours are: cameras want it so. */
export function qrLines(text: string): string[] {
  const rows = renderUnicodeCompact(text, { border: 2 }).split("\n");
  return rows.map((row) => `             \x1b[97;40m${row}\x1b[0m`);
}
