/** From tool calls by meaning to the tools of each CLI. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ToolUse } from './scenario.ts';

export interface ConcreteCall {
  readonly name: string;
  /** A text for a tool that takes one as it is (OpenAI's custom tools). */
  readonly input: Record<string, unknown> | string;
}

type Absolute = (file: string) => string;
type Builders = { readonly [Kind in ToolUse['tool']]?: Readonly<Record<string, (use: Extract<ToolUse, { tool: Kind }>, absolute: Absolute) => ConcreteCall['input']>> };

/**
 * By meaning: the tools that do it, by name, in order of preference, with their inputs. Claude's come first, then Codex's (whose
 * newer models have all their tools behind one that runs JavaScript, `exec`), Gemini's,
 * opencode's and Copilot's.
 */
const BUILDERS: Builders = {
  read: {
    Read: (use, absolute) => ({ file_path: absolute(use.path) }),
    exec_command: (use) => ({ cmd: `cat ${quoted(use.path)}` }),
    exec: (use) => script('exec_command', { cmd: `cat ${quoted(use.path)}` }),
    read_file: (use, absolute) => ({ file_path: absolute(use.path) }),
    read: (use, absolute) => ({ filePath: absolute(use.path) }),
    view: (use, absolute) => ({ path: absolute(use.path) }),
  },
  write: {
    Write: (use, absolute) => ({ file_path: absolute(use.path), content: use.content }),
    apply_patch: (use) => addPatch(use.path, use.content),
    exec: (use) => script('apply_patch', addPatch(use.path, use.content)),
    write_file: (use, absolute) => ({ file_path: absolute(use.path), content: use.content }),
    write: (use, absolute) => ({ filePath: absolute(use.path), content: use.content }),
    create: (use, absolute) => ({ path: absolute(use.path), file_text: use.content }),
  },
  edit: {
    Edit: (use, absolute) => ({ file_path: absolute(use.path), old_string: use.old, new_string: use.new }),
    apply_patch: (use, absolute) => updatePatch(use, absolute),
    exec: (use, absolute) => script('apply_patch', updatePatch(use, absolute)),
    replace: (use, absolute) => ({ file_path: absolute(use.path), old_string: use.old, new_string: use.new, instruction: 'Mend it.' }),
    edit: (use, absolute) => ({ filePath: absolute(use.path), oldString: use.old, newString: use.new }),
  },
  shell: {
    Bash: (use) => ({ command: use.command, description: 'Run a command', ...(use.background === true ? { run_in_background: true } : {}) }),
    exec_command: (use) => command(use),
    exec: (use) => script('exec_command', command(use)),
    run_shell_command: (use) => ({ command: use.command, description: 'Run a command' }),
    bash: (use) => ({ command: use.command, description: 'Run a command' }),
  },
};

/** @throws when the request advertises no tool for it: the scenario does not fit the CLI. */
export function concreteCall(use: ToolUse, advertised: readonly string[], cwd: string | null): ConcreteCall {
  if (use.tool === 'named') return { name: use.name, input: { ...use.input } };
  // Claude answers by a schema through a tool, Codex in its last message.
  if (use.tool === 'answer') return { name: advertised.includes('StructuredOutput') ? 'StructuredOutput' : 'answer', input: { ...use.value } };
  const absolute = (file: string): string => (path.isAbsolute(file) || cwd === null ? file : path.join(cwd, file));
  for (const [name, build] of Object.entries(BUILDERS[use.tool] ?? {})) {
    if (advertised.includes(name)) return { name, input: (build as (use: ToolUse, absolute: Absolute) => ConcreteCall['input'])(use, absolute) };
  }
  throw new Error(`The request advertises no tool to ${use.tool}: ${advertised.join(', ')}`);
}

/** A command that outlives the call's patience runs on in the background, as Codex has it. */
function command(use: Extract<ToolUse, { tool: 'shell' }>): Record<string, unknown> {
  return {
    cmd: use.command,
    ...(use.background === true ? { yield_time_ms: 250 } : {}),
    ...(use.escalated === undefined ? {} : { sandbox_permissions: 'require_escalated', justification: use.escalated }),
  };
}

function script(tool: string, input: unknown): string {
  return `const result = await tools.${tool}(${JSON.stringify(input)});\ntext(typeof result === 'string' ? result : JSON.stringify(result));`;
}

function addPatch(file: string, content: string): string {
  const lines = content.replace(/\n$/, '').split('\n');
  return ['*** Begin Patch', `*** Add File: ${file}`, ...lines.map((line) => `+${line}`), '*** End Patch'].join('\n');
}

/** A patch speaks of whole lines, so the file is looked at: it is on this machine. */
function updatePatch(use: Extract<ToolUse, { tool: 'edit' }>, absolute: Absolute): string {
  const text = readFileSync(absolute(use.path), 'utf8');
  const start = text.indexOf(use.old);
  if (start < 0) throw new Error(`${use.path} does not hold "${use.old}"`);
  const from = text.lastIndexOf('\n', start) + 1;
  const next = text.indexOf('\n', start + use.old.length);
  const before = text.slice(from, next < 0 ? text.length : next);
  const after = before.replace(use.old, () => use.new);
  const marked = (sign: string, lines: string): string[] => lines.split('\n').map((line) => sign + line);
  return ['*** Begin Patch', `*** Update File: ${use.path}`, '@@', ...marked('-', before), ...marked('+', after), '*** End Patch'].join('\n');
}

function quoted(file: string): string {
  return `'${file.replaceAll("'", `'\\''`)}'`;
}
