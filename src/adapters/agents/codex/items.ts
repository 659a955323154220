/** Codex's items (what happens in a turn) as calls and results of tools, in words for a transcript. */
import { shellWords } from '../../../core/shellCommand.ts';
import { number, object, objects, string, type Json } from '../json.ts';
import { relativeTo, shortened } from '../toolText.ts';

export interface ToolUse {
  readonly name: string;
  /** One line that says what it does, with paths relative to the worktree. */
  readonly title: string;
  readonly input: Record<string, unknown>;
}

/** The tool call in an item, or undefined for one that is none (text, reasoning, a user's message …). */
export function toolUse(item: Json, cwd: string): ToolUse | undefined {
  switch (item['type']) {
    case 'commandExecution':
      return commandUse(item, cwd);
    case 'fileChange':
      return patchUse(item, cwd);
    case 'mcpToolCall': {
      const name = `mcp__${string(item['server']) ?? 'server'}__${string(item['tool']) ?? 'tool'}`;
      return { name, title: name, input: { ...object(item['arguments']) } };
    }
    case 'webSearch': {
      const query = string(item['query']) ?? '';
      return { name: 'web_search', title: `web_search: ${query}`, input: { query } };
    }
    case 'dynamicToolCall':
    case 'collabAgentToolCall': {
      const name = string(item['tool']) ?? 'tool';
      return { name, title: name, input: { ...object(item['arguments'] ?? { prompt: item['prompt'] }) } };
    }
    case 'imageView': {
      const file = relativeTo(cwd, string(item['path']) ?? '');
      return { name: 'view_image', title: `view_image: ${file}`, input: { path: file } };
    }
    default:
      return undefined;
  }
}

/** A command, also as a request for approval has it. The folder is told where it is not the worktree. */
export function commandUse(item: Json, cwd: string): ToolUse {
  const command = unwrapped(string(item['command']) ?? '');
  const folder = string(item['cwd']);
  return {
    name: 'shell',
    title: `shell: ${command.trim().split('\n')[0] ?? ''}`,
    input: { command, ...(folder === undefined || folder === cwd ? {} : { cwd: folder }) },
  };
}

/** The files that a patch touches, those that it moves to included, and what it does to them as one diff. */
export function patchUse(item: Json, cwd: string): ToolUse {
  const changes = objects(item['changes']);
  const files = changes.flatMap((change) => {
    const moved = string(object(change['kind'])['move_path']);
    return [string(change['path']) ?? '', ...(moved === undefined ? [] : [moved])].map((file) => relativeTo(cwd, file));
  });
  return { name: 'apply_patch', title: `apply_patch: ${files.join(', ')}`, input: { paths: files, diff: changes.map((change) => fileDiff(change, cwd)).join('') } };
}

/** What came of a call whose item is complete. */
export function toolOutcome(item: Json): { ok: boolean; output: string } {
  const status = string(item['status']);
  const ok = status === undefined || status === 'completed';
  if (item['type'] === 'commandExecution') return { ok: ok && (number(item['exitCode']) ?? 0) === 0, output: commandOutput(item, status) };
  if (item['type'] === 'mcpToolCall') {
    const texts = objects(object(item['result'])['content']).map((part) => string(part['text']) ?? `[${string(part['type']) ?? 'content'}]`);
    return { ok, output: shortened(string(object(item['error'])['message']) ?? texts.join('\n')) };
  }
  return { ok, output: ok ? '' : status };
}

function commandOutput(item: Json, status: string | undefined): string {
  const said = shortened((string(item['aggregatedOutput']) ?? '').trimEnd());
  const code = number(item['exitCode']);
  if (status === 'declined') return 'declined';
  return said === '' && code !== undefined && code !== 0 ? `exit code ${code}` : said;
}

function fileDiff(change: Json, cwd: string): string {
  const file = relativeTo(cwd, string(change['path']) ?? '');
  const kind = string(object(change['kind'])['type']);
  const diff = string(change['diff']) ?? '';
  const moved = string(object(change['kind'])['move_path']);
  // A new or a deleted file comes as its text.
  const body = kind === 'update' ? ended(diff) : diff.replace(/\n$/, '').split('\n').map((line) => `${kind === 'delete' ? '-' : '+'}${line}\n`).join('');
  const before = kind === 'add' ? '/dev/null' : `a/${file}`;
  const after = kind === 'delete' ? '/dev/null' : `b/${moved === undefined ? file : relativeTo(cwd, moved)}`;
  return `--- ${before}\n+++ ${after}\n${body}`;
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** The command that Codex gives to the user's shell, without that shell: `/bin/bash -lc 'npm test'` is `npm test`. */
export function unwrapped(command: string): string {
  const wrapped = /^\S*\/(?:ba|z|da|k)?sh -l?c (.+)$/s.exec(command)?.[1];
  const words = wrapped === undefined ? [] : shellWords(wrapped);
  const [only] = words;
  return words.length === 1 && only !== undefined ? only : command;
}
