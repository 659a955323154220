/** Completion scripts for bash, zsh and fish, each made of the same description of the commands. */
import type { CompletedCommand, CompletedOption, Values } from './completion.ts';

/** Before the command there may be the program's own options; of these only --cwd takes a value. */
const GLOBAL: readonly CompletedOption[] = [
  { flags: ['--json'], description: 'print one JSON document and nothing else', values: undefined },
  { flags: ['--cwd'], description: 'work on the repository of this folder', values: { kind: 'folders' } },
  { flags: ['--help'], description: 'display help', values: undefined },
  { flags: ['--version'], description: 'print the version', values: undefined },
];

/** For bash 3.2 and newer, with or without the package bash-completion. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const reply = (values: Values): string => {
    switch (values.kind) {
      case 'words':
        return `COMPREPLY=($(compgen -W ${quote(values.words.join(' '))} -- "$cur"))`;
      case 'ids':
        return 'COMPREPLY=($(compgen -W "$(_baton_ids)" -- "$cur"))';
      case 'files':
        return 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null';
      case 'folders':
        return 'COMPREPLY=($(compgen -d -- "$cur")); compopt -o filenames 2>/dev/null';
      case 'anything':
        return ':';
    }
  };
  const branch = ({ name, options, argument }: CompletedCommand): string => {
    const taking = options.filter(({ values }) => values !== undefined).map(({ flags, values }) => `        ${flags.join('|')}) ${reply(values ?? { kind: 'anything' })}; return ;;`);
    const flags = options.flatMap((option) => option.flags).join(' ');
    return [
      `    ${name})`,
      ...(taking.length === 0 ? [] : ['      case $prev in', ...taking, '      esac']),
      `      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W ${quote(flags)} -- "$cur")); else ${reply(argument ?? { kind: 'anything' })}; fi ;;`,
    ].join('\n');
  };
  return `# bash completion for baton, made by "baton completion bash".
_baton_ids() {
  local git file
  git=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null) || return 0
  for file in "\${git%/.git}"/.baton/state/*.json; do
    file=\${file##*/}
    [[ $file == '*.json' ]] || printf '%s\\n' "\${file%.json}"
  done
}

_baton() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= index
  # bash takes "--risk=low" apart at the sign.
  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  for (( index = 1; index < COMP_CWORD; index++ )); do
    case \${COMP_WORDS[index]} in
      --cwd) (( index++ )) ;;
      -*|=) ;;
      *) command=\${COMP_WORDS[index]}; break ;;
    esac
  done
  case $command in
    '')
      if [[ $prev == --cwd ]]; then ${reply({ kind: 'folders' })}
      else COMPREPLY=($(compgen -W ${quote([...GLOBAL.flatMap(({ flags }) => flags), ...commands.map(({ name }) => name)].join(' '))} -- "$cur")); fi ;;
${commands.map(branch).join('\n')}
  esac
}

complete -F _baton baton
`;
}

export function zshScript(commands: readonly CompletedCommand[]): string {
  const action = (values: Values): string => {
    switch (values.kind) {
      case 'words':
        return `(${values.words.join(' ')})`;
      case 'ids':
        return '_baton_ids';
      case 'files':
        return '_files';
      case 'folders':
        return '_files -/';
      case 'anything':
        return ' ';
    }
  };
  const spec = ({ flags, description, values }: CompletedOption): string[] =>
    flags.map((flag) => quote(`${values === undefined ? '' : '*'}${flag}[${description.replace(/[[\]\\:]/g, '\\$&')}]${values === undefined ? '' : `:value:${action(values)}`}`));
  const branch = ({ name, options, argument }: CompletedCommand): string =>
    `        ${name}) _arguments ${[...options.flatMap(spec), quote(`*:argument:${action(argument ?? { kind: 'anything' })}`)].join(' ')} ;;`;
  return `#compdef baton
# zsh completion for baton, made by "baton completion zsh".
_baton_ids() {
  local git
  git=$(git rev-parse --path-format=absolute --git-common-dir 2>/dev/null) || return 1
  local -a ids
  ids=(\${git%/.git}/.baton/state/*.json(N:t:r))
  compadd -a ids
}

_baton() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    ${quote(`${name}:${description.replace(/:/g, '\\:')}`)}`).join('\n')}
  )
  _arguments -C ${GLOBAL.flatMap(spec).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands 'baton command' commands ;;
    rest)
      case $words[1] in
${commands.map(branch).join('\n')}
      esac ;;
  esac
}

compdef _baton baton
`;
}

export function fishScript(commands: readonly CompletedCommand[]): string {
  const takes = (values: Values | undefined): string => {
    switch (values?.kind) {
      case undefined:
        return '';
      case 'words':
        return ` -x -a ${quoteFish(values.words.join(' '))}`;
      case 'ids':
        return " -x -a '(__baton_ids)'";
      case 'files':
        return ' -r -F';
      case 'folders':
        return " -x -a '(__fish_complete_directories)'";
      case 'anything':
        return ' -x';
    }
  };
  const option = (when: string, { flags, description, values }: CompletedOption): string => {
    const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
    return `complete -c baton -n ${when} ${names} -d ${quoteFish(description)}${takes(values)}`;
  };
  const lines = commands.flatMap(({ name, description, options, argument }) => {
    const seen = quoteFish(`__fish_seen_subcommand_from ${name}`);
    return [
      `complete -c baton -n __fish_use_subcommand -a ${name} -d ${quoteFish(description)}`,
      ...options.map((one) => option(seen, one)),
      ...(argument === undefined || argument.kind === 'anything' ? [] : [`complete -c baton -n ${seen}${argument.kind === 'files' ? ' -F' : takes(argument).replace(' -x', '')}`]),
    ];
  });
  return `# fish completion for baton, made by "baton completion fish".
function __baton_ids
    set -l git (git rev-parse --path-format=absolute --git-common-dir 2>/dev/null); or return
    for file in (string replace -r '/\\.git$' '' -- $git)/.baton/state/*.json
        string replace -r '\\.json$' '' -- (basename $file)
    end
end

complete -c baton -f
${GLOBAL.map((one) => option('__fish_use_subcommand', one)).join('\n')}
${lines.join('\n')}
`;
}

/** For sh and its kin. */
function quote(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}

function quoteFish(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
