/** How the page of a tab says that it is being closed: `POST /tab/left?session=…` to its gateway,
 *  which a browser delivers also when the page is gone. The name of the session is known to the tab
 *  and its gateway alone. */

export function leftUrl(session: string): string {
  return `/tab/left?session=${encodeURIComponent(session)}`;
}

/** The session that a call names, as pages make names; null when it is another call. */
export function parseLeft(method: string | undefined, url: string | undefined): string | null {
  if (method !== "POST") return null;
  return /^\/tab\/left\?session=([0-9A-Za-z-]{1,64})$/.exec(url ?? "")?.[1] ?? null;
}
