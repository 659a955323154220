/** `baton search`: words in the transcripts of all tasks. */
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { usage, type Bind } from './context.ts';
import { plain } from './text.ts';

export function searchCommand(bind: Bind): Command {
  const command = new Command('search')
    .description('find words in what agents said and did, newest first')
    .argument('<text...>', 'the words; case does not matter')
    .option('--task <id>', 'only in this task')
    .option('--limit <n>', 'most hits to show', positive, 200);
  return bind(command, async (context, words) => {
    const { task, limit } = command.opts<{ task?: string; limit: number }>();
    const text = words.join(' ').trim();
    if (text === '') throw usage('Say what to look for.');
    const { root } = await context.deps.findRepository(context.folder);
    const hits = await context.deps.searchRuns(path.join(root, '.baton'), text, { task, limit });
    const document = { hits: hits.map((hit) => ({ task_id: hit.task_id, attempt_id: hit.attempt_id, line: hit.line + 1, at: hit.at, text: hit.text })) };
    if (hits.length === 0) return { document, lines: ['No transcript has these words.'], code: 1 };
    const lines = hits.map((hit) => `${context.style.paint('bold', `${hit.task_id} ${hit.attempt_id}:${hit.line + 1}`)}${hit.at === null ? '' : ` ${hit.at.slice(0, 19)}Z`} ${plain(hit.text)}`);
    return { document, lines: hits.length >= limit ? [...lines, `Only the first ${limit} are shown.`] : lines };
  });
}

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('It must be a whole number from 1.');
  return number;
}
