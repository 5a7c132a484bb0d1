/** The Join page: asks before anything runs, then shows what this tab does, and can stop it. */
import type { ComponentChildren } from "preact";
import { useMessages } from "../i18n/language.ts";
import "./join.css";
import { canGoOnHidden } from "./host.ts";
import {
  type Choices,
  coreCount,
  type Lending,
  nameMax,
  usedBytes,
  useLending,
} from "./lending.ts";
import { isForgetful } from "./memory.ts";
import { joinMessages } from "./messages.ts";
import { megabytes, Shown, Thanks } from "./shown.tsx";

export function JoinPage() {
  const say = useMessages(joinMessages);
  const lending = useLending();
  const { choices, place, stage, token } = lending;
  const title = stage === "in" ? (choices.name === "" ? "titleIn" : "titleNamed") : "title";
  return (
    <section class="lend">
      <h1 tabIndex={-1}>{say(title, { name: choices.name })}</h1>
      {token === "" ? <p class="warning">{say("noLink")}</p> : <Stage lending={lending} />}
      <div ref={place} />
    </section>
  );
}

function Stage({ lending }: { readonly lending: Lending }) {
  const say = useMessages(joinMessages);
  const { choices, line, shown, stage } = lending;
  if (stage === "in") {
    return (
      <>
        <Shown shown={shown} say={say} line={line} />
        <Buttons lending={lending} />
        <Options>
          <Lent choices={choices} cachedBytes={shown?.cachedBytes ?? null} />
        </Options>
        <Remarks />
      </>
    );
  }
  return (
    <>
      {stage === "asking" ? (
        <>
          <p>{say("ask", { host: location.host })}</p>
          <p class="remark">{say("what")}</p>
        </>
      ) : (
        <Thanks shown={shown} say={say} />
      )}
      <label class="own-name">
        <span>{say("name")}</span>
        <input
          type="text"
          id="own-name"
          maxLength={nameMax}
          autocomplete="given-name"
          value={choices.name}
          onInput={({ currentTarget }) => choices.chooseName(currentTarget.value)}
        />
      </label>
      <Buttons lending={lending} />
      <Options>
        <Lent choices={choices} cachedBytes={null} />
      </Options>
      <Remarks />
    </>
  );
}

/** Folded where there is little room: one button is enough there. */
function Options({ children }: { children: ComponentChildren }) {
  const say = useMessages(joinMessages);
  return (
    <details class="fold options" open={!matchMedia("(max-width: 40rem)").matches}>
      <summary>{say("options")}</summary>
      {children}
    </details>
  );
}

type LentProps = { readonly choices: Choices; readonly cachedBytes: number | null };

/** The number of cores, and how hard they work. */
function Lent({ cachedBytes, choices }: LentProps) {
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
        <span>{say("effort")}</span>
        <input
          type="range"
          aria-describedby="effort-hint"
          min="0.1"
          max="1"
          step="0.1"
          value={share}
          onInput={({ currentTarget }) => choose("share", Number(currentTarget.value))}
        />
        <output>{share === 1 ? say("full") : `${Math.round(share * 100)} %`}</output>
      </label>
      <p class="remark" id="effort-hint">
        {say("effortHint")}
      </p>
      <Bounds choices={choices} cachedBytes={cachedBytes} />
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

/** Of data, and of inputs that stay in the browser, and what is used of both. */
function Bounds({ cachedBytes, choices: { budget, cache, choose } }: LentProps) {
  const say = useMessages(joinMessages);
  const sent = say("budgetUsed", { used: megabytes(usedBytes()) });
  const kept = cachedBytes === null ? "" : say("cacheUsed", { used: megabytes(cachedBytes) });
  return (
    <>
      <Bound name="budget" value={budget} used={sent} choose={choose} />
      <Bound name="cache" value={cache} used={kept} choose={choose} />
    </>
  );
}

type BoundProps = Pick<Choices, "choose"> & {
  readonly name: "budget" | "cache";
  readonly value: number;
  /** What is used of it, as text. */
  readonly used: string;
};

/** A number of megabytes. */
function Bound({ choose, name, used, value }: BoundProps) {
  const say = useMessages(joinMessages);
  return (
    <>
      <label>
        <span>{say(name)}</span>
        <input
          type="number"
          id={name}
          aria-describedby={`${name}-hint`}
          min="0"
          step="any"
          // What is being typed outlives that the page draws its figures anew.
          defaultValue={value}
          onChange={({ currentTarget }) => choose(name, Math.max(0, Number(currentTarget.value)))}
        />
        <output id={`${name}-used`}>{used}</output>
      </label>
      <p class="remark" id={`${name}-hint`}>
        {say(`${name}Hint`)}
      </p>
    </>
  );
}

function Buttons({ lending }: { readonly lending: Lending }) {
  const say = useMessages(joinMessages);
  const { does, isPaused, stage } = lending;
  return (
    <p class="buttons">
      {stage === "in" ? (
        <>
          <button type="button" id="pause" class="wide-only" onClick={does.pause}>
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
