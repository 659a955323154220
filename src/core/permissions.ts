/** What agents may do: the user's rules over tool, command and path. The first rule that matches wins; without one the human is asked. */
import picomatch from 'picomatch';
import type { PermissionRule } from './config/schema.ts';
import { needsHumanPaths } from './sensitivePaths.ts';
import { parseShell, programName, shellWords } from './shellCommand.ts';

export type ToolClass = 'shell' | 'write' | 'read' | 'network';
export type Permission = 'allow' | 'ask' | 'deny';

export interface PermissionQuestion {
  /** The tool as the agent names it (Bash, Edit, write_file, …) or its ACP kind (execute, edit, fetch). */
  readonly tool: string;
  /** shell: the command line. */
  readonly command?: string | undefined;
  /**
   * Files concerned, resolved by the caller through links and "..": relative to the worktree, "/" between parts. What
   * lies outside begins with "../" or is absolute.
   */
  readonly paths?: readonly string[] | undefined;
}

export interface PermissionRuling {
  readonly then: Permission;
  /** The rule that decided, if one did. */
  readonly rule: PermissionRule | null;
  /** One sentence for the human and for the agent. */
  readonly reason: string;
}

const CLASSES: Readonly<Record<ToolClass, readonly string[]>> = {
  shell: ['bash', 'shell', 'sh', 'execute', 'exec', 'exec_command', 'run_shell_command', 'local_shell', 'terminal', 'run_command', 'powershell', 'command_execution', 'bashoutput', 'killshell'],
  write: ['edit', 'write', 'multiedit', 'notebookedit', 'replace', 'write_file', 'create', 'create_file', 'apply_patch', 'file_change', 'patch', 'delete', 'move', 'str_replace_editor', 'str_replace_based_edit_tool', 'edit_file'],
  read: ['read', 'grep', 'glob', 'ls', 'notebookread', 'view', 'read_file', 'read_many_files', 'list', 'list_directory', 'search', 'search_file_content', 'find'],
  network: ['webfetch', 'websearch', 'fetch', 'web_fetch', 'web_search', 'google_web_search'],
};
const CLASS_OF: ReadonlyMap<string, ToolClass> = new Map(
  Object.entries(CLASSES).flatMap(([name, tools]) => tools.map((tool) => [tool, name as ToolClass] as const)),
);

/** The class of an agent's tool; undefined for tools of others (MCP), which only their name or "*" matches. */
export function toolClass(tool: string): ToolClass | undefined {
  return CLASS_OF.get(tool.toLowerCase()) ?? (Object.hasOwn(CLASSES, tool.toLowerCase()) ? (tool.toLowerCase() as ToolClass) : undefined);
}

/**
 * Judges a request. Of a compound command every part is judged, and so is every file that it writes to: it is allowed only
 * if each of them is, and denied if one is. An allow rule without `path` does not reach outside the worktree. `git stash`
 * is always denied: the stash is shared by all worktrees.
 */
export function evaluatePermission(rules: readonly PermissionRule[], question: PermissionQuestion): PermissionRuling {
  const kind = toolClass(question.tool);
  const { command } = question;
  if (kind === 'shell' && command !== undefined) return judgeCommand(rules, question.tool, command);
  const paths = question.paths ?? [];
  const subjects: Subject[] = paths.length === 0 ? [{ tool: question.tool, kind }] : paths.map((path) => ({ tool: question.tool, kind, path }));
  return strictest(subjects.map((subject) => judge(rules, subject)));
}

/**
 * Whether a mode that accepts edits covers this where no rule decides: it writes files inside the worktree, none of them of
 * git's own or what agents, hooks or Baton are steered by.
 */
export function isPlainEdit({ tool, paths = [] }: PermissionQuestion): boolean {
  const plain = (path: string): boolean => isInside(path) && !path.split('/').includes('.git');
  return toolClass(tool) === 'write' && paths.length > 0 && paths.every(plain) && needsHumanPaths(paths.map((path) => ({ path }))).length === 0;
}

function judgeCommand(rules: readonly PermissionRule[], tool: string, command: string): PermissionRuling {
  const { parts, writes, understood } = parseShell(command);
  if ([command, ...parts].some(usesStash)) {
    return { then: 'deny', rule: null, reason: 'git stash is denied: the stash is shared by all worktrees. Commit or leave the changes where they are.' };
  }
  const rulings = parts.map((part) => judge(rules, { tool, kind: 'shell', command: part, whole: command }));
  const moves = parts.some((part) => shellWords(part).some((word) => CHANGES_FOLDER.has(programName(word))));
  if (parts.length === 0) rulings.push(judge(rules, { tool, kind: 'shell', command: command.trim(), whole: command }));
  for (const file of writes) {
    rulings.push(file === '' || (moves && !file.startsWith('/')) ? asks('It writes to a file whose name only its run will tell.') : judge(rules, { tool: 'write', kind: 'write', path: tidy(file) }));
  }
  // What is not understood may still be denied by what is, but never allowed.
  if (!understood) rulings.push(asks('The command is written in a way that cannot be judged part by part.'));
  return strictest(rulings);
}

/** After one of these a relative name means another file. */
const CHANGES_FOLDER: ReadonlySet<string> = new Set(['cd', 'pushd', 'popd', 'chdir']);

