/**
 * `baton completion SHELL`: a completion script made of the commands themselves, so that it knows what they know. Ids of tasks are the names of the
 * repository's state files: pressing Tab must not wait for Node.
 */
import { Argument, Command, type Option } from 'commander';
import { TASK_STATES } from '../core/states.ts';
import { COMPLEXITIES, PRIORITIES, RISKS, WORKFLOWS } from '../core/choices.ts';
import type { Bind } from './context.ts';
import { bashScript, fishScript, zshScript } from './completionScripts.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What may stand in a place: fixed words, ids of tasks, names of files or folders, or anything. */
export type Values = { readonly kind: 'words'; readonly words: readonly string[] } | { readonly kind: 'ids' | 'files' | 'folders' | 'anything' };

export interface CompletedOption {
  /** `--json`, and `-V` where there is a short one. */
  readonly flags: readonly string[];
  readonly description: string;
  /** What follows it; undefined for a switch. */
  readonly values: Values | undefined;
}

export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** What its arguments may be: the last one holds for all further ones. */
  readonly argument: Values | undefined;
}

export function completionCommand(bind: Bind): Command {
  const command = new Command('completion')
    .description('print a completion script for your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', '\nLoad it in ~/.bashrc, ~/.zshrc or config.fish:\n  source <(baton completion bash)\n  source <(baton completion zsh)\n  baton completion fish | source');
  return bind(command, (_context, [shell = 'bash']) => {
    const commands = (command.parent?.commands ?? []).map(completed);
    const script = shell === 'fish' ? fishScript(commands) : shell === 'zsh' ? zshScript(commands) : bashScript(commands);
    return Promise.resolve({ document: { shell, script }, lines: [script.trimEnd()] });
  });
}

function completed(command: Command): CompletedCommand {
  const argument = command.registeredArguments.at(-1);
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.filter(({ hidden }) => !hidden).map(completedOption), { flags: ['--help'], description: 'display help for command', values: undefined }],
    argument: argument === undefined ? undefined : valuesOf(argument.name(), argument.argChoices),
  };
}

function completedOption(option: Option): CompletedOption {
  const takes = option.required || option.optional;
  const name = /[<[]([\w=|-]+)/.exec(option.flags)?.[1] ?? '';
  return {
    flags: [option.long, option.short].flatMap((flag) => flag ?? []),
    description: option.description,
    values: takes ? valuesOf(name, option.argChoices) : undefined,
  };
}

/** By the word that stands for the value in the help. */
function valuesOf(name: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'words', words: choices };
  const words = WORDS[name];
  if (words !== undefined) return { kind: 'words', words };
  return { kind: KINDS[name] ?? 'anything' };
}

const WORDS: Readonly<Record<string, readonly string[]>> = {
  state: [...TASK_STATES, 'awaiting_human'],
  risk: RISKS,
  size: COMPLEXITIES,
  priority: PRIORITIES,
  workflow: WORKFLOWS,
};
const KINDS: Readonly<Record<string, 'ids' | 'files' | 'folders'>> = { id: 'ids', ids: 'ids', file: 'files', files: 'files', folder: 'folders' };
