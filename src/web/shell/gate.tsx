/** Shown before the dashboard: signs the reader in. Asks for a token when the link has no valid
 *  one, and reports when the coordinator is unreachable. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Me } from "../../wire/api/messages.ts";
import { useIsAway, usePolled } from "../api/connection.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { MeContext } from "./me.ts";
import { shellMessages } from "./messages.ts";
import { forgetToken, isToken, readerToken, setToken } from "./session.ts";

/** The reader's rights rarely change, ms. */
const everyMs = 30_000;

export function Gate({ children }: { children: ComponentChildren }) {
  const [token, tokenChanged] = useState(readerToken);
  const me = usePolled<Me>(token === "" ? null : "/v1/me", everyMs);
  const say = useMessages(shellMessages);
  const code = me.error?.code;
  const enter = (text: string) => {
    setToken(text);
    tokenChanged(text);
    me.refresh();
  };
  if (token === "") return <SignIn problem="" enter={enter} />;
  if (code === "unauthenticated" || code === "forbidden") {
    return <SignIn problem={me.error?.message ?? ""} enter={enter} />;
  }
  if (me.value === null) {
    return (
      <>
        <Away />
        <div class="panel placeholder tall" aria-busy="true" />
      </>
    );
  }
  const leave = () => {
    forgetToken("reader");
    tokenChanged("");
  };
  return (
    <MeContext.Provider value={me.value}>
      <Away />
      {children}
      <footer class="foot quiet small">
        <span>
          {say("signedIn", { owner: me.value.owner })} · {say(me.value.role)}
        </span>
        <button type="button" class="plain underlined" onClick={leave}>
          {say("signOut")}
        </button>
        <span class="stretch" />
        <span>Tequio {me.value.version}</span>
      </footer>
    </MeContext.Provider>
  );
}

/** Floats, so that nothing moves when it appears and disappears. */
function Away() {
  const say = useMessages(shellMessages);
  const isAway = useIsAway();
  return (
    <div class="away" role="status">
      {isAway ? (
        <p class="notice bad">
          <strong>{say("away")}</strong> {say("awayHelp")}
        </p>
      ) : null}
    </div>
  );
}

function SignIn({ enter, problem }: { problem: string; enter: (token: string) => void }) {
  const say = useMessages(shellMessages);
  const [text, setText] = useState("");
  const trimmed = text.trim();
  return (
    <section class="panel empty sign-in">
      <h1 tabIndex={-1}>{say("signIn")}</h1>
      <p class="quiet">
        <Rich text={say("signInHelp")} />
      </p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isToken(trimmed)) enter(trimmed);
        }}
      >
        <label class="stack tight">
          <span>{say("token")}</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <p class="bad small" role="alert">
          {problem !== "" ? problem : trimmed !== "" && !isToken(trimmed) ? say("noToken") : ""}
        </p>
        <div class="row">
          <button type="submit" class="main" disabled={!isToken(trimmed)}>
            {say("enter")}
          </button>
        </div>
      </form>
    </section>
  );
}
