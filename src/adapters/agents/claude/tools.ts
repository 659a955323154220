/** Tool calls and results in words for a transcript. */
import { objects, string, type Json } from '../json.ts';
import { relativeTo, shortened } from '../toolText.ts';

/** One line that says what a call does, with paths relative to the worktree. */
export function toolTitle(name: string, input: Json, cwd: string): string {
  const file = string(input['file_path']) ?? string(input['notebook_path']) ?? string(input['path']);
  const what =
    string(input['command'])?.trim().split('\n')[0] ??
    (file === undefined ? undefined : relativeTo(cwd, file)) ??
    string(input['pattern']) ??
    string(input['url']) ??
    string(input['query']) ??
    string(objects(input['questions'])[0]?.['question']) ??
    string(input['description']);
  return what === undefined || what === '' ? name : `${name}: ${what}`;
}

/** The text of a tool result's content, shortened in the middle of nowhere but its end. */
export function toolOutput(content: unknown): string {
  return shortened(typeof content === 'string' ? content : objects(content).map(blockText).join('\n'));
}

function blockText(block: Json): string {
  return string(block['text']) ?? `[${string(block['type']) ?? 'content'}]`;
}
