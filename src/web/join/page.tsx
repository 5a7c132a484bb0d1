/** The Join page: asks before anything runs, then shows what this tab does, and stops it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { TabShown } from "../../worker/browser/tab/page-messages.ts";
import { useMessages } from "../i18n/language.ts";
import { joinToken } from "../shell/session.ts";
import { TabHost } from "./host.ts";
import "./join.css";
import { isForgetful, recall, remember } from "./memory.ts";
import { joinMessages } from "./messages.ts";
import { Shown } from "./shown.tsx";

const coreCount = Math.max(1, navigator.hardwareConcurrency || 1);

/** What was remembered of another link is none of this one's. */
function takeToken(): string {
  const token = joinToken();
  if (recall("token") !== token) {
    remember("identity", "");
    remember("consent", "");
  }
  remember("token", token);
  return token;
}

export function JoinPage() {
  const say = useMessages(joinMessages);
  const [token] = useState(takeToken);
  const [slots, setSlots] = useState(Number(recall("slots")) || Math.max(1, coreCount - 1));
  const [share, setShare] = useState(Number(recall("share")) || 1);
  const [isPaused, setPaused] = useState(false);
  const [shown, setShown] = useState<TabShown | null>(null);
  const [line, setLine] = useState("");
  const [stage, setStage] = useState<"asking" | "in" | "stopped">(
    recall("consent") === "yes" ? "in" : "asking",
  );
  const host = useRef<TabHost | null>(null);
  const place = useRef<HTMLDivElement | null>(null);

  useEffect(() => {
    if (stage !== "in" || token === "" || place.current === null) return;
    const options = { token, slots, share, place: place.current };
    host.current = new TabHost({ ...options, shown: setShown, printed: setLine });
    return () => {
      host.current?.leave();
      host.current = null;
    };
  }, [stage, token]);

  const join = () => {
    remember("consent", "yes");
    remember("joinedSlots", String(slots));
    setPaused(false);
    setStage("in");
  };
  const stop = () => {
    remember("consent", "");
    setShown(null);
    setStage("stopped");
  };
  const chooseShare = (value: number) => {
    remember("share", String(value));
    setShare(value);
    host.current?.setShare(value);
  };
  const chooseSlots = (value: number) => {
    remember("slots", String(value));
    setSlots(value);
    host.current?.setSlots(value);
  };
  const pause = () => {
    host.current?.pause(!isPaused);
    setPaused(!isPaused);
  };

  // More than it joined with are more than the cluster knows of.
  const slotsMax = stage === "in" ? Number(recall("joinedSlots")) || slots : coreCount;
  return (
    <section class="lend">
      <h1 tabIndex={-1}>{say("title")}</h1>
      {token === "" ? (
        <p class="warning">{say("noLink")}</p>
      ) : (
        <>
          {stage === "asking" && (
            <>
              <p>{say("ask", { host: location.host })}</p>
              <p class="remark">{say("what")}</p>
            </>
          )}
          {stage === "stopped" && <p>{say("stopped")}</p>}
          {stage === "in" && <Shown shown={shown} say={say} line={line} />}
          <fieldset class="choices">
            <label>
              <span>{say("slots")}</span>
              <input
                type="range"
                min="1"
                max={slotsMax}
                value={slots}
                onInput={({ currentTarget }) => chooseSlots(Number(currentTarget.value))}
              />
              <output>
                {slots} {say("slotsHint", { count: coreCount })}
              </output>
            </label>
            <label>
              <span>{say("share")}</span>
              <input
                type="range"
                min="0.1"
                max="1"
                step="0.1"
                value={share}
                onInput={({ currentTarget }) => chooseShare(Number(currentTarget.value))}
              />
              <output>{Math.round(share * 100)} %</output>
            </label>
          </fieldset>
          <p class="buttons">
            {stage === "in" ? (
              <>
                <button type="button" id="pause" onClick={pause}>
                  {isPaused ? say("go") : say("pause")}
                </button>
                <button type="button" id="stop" class="danger" onClick={stop}>
                  {say("stop")}
                </button>
              </>
            ) : (
              <button type="button" id="join" class="main" onClick={join}>
                {stage === "stopped" ? say("again") : say("join")}
              </button>
            )}
          </p>
          <Remarks />
        </>
      )}
      <div ref={place} />
    </section>
  );
}

/** What this browser lacks. */
function Remarks() {
  const say = useMessages(joinMessages);
  const remarks = [
    isForgetful && say("forgetful"),
    !isSecureContext && say("plain"),
    typeof WebAssembly === "undefined" && say("noWasm"),
  ].filter((text) => text !== false);
  return (
    <>
      {remarks.map((text) => (
        <p class="remark" key={text}>
          {text}
        </p>
      ))}
    </>
  );
}