interface Subject {
  readonly tool: string;
  readonly kind: ToolClass | undefined;
  readonly command?: string;
  /** The command line that the command is a part of. */
  readonly whole?: string;
  readonly path?: string;
}

function judge(rules: readonly PermissionRule[], subject: Subject): PermissionRuling {
  const what = subject.command ?? subject.path ?? subject.tool;
  const index = rules.findIndex((rule) => matches(rule, subject));
  const rule = rules[index];
  if (!rule) return { then: 'ask', rule: null, reason: `No rule decides about ${what}.` };
  const verb = { allow: 'allows', ask: 'asks about', deny: 'denies' }[rule.then];
  return { then: rule.then, rule, reason: `Permission rule ${index + 1} ${verb} ${what}.` };
}

function matches(rule: PermissionRule, subject: Subject): boolean {
  if (!matchesTool(rule.tool, subject)) return false;
  if (rule.pattern !== undefined && !matchesCommand(rule.pattern, rule.then, subject)) return false;
  if (rule.path !== undefined) return subject.path !== undefined && matchesPath(rule, rule.path, subject.path);
  return rule.then !== 'allow' || subject.path === undefined || isInside(subject.path);
}

function matchesTool(wanted: string, { tool, kind }: Subject): boolean {
  const name = wanted.toLowerCase();
  if (name === '*' || name === kind || name === tool.toLowerCase()) return true;
  return name.includes('*') && wildcard(name).test(tool.toLowerCase());
}

/**
 * An allow rule must match a part exactly as it is written. Rules that hold back look harder: at the part without quotes,
 * without what stands before the program (VAR=x, env, sudo …), and at the whole command line.
 */
function matchesCommand(pattern: string, then: Permission, { command, whole }: Subject): boolean {
  if (command === undefined) return false;
  const glob = wildcard(pattern);
  if (glob.test(command)) return true;
  if (then === 'allow') return false;
  const words = shellWords(command);
  const candidates = [whole ?? command, ...words.map((_, index) => words.slice(index).join(' ')), ...words.map((word, index) => [programName(word), ...words.slice(index + 1)].join(' '))];
  return candidates.some((candidate) => glob.test(candidate));
}

/** `*` is any text, `?` any character; everything else is itself. */
function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's');
}

/** Rules that hold back match without regard to case: on some file systems .ENV is .env. */
function matchesPath({ then }: PermissionRule, pattern: string, path: string): boolean {
  return picomatch(pattern.replace(/^\.\//, ''), { dot: true, windows: false, nocase: then !== 'allow' })(path);
}

function isInside(path: string): boolean {
  return path !== '..' && !path.startsWith('../') && !path.startsWith('/') && !/^[A-Za-z]:/.test(path) && !path.startsWith('~');
}

/** A path as written in a command, without "." and "..", where that can be said without the file system. */
function tidy(path: string): string {
  const parts: string[] = [];
  for (const part of path.replace(/\\/g, '/').split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop();
    else if (part !== '.' && (part !== '' || parts.length === 0)) parts.push(part);
  }
  return parts.join('/');
}

/** True when a command would run `git stash`, whatever stands around it and between git and stash. */
function usesStash(command: string): boolean {
  const words = shellWords(command);
  if (words.some((word) => /^alias\.[^=]+=.*\bstash\b/.test(word))) return true;
  return words.some((word, index) => programName(word) === 'git' && gitSubcommand(words.slice(index + 1)) === 'stash');
}

/** git's own options that take the next word as their value. */
const GIT_OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set(['-C', '-c', '--git-dir', '--work-tree', '--namespace', '--exec-path', '--config-env', '--super-prefix', '--attr-source']);

function gitSubcommand(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (!word.startsWith('-')) return word;
    if (GIT_OPTIONS_WITH_VALUE.has(word)) index += 1;
  }
  return undefined;
}

function asks(reason: string): PermissionRuling {
  return { then: 'ask', rule: null, reason };
}

/** One denial denies all; else one question asks; else all is allowed. */
function strictest(rulings: readonly PermissionRuling[]): PermissionRuling {
  return rulings.find((one) => one.then === 'deny') ?? rulings.find((one) => one.then === 'ask') ?? rulings[0] ?? asks('Nothing is known about this request.');
}

/** The question in a tool call: its command and paths by the names that agents give them. Paths are as the agent wrote them. */
export function questionOf(tool: string, input: Readonly<Record<string, unknown>>): PermissionQuestion {
  const command = COMMAND_KEYS.map((key) => input[key]).find((value) => typeof value === 'string' || isStrings(value));
  const paths = PATH_KEYS.flatMap((key) => {
    const value = input[key];
    return typeof value === 'string' ? [value] : isStrings(value) ? value : [];
  });
  return {
    tool,
    ...(command === undefined ? {} : { command: typeof command === 'string' ? command : command.map(quote).join(' ') }),
    ...(paths.length === 0 ? {} : { paths: [...new Set(paths)] }),
  };
}

const COMMAND_KEYS = ['command', 'cmd', 'script', 'commandLine'] as const;
const PATH_KEYS = ['file_path', 'filePath', 'path', 'paths', 'notebook_path', 'abs_path', 'absolute_path', 'dir_path', 'filename', 'file', 'from', 'to', 'source', 'destination'] as const;

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function quote(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}
