/** `baton queue`: what would start next, and why the rest does not. */
import { Command } from 'commander';
import type { Snapshot, TaskView } from '../shared/api.ts';
import type { Bind } from './context.ts';
import { formatDuration } from '../core/format.ts';
import { ahead, estimateText, secondsSince } from './format.ts';
import { queueDocument, queueOf } from './json.ts';
import { scoreFigure, scoreText } from './score.ts';
import { colourOf, type Style } from './style.ts';
import { renderTable, type Column } from './table.ts';
import { plain, wrap } from './text.ts';
import { showOrWatch, watchable } from './watch.ts';

export function queueCommand(bind: Bind): Command {
  const command = new Command('queue')
    .description('what starts next, and why the rest waits')
    .option('--verbose', 'add goal, make-up of the score, source and agent of every task');
  return bind(watchable(command), (context) => {
    const verbose = command.opts<{ verbose?: true }>().verbose === true;
    return showOrWatch(context, command, (snapshot) => ({ document: queueDocument(snapshot), lines: queueLines(snapshot, context.io.columns(), verbose, context.style) }));
  });
}

/** The table and, with `verbose`, the details under it. No line is wider than `width` where that is possible (40 and up). */
export function queueLines(snapshot: Snapshot, width: number, verbose: boolean, style: Style): string[] {
  const queue = queueOf(snapshot);
  const running = snapshot.tasks.filter((task) => task.group === 'running').length;
  const foot = running === 0 ? [] : [`${running} running: see "baton active".`];
  if (queue.length === 0) return ['The queue is empty.', ...foot];

  const lines = queueTable(snapshot, queue, width, style);
  if (verbose) for (const task of queue) lines.push(...verboseLines(task, width, style));
  return [...lines, ...foot];
}

/** The table of tasks that wait; the reason always stays, then what is asked for most. */
export function queueTable(snapshot: Snapshot, queue: readonly TaskView[], width: number, style: Style): string[] {
  const columns: Column<TaskView>[] = [
    { title: '#', text: (task) => (task.position === null ? '-' : String(task.position)), align: 'right' },
    { title: 'Score', text: (task) => scoreFigure(task.score), align: 'right' },
    { title: 'Task', text: (task) => task.id, min: 10 },
    { title: 'State', text: (task) => task.state, min: 8, keep: 2, paint: (task, cell) => style.paint(colourOf(task.group), cell) },
    { title: 'Wait', text: (task) => formatDuration(secondsSince(task.created_at, snapshot.at)), align: 'right', keep: 3 },
    { title: 'Start in', text: (task) => ahead(task.eta_start, snapshot.at), align: 'right', keep: 1 },
    { title: 'Done in', text: (task) => ahead(task.eta_done, snapshot.at), align: 'right', keep: 4 },
    { title: 'Why', text: (task) => task.why, min: 10, wish: 24 },
  ];
  return renderTable(columns, queue, width);
}

function verboseLines(task: TaskView, width: number, style: Style): string[] {
  const facts = [
    `goal: ${plain(task.goal)}`,
    `why: ${plain(task.why)}`,
    `score: ${scoreText(task)}`,
    `estimate: ${estimateText(task)}`,
    `risk: ${task.risk}, area: ${plain(task.area)}, workflow: ${task.workflow}${task.workflow_reason === '' ? '' : ` (${plain(task.workflow_reason)})`}`,
    ...(task.source === null ? [] : [`source: ${plain(task.source.file)}:${task.source.line}`]),
    ...(task.agent === null ? [] : [`agent: ${plain(task.agent)}${task.model === null ? '' : ` (${plain(task.model)})`}`]),
    ...(task.not_before === null ? [] : [`not before: ${task.not_before}`]),
  ];
  return [style.paint('bold', plain(task.id)), ...facts.flatMap((fact) => wrap(fact, width - 2).map((line) => `  ${line}`))];
}
