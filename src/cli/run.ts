/** `baton run`: leads the loop, or follows the leader that is there, until stopped or (`--once`) nothing is runnable. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import type { Session } from '../host/session.ts';
import type { Snapshot } from '../shared/api.ts';
import { change, findTask, LOOK, type Bind, type Context, type Outcome } from './context.ts';
import { followRun, type RunGoal } from './follow.ts';
import { queueDocument, queueOf } from './json.ts';
import { reportRun } from './runReport.ts';
import { scoreFigure } from './score.ts';
import { plain } from './text.ts';
import { queueTasksOf } from './tasksFile.ts';

interface RunOptions {
  once?: true;
  task?: string;
  tasks?: string;
}

export function runCommand(bind: Bind): Command {
  const command = new Command('run')
    .description('work the queue off until stopped (Ctrl-C: running attempts finish; twice: stop now)')
    .option('--once', 'end when nothing is runnable any more; exit 1 when a task failed')
    .option('--task <id>', 'only this task, and end with it')
    .option('--tasks <file>', 'queue the tasks of this file and run only those');
  return bind(command, (context) => run(context, command.opts<RunOptions>()), { changes: true });
}

async function run(context: Context, options: RunOptions): Promise<Outcome> {
  const fromFile = options.tasks === undefined ? undefined : await context.deps.readTasks(context.folder, options.tasks);
  const only = options.task !== undefined ? [options.task] : fromFile?.tasks.map((task) => task.definition.id);
  const goal: RunGoal = { once: options.once === true || options.task !== undefined, only };
  if (context.dryRun) return context.use(LOOK, async ({ api }) => plan(await api.snapshot(), goal, fromFile?.tasks.length));

  return context.use({ prefer: 'lead', passive: false, ...(only === undefined ? {} : { only }) }, async (session) => {
    if (fromFile) await queueTasksOf(context, session.api, fromFile);
    const start = await session.api.snapshot();
    if (options.task !== undefined) findTask(start, options.task);
    const startedAt = context.deps.clock.now();
    const { how, end } = await followRun(context, session, goal, start, startedAt);
    const report = await reportRun(session.api, start, end, { startedAt, endedAt: context.deps.clock.now() });
    const failed = report.document.failed > 0 || (goal.once && how === 'interrupted');
    return {
      document: report.document,
      lines: ['', ...report.lines, ...goesOn(session, end)],
      code: goal.once && failed ? 1 : 0,
    };
  });
}

/** Where this command only followed, the work goes on without it. */
function goesOn(session: Session, { loop }: Snapshot): string[] {
  if (session.role === 'leader' || loop.state === 'stopped' || loop.leader === null) return [];
  const where = loop.leader.host === 'vscode' ? 'VS Code' : '"baton run"';
  return ['', `The loop goes on in ${where} (pid ${loop.leader.pid}); "baton stop" ends it.`];
}

function plan(snapshot: Snapshot, goal: RunGoal, inFile: number | undefined): Outcome {
  const wanted = (id: string) => goal.only === undefined || goal.only.includes(id);
  const tasks = queueOf(snapshot).filter((task) => wanted(task.id));
  const starting = tasks.filter((task) => task.group === 'waiting');
  const message = `Would start ${plural(starting.length, 'task')}, at most ${snapshot.loop.slots} at a time.`;
  const outcome = change(message, {
    dryRun: true,
    more: [
      ...(inFile === undefined ? [] : [`${plural(inFile, 'task')} of the file would be queued first where new.`]),
      ...starting.map((task, index) => `  ${index + 1}. ${task.id} (score ${scoreFigure(task.score)}): ${plain(task.goal)}`),
      ...tasks.filter((task) => task.group !== 'waiting').map((task) => `  -  ${task.id}: ${plain(task.why)}`),
    ],
  });
  const document = { ...(outcome.document as object), tasks: queueDocument(snapshot).tasks.filter((task) => wanted(task.id)) };
  return { ...outcome, document };
}
