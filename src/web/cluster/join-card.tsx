/** The link and the QR code by which phones, Chromebooks and other browsers join. */
import { useEffect, useRef, useState } from "preact/hooks";
import { renderSVG } from "uqr";
import type { WorkerSummary } from "../../core/summary.ts";
import type { TokenAnswer } from "../../wire/api/messages.ts";
import { CallError, call } from "../api/client.ts";
import { countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { useMe } from "../shell/me.ts";
import { clusterMessages } from "./messages.ts";

const ttlMs = 86_400_000;
/** Newcomers that the full screen names: the newest. */
const namedMax = 12;

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

type Made = {
  readonly link: string;
  /** Workers that were here before: all others are newcomers. */
  readonly before: ReadonlySet<string>;
};

export function JoinCard({ workers }: { workers: readonly WorkerSummary[] }) {
  const say = useMessages(clusterMessages);
  const me = useMe();
  const [made, setMade] = useState<Made | null>(null);
  const [problem, setProblem] = useState("");
  if (me === null) return null;
  const mayMake = me.may.includes("manage-tokens");
  const make = async () => {
    const json = { role: "volunteer", owner: me.owner, ttlMs, usesMax: 0 };
    const before = new Set(workers.map(({ worker }) => worker));
    try {
      const { code, token } = await call<TokenAnswer>("/v1/tokens", { method: "POST", json });
      setMade({ link: `${joinOrigin(location.origin, me.openUrl)}/j#${code ?? token}`, before });
    } catch (error) {
      setProblem(error instanceof CallError ? error.message : String(error));
    }
  };
  return (
    <section class="panel" aria-labelledby="join-title">
      <header>
        <h2 id="join-title">{say("joinTitle")}</h2>
        <span class="stretch" />
        {mayMake && made === null ? (
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
        {made === null ? null : <Link made={made} workers={workers} />}
        <p class="quiet small">
          <Rich text={say("nodeJoin")} />
        </p>
      </div>
    </section>
  );
}

/** Black on white in every theme: cameras need it. */
function Code({ link, size }: { link: string; size?: number }) {
  const say = useMessages(clusterMessages);
  const image = `data:image/svg+xml,${encodeURIComponent(renderSVG(link, { border: 2 }))}`;
  const sizes = size === undefined ? {} : { width: size, height: size };
  return <img src={image} {...sizes} alt={say("qr")} />;
}

function Link({ made, workers }: { made: Made; workers: readonly WorkerSummary[] }) {
  const say = useMessages(clusterMessages);
  const [copied, setCopied] = useState(false);
  const [isLarge, enlarge] = useState(false);
  const { link } = made;
  return (
    <div class="join-link">
      <Code link={link} size={200} />
      <div class="stack tight">
        <code class="link">{link}</code>
        <div class="row">
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
          <button type="button" id="full-screen" onClick={() => enlarge(true)}>
            {say("fullScreen")}
          </button>
        </div>
        <Warning link={link} />
      </div>
      {isLarge ? <Large made={made} workers={workers} close={() => enlarge(false)} /> : null}
    </div>
  );
}

/** Shown before the link is opened: a warning that comes as a surprise is a reason to leave. */
function Warning({ link }: { link: string }) {
  const say = useMessages(clusterMessages);
  const me = useMe();
  const { hostname, protocol } = new URL(link);
  if (protocol !== "https:" || me?.hasOwnCertificate !== true) return null;
  return (
    <details class="fold">
      <summary>{say("warnTitle")}</summary>
      <p class="quiet small">
        <Rich text={say("warning", { host: hostname })} />
      </p>
    </details>
  );
}

/** For the projector of a class: the code, and who has followed it. */
function Large({ close, made, workers }: Parameters<typeof Link>[0] & { close: () => void }) {
  const say = useMessages(clusterMessages);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    // Where the browser lets a page: the dialog fills the window in any case.
    dialog.current?.requestFullscreen?.().catch(() => {});
    return () => {
      if (document.fullscreenElement !== null) document.exitFullscreen().catch(() => {});
    };
  }, []);
  const came = workers.filter(
    ({ state, tab, worker }) => tab && state === "live" && !made.before.has(worker),
  );
  return (
    <dialog ref={dialog} class="large-code" aria-labelledby="large-title" onClose={close}>
      <div class="large-link">
        <h2 id="large-title">{say("joinHere")}</h2>
        <Code link={made.link} />
        <code class="link">{made.link}</code>
        <Warning link={made.link} />
      </div>
      <div class="came" aria-live="polite">
        <p>
          <strong class="number" id="came">
            {countText(came.length)}
          </strong>{" "}
          {say("joined", { n: came.length })}
        </p>
        <ul>
          {came
            .slice(-namedMax)
            .reverse()
            .map(({ name, worker }) => (
              <li key={worker}>{name}</li>
            ))}
        </ul>
        <button type="button" onClick={() => dialog.current?.close()}>
          {say("leave")}
        </button>
      </div>
    </dialog>
  );
}
