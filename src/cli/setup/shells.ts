/** Completion scripts of each shell: pure, from what there is to the text. */

export type CompletedOption = {
  /** `--output`. */
  readonly flag: string;
  readonly what: string;
  readonly takesValue: boolean;
  /** Values that there are; empty = any. */
  readonly choices: readonly string[];
};

export type Completed = {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** Of the first argument; empty = any, which is taken for a file. */
  readonly choices: readonly string[];
  readonly subcommands: readonly Completed[];
};

export const shells = { bash, zsh, fish };
export type Shell = keyof typeof shells;

/** Words that may stand behind the name of the command. */
function wordsOf({ choices, subcommands }: Completed): readonly string[] {
  return [...choices, ...subcommands.map(({ name }) => name)];
}

/** Options, with those of subcommands: which of these was named matters little while one types. */
function optionsOf({ options, subcommands }: Completed): readonly CompletedOption[] {
  const all = [...options, ...subcommands.flatMap(optionsOf)];
  return all.filter(({ flag }, at) => all.findIndex((one) => one.flag === flag) === at);
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map((command) => {
    const flags = optionsOf(command).map(({ flag }) => flag);
    return `    ${command.name}) options=${q(flags)} words=${q(wordsOf(command))} ;;`;
  });
  const values = commands.flatMap((command) =>
    optionsOf(command)
      .filter(({ choices }) => choices.length > 0)
      .map(({ choices, flag }) => `    "${command.name} ${flag}") words=${q(choices)} ;;`),
  );
  return `# Completion of tequio for bash.
_tequio() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} options="" words=""
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W ${q(commands.map(({ name }) => name))} -- "$current"))
    return
  fi
  case $command in
${cases.join("\n")}
  esac
  case "$command $previous" in
${values.join("\n")}
    *) (( COMP_CWORD == 2 )) || words="" ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _tequio tequio
`;
}

function q(words: readonly string[]): string {
  return `"${words.join(" ")}"`;
}

function zsh(commands: readonly Completed[]): string {
  const listed = commands.map(({ name, summary }) => `    ${single(`${name}:${plain(summary)}`)}`);
  const cases = commands.map((command) => {
    const options = optionsOf(command).map(({ choices, flag, takesValue, what }) => {
      const values = choices.length > 0 ? `(${choices.join(" ")})` : "_files";
      const value = takesValue ? `:value:${values}` : "";
      return single(`${flag}[${plain(what)}]${value}`);
    });
    const words = wordsOf(command);
    const rest = words.length > 0 ? `1:what:(${words.join(" ")})` : "*:file:_files";
    return `    ${command.name}) _arguments ${[...options, single(rest)].join(" ")} ;;`;
  });
  return `#compdef tequio
# Completion of tequio for zsh.
_tequio() {
  local -a commands
  commands=(
${listed.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_tequio" ]; then _tequio "$@"; else compdef _tequio tequio; fi
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = ["# Completion of tequio for fish."];
  for (const command of commands) {
    const { name, summary } = command;
    lines.push(`complete -c tequio -f -n __fish_use_subcommand -a ${name} -d ${single(summary)}`);
    const seen = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const word of wordsOf(command)) lines.push(`complete -c tequio ${seen} -a ${word}`);
    for (const { choices, flag, takesValue, what } of optionsOf(command)) {
      const values = choices.length > 0 ? ` -x -a ${single(choices.join(" "))}` : " -r";
      const value = takesValue ? values : "";
      lines.push(`complete -c tequio ${seen} -l ${flag.slice(2)}${value} -d ${single(what)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** Without what zsh reads in a description. */
function plain(text: string): string {
  return text.replace(/[[\]:\\]/g, (found) => (found === ":" ? "," : " "));
}

/** In single quotes, for all three. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
