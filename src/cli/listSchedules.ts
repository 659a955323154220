/** `baton list-schedules`: what `.baton/schedules.yaml` queues, and when next. */
import { Command } from 'commander';
import { formatDuration } from '../core/format.ts';
import type { ScheduleView, Snapshot } from '../shared/api.ts';
import { LOOK, type Bind, type Context } from './context.ts';
import { renderTable, type Column } from './table.ts';
import { plain } from './text.ts';

export function listSchedulesCommand(bind: Bind): Command {
  const command = new Command('list-schedules').description('the schedules of .baton/schedules.yaml, and when each is due');
  return bind(command, (context) =>
    context.use(LOOK, async ({ api }) => {
      const snapshot = await api.snapshot();
      const schedules = snapshot.schedules ?? [];
      return {
        document: { schedules: schedules.map(({ source, ...schedule }) => ({ ...schedule, file: source.file, line: source.line })) },
        lines: [...(schedules.length === 0 ? ['No schedules. Write them into .baton/schedules.yaml.'] : table(schedules, snapshot, context)), ...problemsOf(snapshot, context)],
      };
    }),
  );
}

function table(schedules: readonly ScheduleView[], snapshot: Snapshot, context: Context): string[] {
  const columns: Column<ScheduleView>[] = [
    { title: 'Schedule', text: ({ name }) => name, min: 10 },
    { title: 'When', text: ({ cron, timezone }) => (timezone === null ? cron : `${cron} (${timezone})`), min: 9 },
    { title: 'Template', text: ({ template }) => template, min: 8, keep: 2 },
    { title: 'Last due', text: ({ last_due }) => (last_due === null ? '-' : `${formatDuration((Date.parse(snapshot.at) - Date.parse(last_due)) / 1000)} ago`), keep: 1 },
    { title: 'Next due', text: (schedule) => nextText(schedule, snapshot.at) },
  ];
  return renderTable(columns, schedules, context.io.columns());
}

function nextText({ enabled, next_due }: ScheduleView, now: string): string {
  if (!enabled) return 'off';
  return next_due === null ? 'never' : `in ${formatDuration((Date.parse(next_due) - Date.parse(now)) / 1000)}`;
}

function problemsOf(snapshot: Snapshot, { style }: Context): string[] {
  return snapshot.problems
    .filter(({ file }) => file === '.baton/schedules.yaml' || file.startsWith('.baton/templates/'))
    .map(({ file, line, column, severity, message }) => `${style.paint(severity === 'error' ? 'red' : 'yellow', severity)} ${file}:${line}:${column}: ${plain(message)}`);
}
