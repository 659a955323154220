/** From tool calls by meaning to the tools of each CLI. */
import path from 'node:path';
import type { ToolUse } from './scenario.ts';

export interface ConcreteCall {
  readonly name: string;
  readonly input: Record<string, unknown>;
}

type Builders = { readonly [Kind in ToolUse['tool']]?: Readonly<Record<string, (use: Extract<ToolUse, { tool: Kind }>, absolute: (file: string) => string) => Record<string, unknown>>> };

/** By meaning: the tools that do it, by name, in order of preference, with their inputs. */
const BUILDERS: Builders = {
  read: { Read: (use, absolute) => ({ file_path: absolute(use.path) }) },
  write: { Write: (use, absolute) => ({ file_path: absolute(use.path), content: use.content }) },
  edit: { Edit: (use, absolute) => ({ file_path: absolute(use.path), old_string: use.old, new_string: use.new }) },
  shell: { Bash: (use) => ({ command: use.command, description: 'Run a command', ...(use.background === true ? { run_in_background: true } : {}) }) },
  answer: { StructuredOutput: (use) => ({ ...use.value }) },
};

/** @throws when the request advertises no tool for it: the scenario does not fit the CLI. */
export function concreteCall(use: ToolUse, advertised: readonly string[], cwd: string | null): ConcreteCall {
  if (use.tool === 'named') return { name: use.name, input: { ...use.input } };
  const absolute = (file: string): string => (path.isAbsolute(file) || cwd === null ? file : path.join(cwd, file));
  for (const [name, build] of Object.entries(BUILDERS[use.tool] ?? {})) {
    if (advertised.includes(name)) return { name, input: (build as (use: ToolUse, absolute: (file: string) => string) => Record<string, unknown>)(use, absolute) };
  }
  throw new Error(`The request advertises no tool to ${use.tool}: ${advertised.join(', ')}`);
}
