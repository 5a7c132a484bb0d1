/** Puts lines on a terminal: some that stay, and below them a few that are drawn again and
 *  again. */
import { styleText } from "node:util";
import { safeText } from "./text.ts";

export type Screen = {
  /** True when lines can be drawn over. */
  readonly live: boolean;
  /** Columns now. */
  width(): number;
  /** A line that stays, above the drawn ones. */
  print(text: string): void;
  /** Replaces the drawn lines. Without a terminal: nothing. `head`: the look of the first line,
   *  since escape sequences within lines are shown, not obeyed; default: as the others. */
  draw(lines: readonly string[], head?: (line: string) => string): void;
  /** Leaves the drawn lines where they are and stops drawing. May be called twice. */
  end(): void;
};

/** On standard error, so that results on standard output stay clean. */
export function openScreen(stream: NodeJS.WriteStream = process.stderr): Screen {
  const live = stream.isTTY === true && process.env.TERM !== "dumb";
  let drawn: readonly string[] = [];
  const clear = () => (drawn.length === 0 ? "" : `\r\x1b[${drawn.length}A\x1b[J`);
  const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");
  return {
    live,
    width: () => Math.max(20, (stream.columns || 80) - 1),
    print(line) {
      stream.write(`${clear()}${safeText(line)}\n${text(drawn)}`);
    },
    draw(lines, head = (line) => line) {
      if (!live) return;
      const before = clear();
      drawn = lines.map((line, i) => (i === 0 ? head(safeText(line)) : safeText(line)));
      stream.write(before + text(drawn));
    },
    end() {
      drawn = [];
    },
  };
}

type Style = Parameters<typeof styleText>[0];

/** Colour only where a person sees it: not in a pipe, not with NO_COLOR. */
export function styled(style: Style, text: string, stream = process.stdout): string {
  return styleText(style, text, { stream, validateStream: true });
}
