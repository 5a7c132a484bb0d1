/** Which requests have an allowed origin: the protection against web pages that make a browser call
 *  this server.
 *
 *  A page on another site can send requests to 127.0.0.1, or have its own name resolve to it.
 *  Either way the Host or the Origin header is not one of this server. IP addresses are accepted as
 *  Host: DNS rebinding needs a name. */
import { isIP } from "node:net";
import { hostname } from "node:os";
import { ClusterError } from "../../core/error.ts";

export type OriginRules = {
  /** Names besides localhost, this machine's name and plain addresses. */
  readonly hosts: readonly string[];
  /** Origins besides the coordinator's own address, as `https://example.org`. */
  readonly origins: readonly string[];
};

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Throws `forbidden` with what is wrong and which option allows it. */
export function checkOrigin(headers: Headers, rules: OriginRules): void {
  const { host, origin } = headers;
  if (typeof host !== "string" || !isOurName(nameIn(host), rules)) {
    throw new ClusterError(
      "forbidden",
      `the Host header "${String(host).slice(0, 100)}" is not a name of this coordinator; ` +
        "call it by its address, or allow the name with the option `hosts`",
    );
  }
  const isKnown = typeof origin === "string" && rules.origins.includes(origin);
  if (headers["sec-fetch-site"] === "cross-site" && !isKnown && !isFollowedLink(headers)) {
    throw new ClusterError("forbidden", "pages of other sites may not call this coordinator");
  }
  if (origin === undefined) return;
  const own = origin === `http://${host}` || origin === `https://${host}`;
  if (own || isKnown) return;
  throw new ClusterError(
    "forbidden",
    `a page of ${String(origin).slice(0, 100)} may not call this coordinator; its owner can ` +
      "allow it with --allow-origin (of `tequio gateway`: --origin)",
  );
}

/** A user opened a link, for example in a mail, in a window of its own: the page with the link
 *  cannot read the answer. Forms that post have an Origin, which is checked. */
function isFollowedLink(headers: Headers): boolean {
  return headers["sec-fetch-mode"] === "navigate" && headers["sec-fetch-dest"] === "document";
}

/** Without the port; IPv6 without its brackets. */
function nameIn(host: string): string {
  const bracketed = /^\[([^\]]*)\](:\d*)?$/.exec(host);
  return (bracketed?.[1] ?? host.replace(/:\d*$/, "")).toLowerCase();
}

function isOurName(name: string, rules: OriginRules): boolean {
  if (isIP(name) !== 0 || name === "localhost") return true;
  return name === hostname().toLowerCase() || rules.hosts.includes(name);
}
