/** The Join page: asks before anything runs, then shows what this tab does, and can stop it. */
import { useMessages } from "../i18n/language.ts";
import "./join.css";
import { canGoOnHidden } from "./host.ts";
import { type Choices, coreCount, type Lending, useLending } from "./lending.ts";
import { isForgetful } from "./memory.ts";
import { joinMessages } from "./messages.ts";
import { Shown } from "./shown.tsx";

export function JoinPage() {
  const say = useMessages(joinMessages);
  const lending = useLending();
  const { line, place, shown, stage, token } = lending;
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
          <Lent choices={lending.choices} />
          <Buttons lending={lending} />
          <Remarks />
        </>
      )}
      <div ref={place} />
    </section>
  );
}

/** The number of cores, and the share of their time. */
function Lent({ choices }: { readonly choices: Choices }) {
  const say = useMessages(joinMessages);
  const { choose, chooseWhileHidden, share, slots, whileHidden } = choices;
  return (
    <fieldset class="choices">
      <label>
        <span>{say("slots")}</span>
        <input
          type="range"
          min="1"
          max={coreCount}
          value={slots}
          onInput={({ currentTarget }) => choose("slots", Number(currentTarget.value))}
        />
        <output>
          {slots} {say("slotsHint", { count: coreCount })}
        </output>
      </label>
      <label>
        <span>{say("share")}</span>
        <input
          type="range"
          aria-describedby="share-hint"
          min="0.1"
          max="1"
          step="0.1"
          value={share}
          onInput={({ currentTarget }) => choose("share", Number(currentTarget.value))}
        />
        <output>{Math.round(share * 100)} %</output>
      </label>
      <p class="remark" id="share-hint">
        {say("shareHint")}
      </p>
      {canGoOnHidden ? (
        <>
          <label class="check">
            <input
              type="checkbox"
              id="while-hidden"
              aria-describedby="hidden-hint"
              checked={whileHidden}
              onChange={({ currentTarget }) => chooseWhileHidden(currentTarget.checked)}
            />
            <span>{say("whileHidden")}</span>
          </label>
          <p class="remark" id="hidden-hint">
            {say("whileHiddenHint")}
          </p>
        </>
      ) : null}
    </fieldset>
  );
}

function Buttons({ lending }: { readonly lending: Lending }) {
  const say = useMessages(joinMessages);
  const { does, isPaused, stage } = lending;
  return (
    <p class="buttons">
      {stage === "in" ? (
        <>
          <button type="button" id="pause" onClick={does.pause}>
            {isPaused ? say("go") : say("pause")}
          </button>
          <button type="button" id="stop" class="danger" onClick={does.stop}>
            {say("stop")}
          </button>
        </>
      ) : (
        <button type="button" id="join" class="main" onClick={does.join}>
          {stage === "stopped" ? say("again") : say("join")}
        </button>
      )}
    </p>
  );
}

/** Features that this browser lacks. */
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
