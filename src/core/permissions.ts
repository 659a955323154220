/**
 * What an agent may do without asking: rules over tool, command line and path. The first matching rule wins; without one
 * the human is asked. A compound command is allowed only when every part of it is.
 */
import picomatch from 'picomatch';
import { parse } from 'shell-quote';
import type { PermissionRule } from './config/schema.ts';

export interface PermissionQuery {
  /** The tool as the agent calls it: Bash, Edit, run_shell_command … */
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly worktree: string;
  /** Follows links: the path relative to the worktree with `/`, or null when it leads out of it. */
  readonly resolve: (path: string) => Promise<string | null>;
}

export interface PermissionVerdict {
  readonly then: 'allow' | 'ask' | 'deny';
  /** For transcript and agent: which rule, or why. */
  readonly reason: string;
}

export type ToolClass = 'shell' | 'write' | 'read' | 'network' | 'other';

const CLASSES: readonly (readonly [ToolClass, readonly string[]])[] = [
  ['shell', ['bash', 'shell', 'exec', 'exec_command', 'run_shell_command', 'local_shell', 'powershell', 'terminal', 'execute']],
  ['write', ['edit', 'write', 'multiedit', 'notebookedit', 'apply_patch', 'replace', 'write_file', 'create', 'delete', 'move', 'str_replace_editor']],
  ['read', ['read', 'read_file', 'read_many_files', 'view', 'glob', 'grep', 'ls', 'list_directory', 'search', 'notebookread']],
  ['network', ['webfetch', 'websearch', 'web_fetch', 'web_search', 'fetch', 'google_web_search']],
];

/** Decides one request by the rules. */
export async function evaluatePermission(rules: readonly PermissionRule[], query: PermissionQuery): Promise<PermissionVerdict> {
  const command = commandOf(query.input);
  if (toolClass(query.tool) === 'shell' && command !== undefined) return judgeCommand(rules, query.tool, command);
  return judgePath(rules, query);
}

export function toolClass(tool: string): ToolClass {
  const name = tool.toLowerCase();
  return CLASSES.find(([, names]) => names.includes(name))?.[0] ?? 'other';
}

/** The command line of a shell tool's input, or undefined when it has none. */
export function commandOf(input: Readonly<Record<string, unknown>>): string | undefined {
  const command = input['command'] ?? input['cmd'];
  if (typeof command === 'string') return command;
  return Array.isArray(command) && command.every((word) => typeof word === 'string') ? command.join(' ') : undefined;
}

async function judgePath(rules: readonly PermissionRule[], query: PermissionQuery): Promise<PermissionVerdict> {
  const path = pathOf(query.input);
  const inside = path === undefined ? undefined : await query.resolve(path);
  const rule = rules.find((one) => one.pattern === undefined && matchesTool(one, query.tool) && matchesPath(one, inside));
  const verdict = describe(rule);
  if (verdict.then === 'allow' && inside === null && toolClass(query.tool) !== 'read') {
    return { then: 'ask', reason: `${path ?? 'the path'} lies outside the worktree` };
  }
  return verdict;
}

function judgeCommand(rules: readonly PermissionRule[], tool: string, command: string): PermissionVerdict {
  const { parts, opaque } = split(command);
  if (parts.some(isStash)) return { then: 'deny', reason: 'git stash is shared by all worktrees: commit nothing, leave changes in the files' };
  const rulesFor = parts.map((part) => rules.find((one) => one.path === undefined && matchesTool(one, tool) && matchesPattern(one, part.text)));
  const verdicts = rulesFor.map(describe);
  const denied = verdicts.find((verdict) => verdict.then === 'deny');
  if (denied) return denied;
  if (verdicts.length === 0 || verdicts.some((verdict) => verdict.then === 'ask')) {
    return verdicts.find((verdict) => verdict.then === 'ask') ?? describe(undefined);
  }
  // A pattern saw the words before the shell works on them; what the shell makes of a substitution nobody has seen.
  if (opaque !== undefined && rulesFor.some((rule) => rule?.pattern !== undefined)) {
    return { then: 'ask', reason: `the command has ${opaque}, which patterns cannot judge` };
  }
  return verdicts[0] ?? describe(undefined);
}

interface Part {
  readonly text: string;
  readonly words: readonly string[];
}

/** The simple commands of a command line, and what in it cannot be judged by its text. */
function split(command: string): { parts: Part[]; opaque: string | undefined } {
  let opaque = /`|\$\(|<\(|>\(/.test(command) ? 'a substitution' : undefined;
  const parts: string[][] = [[]];
  for (const line of command.split('\n')) {
    let redirected = false;
    for (const token of parse(line, (name) => `$${name}`)) {
      if (typeof token === 'string') {
        if (redirected && token !== '/dev/null' && !/^\d$/.test(token)) opaque ??= 'a redirection into a file';
        redirected = false;
        parts.at(-1)?.push(token);
      } else if ('comment' in token) {
        break;
      } else if (token.op === 'glob') {
        parts.at(-1)?.push((token as { pattern: string }).pattern);
      } else if (['>', '>>', '>&', '&>', '>|'].includes(token.op)) {
        redirected = true;
      } else if (token.op === '<') {
        redirected = false;
      } else {
        parts.push([]);
      }
    }
    parts.push([]);
  }
  return { parts: parts.filter((words) => words.length > 0).map((words) => ({ text: words.join(' '), words })), opaque };
}

function isStash(part: Part): boolean {
  const git = part.words.findIndex((word) => /(^|[\\/])git(\.exe)?$/.test(word));
  if (git < 0) return false;
  for (let index = git + 1; index < part.words.length; index += 1) {
    const word = part.words[index] ?? '';
    if (word === '-C' || word === '-c' || word === '--git-dir' || word === '--work-tree') index += 1;
    else if (!word.startsWith('-')) return word === 'stash';
  }
  return false;
}

function matchesTool(rule: PermissionRule, tool: string): boolean {
  return rule.tool === '*' || rule.tool.toLowerCase() === tool.toLowerCase() || rule.tool === toolClass(tool);
}

/** `*` stands for anything, also across `/`: a command line is no path. */
function matchesPattern(rule: PermissionRule, text: string): boolean {
  if (rule.pattern === undefined) return true;
  const source = rule.pattern
    .split('*')
    .map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** `inside` is undefined when the tool names no path, null when the path leads out of the worktree. */
function matchesPath(rule: PermissionRule, inside: string | null | undefined): boolean {
  if (rule.path === undefined) return true;
  if (inside === undefined) return false;
  if (inside === null) return rule.path.startsWith('../');
  return !rule.path.startsWith('../') && picomatch.isMatch(inside, rule.path, { dot: true });
}

function pathOf(input: Readonly<Record<string, unknown>>): string | undefined {
  const path = input['file_path'] ?? input['path'] ?? input['notebook_path'] ?? input['filename'];
  return typeof path === 'string' ? path : undefined;
}

function describe(rule: PermissionRule | undefined): PermissionVerdict {
  if (!rule) return { then: 'ask', reason: 'no rule covers it' };
  const what = [rule.tool, rule.pattern ?? rule.path].filter((one) => one !== undefined).join(' ');
  return { then: rule.then, reason: `the rule "${what}" says ${rule.then}` };
}
