/** `baton review`: everything that waits for a human, and with `--interactive` the answers one by one. */
import { Command } from 'commander';
import { budgetDetail } from '../core/budget.ts';
import type { Decision, Verdict } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import type { Session } from '../host/session.ts';
import type { TaskView } from '../shared/api.ts';
import { LOOK, nobodyRuns, usage, type Bind, type Context, type Outcome } from './context.ts';
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
    if (rule) lines.push(`  --always would allow: ${plain(ruleText(rule))}`);
  }
  const budget = openDecisionsOf(task)[0]?.kind === 'budget';
  lines.push(`Answer: baton task ${task.id} ${budget ? '--approve [--budget USD | --cheaper] | --reject' : '--approve | --reject | --request-changes TEXT'}`);
  return { lines, order };
}

const ANSWERS: Readonly<Record<string, Verdict | 'skip' | 'quit'>> = {
  a: 'approve',
  approve: 'approve',
  r: 'reject',
  reject: 'reject',
  c: 'request_changes',
  changes: 'request_changes',
  '': 'skip',
  s: 'skip',
  skip: 'skip',
  q: 'quit',
  quit: 'quit',
};

async function answerEach(context: Context, session: Session, tasks: readonly TaskView[]): Promise<Outcome> {
  const { io } = context;
  let answered = 0;
  asking: for (const task of tasks) {
    io.stdout.write(`\n${(await reviewOf(session, task)).lines.join('\n')}\n`);
    for (const decision of openDecisionsOf(task)) {
      const budget = decision.kind === 'budget' ? await askBudget(context, decision) : undefined;
      const verdict = budget?.verdict ?? (await askVerdict(context, decision.kind));
      if (verdict === 'quit') break asking;
      if (verdict === 'skip') continue;
      const question = verdict === 'request_changes' ? 'What should change? ' : 'Reason (Enter for none): ';
      const text = verdict === 'approve' ? undefined : (await io.ask(question))?.trim();
      if (verdict === 'request_changes' && (text ?? '') === '') {
        io.stdout.write('Nothing to send back, so it stays open.\n');
        continue;
      }
      const reply = await session.api.send({
        type: 'decide',
        task_id: task.id,
        decision_id: decision.id,
        verdict,
        text: text === '' ? undefined : text,
        ...(budget?.input === undefined ? {} : { input: budget.input }),
        by: context.deps.user,
        via: 'cli',
      });
      io.stdout.write(`${reply.message}\n`);
      answered += 1;
    }
  }
  return { document: null, lines: ['', `${answered} decision(s) answered.`, ...(answered > 0 ? nobodyRuns(session) : [])] };
}

interface BudgetWords {
  readonly verdict: Verdict | 'skip' | 'quit';
  readonly input?: Record<string, unknown>;
}

/** A budget takes an amount or a cheaper model besides yes and no. */
async function askBudget({ io }: Context, decision: Decision): Promise<BudgetWords> {
  const { suggested_usd: suggested, limit_usd: limit, cheaper } = budgetDetail(decision);
  const less = cheaper === null ? '' : `, [c]heaper with ${cheaper}`;
  for (;;) {
    const typed = (await io.ask(`[a]pprove ${formatMoney(suggested)}, an amount above ${formatMoney(limit)}${less}, [r]eject, [s]kip or [q]uit this budget decision? `))?.trim().toLowerCase();
    if (typed === undefined) return { verdict: 'quit' };
    if (cheaper !== null && (typed === 'c' || typed === 'cheaper')) return { verdict: 'approve', input: { cheaper: true } };
    const amount = Number(typed.replace(/^\$/, ''));
    if (typed !== '' && amount > limit) return { verdict: 'approve', input: { budget_usd: amount } };
    const verdict = ANSWERS[typed];
    if (verdict && verdict !== 'request_changes') return { verdict };
    io.stdout.write(`Type an amount above ${formatMoney(limit)}, a,${cheaper === null ? '' : ' c,'} r, s or q.\n`);
  }
}

async function askVerdict({ io }: Context, kind: string): Promise<Verdict | 'skip' | 'quit'> {
  for (;;) {
    const typed = await io.ask(`[a]pprove, [r]eject, request [c]hanges, [s]kip or [q]uit this ${kind} decision? `);
    if (typed === null) return 'quit';
    const verdict = ANSWERS[typed.trim().toLowerCase()];
    if (verdict) return verdict;
    io.stdout.write('Type a, r, c, s or q.\n');
  }
}
