/** `baton task ID`: everything about one task, and the answers that only a human gives. */
import { Command, Option } from 'commander';
import { ALWAYS, type Always, type Decision, type Verdict } from '../core/execution.ts';
import { BatonError } from '../core/errors.ts';
import type { Session } from '../host/session.ts';
import type { TaskView } from '../shared/api.ts';
import { change, CHANGE, findTask, nobodyRuns, usage, type Bind, type Context, type Outcome } from './context.ts';
import { agentQuestions, answeredInput } from '../core/agentQuestions.ts';
import { ruleOf, ruleText } from '../core/permissionGrant.ts';
import { dollars } from './format.ts';
import { openDecisionsOf } from './json.ts';
import { taskDetails } from './taskDetails.ts';

interface TaskOptions {
  approve?: true;
  reject?: true;
  requestChanges?: string;
  retry?: true;
  fresh?: true;
  cancel?: true;
  decision?: string;
  always?: Always;
  plan?: string;
  answer: readonly string[];
  budget?: number;
  cheaper?: true;
  reason?: string;
}

export function taskCommand(bind: Bind): Command {
  const command = new Command('task')
    .description('one task in full; approve, reject, retry or cancel it')
    .argument('<id>', 'the task')
    .option('--approve', 'answer its oldest open decision with yes')
    .option('--reject', 'answer it with no; rejecting a permission denies that call only')
    .option('--request-changes <text>', 'send the task back with this feedback ("-" reads it from standard input)')
    .option('--retry', 'run a failed task again; it goes on at the first unfinished step')
    .addOption(new Option('--fresh', 'with --retry: start over (the old work is kept as a snapshot)'))
    .option('--cancel', 'end the task; it counts as cancelled, not as an error')
    .option('--decision <decision>', 'answer this decision instead of the oldest')
    .option('--answer <text>', 'answer an agent’s question, by words or the number of an option; once for each question', (answer: string, all: readonly string[]) => [...all, answer], [])
    .addOption(new Option('--always <where>', 'with --approve of a permission: allow exactly this from now on, in this task or this repository').choices(ALWAYS))
    .option('--plan <file>', 'with --approve of a plan: approve the plan in this YAML or JSON file instead')
    .addOption(new Option('--budget <usd>', 'with --approve of a budget: raise it to this many dollars').argParser(dollars))
    .option('--cheaper', 'with --approve of a budget: go on with a cheaper model')
    .option('--reason <text>', 'why, for the record and for the agent');
  return bind(
    command,
    (context, [id = '']) => {
      const options = command.opts<TaskOptions>();
      const action = actionOf(options);
      return context.use(CHANGE, async (session) => {
        const task = findTask(await session.api.snapshot(), id);
        switch (action) {
          case 'show':
            return show(context, session, task);
          case 'retry':
            return retry(context, session, task, options);
          case 'cancel':
            return cancel(context, session, task, options);
          case 'approve':
          case 'reject':
          case 'request_changes':
            return decide(context, session, task, action, options);
        }
      });
    },
    { changes: true },
  );
}

type Action = 'show' | 'retry' | 'cancel' | Verdict;

function actionOf(options: TaskOptions): Action {
  const chosen: Action[] = [];
  if (options.approve || options.answer.length > 0) chosen.push('approve');
  if (options.reject) chosen.push('reject');
  if (options.requestChanges !== undefined) chosen.push('request_changes');
  if (options.retry) chosen.push('retry');
  if (options.cancel) chosen.push('cancel');
  const [action = 'show', second] = chosen;
  if (second !== undefined) {
    throw usage('Only one of --approve, --reject, --request-changes, --retry and --cancel can be asked for at a time.');
  }
  if (options.fresh && action !== 'retry') throw usage('--fresh only goes with --retry.');
  const answers = action === 'approve' || action === 'reject' || action === 'request_changes';
  if (options.always !== undefined && action !== 'approve') throw usage('--always only goes with --approve.');
  if (options.plan !== undefined && action !== 'approve') throw usage('--plan only goes with --approve.');
  if ((options.budget !== undefined || options.cheaper) && action !== 'approve') throw usage('--budget and --cheaper only go with --approve.');
  if (options.decision !== undefined && !answers) throw usage('--decision only goes with --approve, --reject or --request-changes.');
  if (options.reason !== undefined && !answers && action !== 'cancel') throw usage('--reason only goes with an answer or --cancel.');
  return action;
}

async function show(context: Context, { api }: Session, task: TaskView): Promise<Outcome> {
  const execution = await api.task(task.id);
  if (!execution) {
    throw new BatonError('not_found', `There is no stored record of task ${task.id}.`, { hint: 'It is made when Baton first reads the task: run "baton queue", then this again.' });
  }
  // The document is the stored record; what is found out for a reader goes into the words only.
  const changes = context.json || task.branch === null ? undefined : await api.changes(task.id);
  return { document: execution, lines: taskDetails(task, execution, context.style, changes) };
}

