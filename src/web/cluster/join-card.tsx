/** The link and the QR code by which phones, Chromebooks and other browsers join. */
import { useState } from "preact/hooks";
import { renderSVG } from "uqr";
import type { TokenAnswer } from "../../wire/api/messages.ts";
import { CallError, call } from "../api/client.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { useMe } from "../shell/me.ts";
import { clusterMessages } from "./messages.ts";

const ttlMs = 86_400_000;

/** The origin at which others can open the page: this page's own, unless that is a loopback
 *  address. */
export function joinOrigin(origin: string, openUrl: string): string {
  const { hostname } = new URL(origin);
  const isInner = /^127\./.test(hostname) || hostname === "localhost" || hostname === "[::1]";
  return isInner && openUrl !== "" ? openUrl : origin;
}

export function isOnlyLocal(origin: string, openUrl: string): boolean {
  const { hostname } = new URL(joinOrigin(origin, openUrl));
  return /^127\./.test(hostname) || hostname === "localhost" || hostname === "[::1]";
}

export function JoinCard() {
  const say = useMessages(clusterMessages);
  const me = useMe();
  const [link, setLink] = useState("");
  const [problem, setProblem] = useState("");
  if (me === null) return null;
  const mayMake = me.may.includes("manage-tokens");
  const make = async () => {
    const json = { role: "volunteer", owner: me.owner, ttlMs, usesMax: 0 };
    try {
      const { token } = await call<TokenAnswer>("/v1/tokens", { method: "POST", json });
      setLink(`${joinOrigin(location.origin, me.openUrl)}/j#${token}`);
    } catch (error) {
      setProblem(error instanceof CallError ? error.message : String(error));
    }
  };
  return (
    <section class="panel" aria-labelledby="join-title">
      <header>
        <h2 id="join-title">{say("joinTitle")}</h2>
        <span class="stretch" />
        {mayMake && link === "" ? (
          <button type="button" class="main" onClick={() => void make()}>
            {say("makeLink")}
          </button>
        ) : null}
      </header>
      <div class="body stack tight">
        <p class="quiet">{say(mayMake ? "joinHelp" : "noRight")}</p>
        {isOnlyLocal(location.origin, me.openUrl) ? (
          <p class="notice">
            <Rich text={say("loopback")} />
          </p>
        ) : null}
        {problem === "" ? null : (
          <p class="bad" role="alert">
            {problem}
          </p>
        )}
        {link === "" ? null : <Link link={link} />}
        <p class="quiet small">
          <Rich text={say("nodeJoin")} />
        </p>
      </div>
    </section>
  );
}

function Link({ link }: { link: string }) {
  const say = useMessages(clusterMessages);
  const [copied, setCopied] = useState(false);
  // Black on white in every theme: cameras need it.
  const image = `data:image/svg+xml,${encodeURIComponent(renderSVG(link, { border: 2 }))}`;
  return (
    <div class="join-link">
      <img src={image} width={200} height={200} alt={say("qr")} />
      <div class="stack tight">
        <code class="link">{link}</code>
        <div>
          <button
            type="button"
            onClick={() => {
              navigator.clipboard?.writeText(link).then(
                () => setCopied(true),
                () => {},
              );
            }}
          >
            {say(copied ? "copied" : "copy")}
          </button>
        </div>
      </div>
    </div>
  );
}
