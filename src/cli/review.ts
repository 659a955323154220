/** `baton review`: everything that waits for a human, and with `--interactive` the answers one by one. */
import { Command } from 'commander';
import { plural } from '../core/format.ts';
import type { Session } from '../host/session.ts';
import type { TaskView } from '../shared/api.ts';
import { askDecision } from './askDecision.ts';
import { LOOK, nobodyRuns, usage, type Bind, type Context, type Outcome } from './context.ts';
import { agentQuestions } from '../core/agentQuestions.ts';
import type { Decision } from '../core/execution.ts';
import { ruleOf, ruleText } from '../core/permissionGrant.ts';
import { needsHuman, openDecisionsOf, tasksDocument, type TasksDocument } from './json.ts';
import { plain } from './text.ts';

export function reviewCommand(bind: Bind): Command {
  const command = new Command('review')
    .description('what waits for you, and how to answer it; in a terminal each decision is put to you')
    .option('-i, --interactive', 'ask for an answer to each decision, also where no terminal is')
    .option('--no-interactive', 'list only');
  return bind(command, (context) => {
    const { interactive } = command.opts<{ interactive?: boolean }>();
    if (interactive === true && context.json) throw usage('--interactive and --json exclude each other.');
    const asks = interactive ?? (context.io.isInteractive && !context.json);
    return context.use(LOOK, async (session) => {
      const snapshot = await session.api.snapshot();
      const tasks = snapshot.tasks.filter(needsHuman);
      if (tasks.length === 0) return { document: tasksDocument([]), lines: ['✅ No tasks need human review.'] };
      if (asks) return answerEach(context, session, tasks);
      const reviews = await Promise.all(tasks.map((task) => reviewOf(session, task)));
      const document = tasksDocument(tasks);
      return {
        document: { tasks: document.tasks.map((task, index) => ({ ...task, ...(reviews[index]?.order.length ? { review_order: reviews[index].order } : {}) })) },
        lines: [`🔍 ${tasks.length} task(s) need human review:`, ...reviews.flatMap(({ lines }) => ['', ...lines])],
      };
    });
  });
}

interface TaskReview {
  readonly lines: string[];
  readonly order: NonNullable<TasksDocument['tasks'][number]['review_order']>;
}

/** Files that the words name; the document has all. */
const FILES_SHOWN = 10;

async function reviewOf({ api }: Session, task: TaskView): Promise<TaskReview> {
  const lines = [`Task ID: ${task.id}`, `Goal: ${plain(task.goal)}`];
  if (task.error !== null) lines.push(`Error: ${plain(task.error)}`);
  const review = (await api.task(task.id))?.plan_review;
  if (review) {
    lines.push(`Plan Review Status: ${review.status}`);
    if (review.concerns?.length) lines.push('Concerns:', ...review.concerns.map((concern) => `  - ${plain(concern)}`));
  }
  const changes = task.branch === null ? undefined : await api.changes(task.id);
  const order = (changes?.files ?? []).map(({ path, level = 'medium', reason = '', added, removed }) => ({ path, level, reason, added, removed }));
  if (order.length > 0) {
    lines.push('Look first at:', ...order.slice(0, FILES_SHOWN).map((file) => `  - [${file.level}] ${plain(file.path)}: ${plain(file.reason)}`));
    if (order.length > FILES_SHOWN) lines.push(`  - ${order.length - FILES_SHOWN} more`);
    lines.push(...(changes?.notes ?? []).map((note) => `Note: ${plain(note)}`));
  }
  for (const decision of openDecisionsOf(task)) {
    const rule = ruleOf(decision);
    lines.push(`Decision: ${decision.id} (${decision.kind}, since ${decision.since}): ${plain(decision.question)}`);
    for (const { question, options } of agentQuestions(decision)) lines.push(`  ${plain(question)} ${options.map(({ label }, index) => `${index + 1}. ${plain(label)}`).join(' ')}`);
    if (rule) lines.push(`  --always would allow: ${plain(ruleText(rule))}`);
  }
  lines.push(`Answer: baton task ${task.id} ${howToAnswer(openDecisionsOf(task)[0])}`);
  return { lines, order };
}

function howToAnswer(decision: Decision | undefined): string {
  if (decision?.kind === 'budget') return '--approve [--budget USD | --cheaper] | --reject';
  if (decision !== undefined && agentQuestions(decision).length > 0) return '--answer TEXT | --reject';
  return '--approve | --reject | --request-changes TEXT';
}

async function answerEach(context: Context, session: Session, tasks: readonly TaskView[]): Promise<Outcome> {
  const { io } = context;
  let answered = 0;
  asking: for (const task of tasks) {
    io.stdout.write(`\n${(await reviewOf(session, task)).lines.join('\n')}\n`);
    for (const decision of openDecisionsOf(task)) {
      const words = await askDecision(io, decision);
      if (words === 'quit') break asking;
      if (words === 'skip') continue;
      const reply = await session.api.send({ type: 'decide', task_id: task.id, decision_id: decision.id, ...words, by: context.deps.user, via: 'cli' });
      io.stdout.write(`${reply.message}\n`);
      answered += 1;
    }
  }
  return { document: null, lines: ['', `${plural(answered, 'decision')} answered.`, ...(answered > 0 ? nobodyRuns(session) : [])] };
}