async function retry(context: Context, session: Session, task: TaskView, options: TaskOptions): Promise<Outcome> {
  const fresh = options.fresh === true;
  if (task.state !== 'failed') {
    throw new BatonError('conflict', `Task ${task.id} is ${task.state}, and only a failed task can be retried.`, { hint: `See "baton task ${task.id}".` });
  }
  if (context.dryRun) {
    const how = fresh ? 'from the start, after a snapshot of its work' : 'at its first unfinished step';
    return change(`Would run task ${task.id} again ${how}.`, { dryRun: true, taskId: task.id });
  }
  const reply = await session.api.send({ type: 'retry', task_id: task.id, fresh });
  return change(reply.message, { taskId: task.id, more: nobodyRuns(session) });
}

async function cancel(context: Context, { api }: Session, task: TaskView, options: TaskOptions): Promise<Outcome> {
  if (context.dryRun) return change(`Would cancel task ${task.id} (${task.state}).`, { dryRun: true, taskId: task.id });
  const reply = await api.send({ type: 'cancel', task_id: task.id, ...(options.reason === undefined ? {} : { reason: options.reason }) });
  return change(reply.message, { taskId: task.id });
}

async function decide(context: Context, session: Session, task: TaskView, verdict: Verdict, options: TaskOptions): Promise<Outcome> {
  const { api } = session;
  const decision = decisionOf(task, options.decision);
  const text = options.requestChanges === '-' ? await context.io.readStdin() : (options.requestChanges ?? options.reason);
  if (verdict === 'request_changes' && (text ?? '').trim() === '') throw usage('--request-changes needs the text that goes to the agent.');
  const rule = options.always === undefined ? undefined : alwaysRule(decision);
  if (options.plan !== undefined && decision.kind !== 'plan') throw usage(`--plan goes with the approval of a plan, and decision ${decision.id} is a ${decision.kind}.`);
  const plan = options.plan === undefined ? undefined : await context.deps.readPlan(context.folder, options.plan);
  const budget = budgetInput(decision, options);
  const answered = verdict === 'approve' && (options.answer.length > 0 || agentQuestions(decision).length > 0) ? answeredInput(decision, options.answer) : undefined;
  if (context.dryRun) {
    const wider = rule === undefined ? '' : ` From now on in this ${options.always ?? ''}: ${rule}`;
    const verb = { approve: 'approve', reject: 'reject', request_changes: 'request changes on' }[verdict];
    return change(`Would ${verb} decision ${decision.id} (${decision.kind}) of task ${task.id}: ${decision.question}${wider}`, { dryRun: true, taskId: task.id });
  }
  const reply = await api.send({
    type: 'decide',
    task_id: task.id,
    decision_id: decision.id,
    verdict,
    text: text?.trim(),
    ...(plan === undefined && budget === undefined && answered === undefined ? {} : { input: plan ?? budget ?? answered }),
    ...(options.always === undefined ? {} : { always: options.always }),
    by: context.deps.user,
    via: 'cli',
  });
  return change(reply.message, { taskId: task.id, more: [...(rule === undefined ? [] : [`Rule: ${rule}`]), ...nobodyRuns(session)] });
}

/** The new amount or the cheaper model of a budget's approval; without either it is raised to what the question says. */
function budgetInput(decision: Decision, { budget, cheaper }: TaskOptions): Record<string, unknown> | undefined {
  if (budget === undefined && cheaper === undefined) return undefined;
  if (decision.kind !== 'budget') throw usage(`--budget and --cheaper go with the approval of a budget, and decision ${decision.id} is a ${decision.kind}.`);
  return { ...(budget === undefined ? {} : { budget_usd: budget }), ...(cheaper === undefined ? {} : { cheaper }) };
}

/** The rule that "always" would make of a permission, as it stands in a configuration. */
function alwaysRule(decision: Decision): string {
  const rule = ruleOf(decision);
  if (rule) return ruleText(rule);
  throw usage(`"Always" cannot be said to decision ${decision.id} (${decision.kind}): no rule is as narrow as what is asked.`, 'Allow it once, or write a rule under "permissions" in .baton/orchestrator.yaml yourself.');
}

/** The named open decision of a task, or its oldest. */
export function decisionOf(task: TaskView, id: string | undefined): Decision {
  const open = openDecisionsOf(task);
  const decision = id === undefined ? open[0] : open.find((one) => one.id === id);
  if (decision) return decision;
  if (id === undefined) {
    throw new BatonError('conflict', `Task ${task.id} (${task.state}) asks nothing of you now.`, { hint: '"baton review" lists the open decisions.' });
  }
  const ids = open.map((one) => one.id).join(', ');
  throw new BatonError('not_found', `Task ${task.id} has no open decision "${id}".`, {
    hint: open.length === 0 ? 'It asks nothing of you now.' : `Open: ${ids}.`,
  });
}
