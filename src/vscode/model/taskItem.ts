/** How a task shows in the queue: icon, muted description, tooltip. */
import type { GateStatus } from '../../core/execution.ts';
import type { StepState } from '../../core/states.ts';
import type { RoutingView, StepView, TaskView } from '../../shared/api.ts';
import { actionsOf, isRunning, openDecisions } from './actions.ts';
import { age, ahead, between, cost, elapsed, escapeMarkdown, inlineCode, localTime, oneLine } from './format.ts';
import { formatMoney, formatNumber, plural } from '../../core/format.ts';
import type { Icon } from './presentation.ts';
import { decisionTitle } from './decisionItem.ts';

/** Groups of the queue in the order in which they are shown. */
export const QUEUE_GROUPS = ['running', 'waiting', 'held', 'done', 'failed'] as const;
export type QueueGroup = (typeof QUEUE_GROUPS)[number];

/** The group a task stands in. One that needs the user stays where its state puts it: at work, or held until the answer. */
export function queueGroup(task: TaskView): QueueGroup {
  if (task.state === 'done') return 'done';
  if (task.state === 'failed') return 'failed';
  if (isRunning(task)) return 'running';
  return task.group === 'needs_you' ? 'held' : task.group;
}

export function taskIcon(task: TaskView): Icon {
  if (openDecisions(task).length > 0) return { id: 'bell-dot', color: 'charts.orange' };
  switch (queueGroup(task)) {
    case 'running':
      return { id: 'loading~spin', color: 'charts.green' };
    case 'waiting':
      return { id: 'circle-outline', color: 'charts.yellow' };
    case 'held':
      return { id: task.not_before === null ? 'debug-pause' : 'watch', color: 'charts.yellow' };
    case 'done':
      return { id: 'pass', color: 'testing.iconPassed' };
    case 'failed':
      return isCancelled(task) ? { id: 'circle-slash', color: 'disabledForeground' } : { id: 'error', color: 'testing.iconFailed' };
  }
}

/** One word for a screen reader, since an icon says it to the eye only. */
export function taskStateWord(task: TaskView): string {
  if (openDecisions(task).length > 0) return 'needs you';
  const group = queueGroup(task);
  return group === 'failed' && isCancelled(task) ? 'cancelled' : group;
}

/** The muted text beside the goal. `now` is epoch milliseconds. */
export function taskDescription(task: TaskView, now: number): string {
  const [decision] = openDecisions(task);
  const asks = decision === undefined ? [] : [decisionTitle(decision).toLowerCase()];
  switch (queueGroup(task)) {
    case 'running':
      return joined([...asks, taskPhase(task), runningTime(task, now), spent(task)]);
    case 'waiting':
      return joined([...(task.placed ? ['placed by hand'] : []), `score ${task.score.toFixed(1)}`, waited(task, now)]);
    case 'held':
      return joined(asks.length > 0 ? [...asks, waited(task, now)] : [holdReason(task, now), `score ${task.score.toFixed(1)}`]);
    case 'done':
      return joined([elapsed(between(task.started_at, task.completed_at)), spent(task)]);
    case 'failed':
      return joined([isCancelled(task) ? 'cancelled' : oneLine(task.error ?? task.why, 60), spent(task)]);
  }
}

/** Markdown of the hover; everything that came from outside is escaped. */
export function taskTooltip(task: TaskView, now: number): string {
  const facts: string[] = [];
  const fact = (name: string, value: string) => facts.push(`- **${name}:** ${value}`);
  fact('State', escapeMarkdown(task.state.replaceAll('_', ' ')));
  fact('Score', escapeMarkdown(scoreMakeUp(task)));
  if (task.position !== null) fact('Position', `${task.position}${task.placed ? ', placed by hand' : ''}`);
  const estimate = estimateText(task, now);
  if (estimate !== '') fact('Estimate', estimate);
  // Which one it takes is decided when it starts.
  if (task.workflow_reason !== '') fact('Workflow', escapeMarkdown(`${task.workflow}: ${task.workflow_reason}`));
  if (task.agent !== null) fact('Agent', escapeMarkdown(task.model === null ? task.agent : `${task.agent}, ${task.model}`));
  if (task.routing !== null) fact('Routing', escapeMarkdown(routingWords(task.routing)));
  if (task.started_at !== null) fact('Cost', `${cost(task.cost_usd, task.unpriced)}${task.budget_usd === null ? '' : ` of ${formatMoney(task.budget_usd)}`} · ${tokens(task)}`);
  if (task.retry_count > 0) fact('Retries', `${task.retry_count} of ${Math.max(task.max_retries, task.retry_count)}`);
  if (task.branch !== null) fact('Branch', inlineCode(task.branch) + (task.target_branch === null ? '' : ` → ${inlineCode(task.target_branch)}`));
  fact('Created', localTime(task.created_at, now));
  if (task.started_at !== null) fact('Started', localTime(task.started_at, now));
  if (task.completed_at !== null) fact('Ended', localTime(task.completed_at, now));
  const parts = [`**${escapeMarkdown(oneLine(task.goal, 300))}**`, `${inlineCode(task.id)} — ${escapeMarkdown(task.why)}`];
  if (task.error !== null && task.error !== task.why) parts.push(`**Error:** ${escapeMarkdown(oneLine(task.error, 400))}`);
  parts.push(facts.join('\n'));
  if (isRunning(task) && task.last_line !== null) parts.push(`Last line: ${inlineCode(oneLine(task.last_line, 200))}`);
  return parts.join('\n\n');
}

/** When it will probably start and be done, in words; empty when nothing can be said. */
export function estimateText(task: TaskView, now: number): string {
  const { eta_start: start, eta_done: done } = task;
  const at = (iso: string) => {
    const left = ahead(iso, now);
    return left === 'now' ? left : `in ${left} (${localTime(iso, now)})`;
  };
  return joined([start === null || isRunning(task) ? '' : `starts ${at(start)}`, done === null ? '' : `done ${at(done)}`]);
}

/** Who takes the present or next attempt, why, and what it is expected to cost and take. */
function routingWords({ role, agent, model, reason, estimate_text }: RoutingView): string {
  return [`${role.replace('_', ' ')} → ${model ?? agent}: ${reason}`, ...(estimate_text === '' ? [] : [estimate_text])].join('; ');
}

/** How the score came about, as the engine explains it. */
export function scoreMakeUp(task: TaskView): string {
  return [formatNumber(task.score), ...task.explanation].join('; ');
}

/** Words of the context value that the menus in package.json test: `task running can-cancel can-message …`. */
export function taskContext(task: TaskView): string {
  return ['task', queueGroup(task), ...actionsOf(task).map((action) => `can-${action}`)].join(' ');
}

export function isCancelled(task: TaskView): boolean {
  return task.error_kind === 'cancelled';
}

const STEP_ICONS: Readonly<Record<StepState, Icon>> = {
  pending: { id: 'circle-outline' },
  implementing: { id: 'loading~spin', color: 'charts.green' },
  code_review: { id: 'eye', color: 'charts.green' },
  approved: { id: 'thumbsup', color: 'testing.iconPassed' },
  rejected: { id: 'request-changes', color: 'charts.orange' },
  retry: { id: 'debug-restart', color: 'charts.yellow' },
  completed: { id: 'pass', color: 'testing.iconPassed' },
  failed: { id: 'error', color: 'testing.iconFailed' },
};

/** A step's icon; nothing spins in a task at which nobody works. */
export function stepIcon(step: StepView, task: TaskView): Icon {
  return step.state === 'implementing' && !isRunning(task) ? { id: 'circle-outline', color: 'charts.yellow' } : STEP_ICONS[step.state];
}

export const GATE_ICONS: Readonly<Record<GateStatus, Icon>> = {
  passed: { id: 'pass', color: 'testing.iconPassed' },
  failed: { id: 'error', color: 'testing.iconFailed' },
  warning: { id: 'warning', color: 'charts.yellow' },
  skipped: { id: 'circle-slash', color: 'disabledForeground' },
};

/** Where it is in its workflow: `step 2/5 · gates`; empty when there is nothing to tell apart. */
export function taskPhase(task: TaskView): string {
  return joined([stepOf(task), phaseOf(task)]);
}

/** Which step it is at; of a single step there is nothing to count. */
function stepOf(task: TaskView): string {
  if (task.steps.length <= 1) return '';
  const open = task.steps.findIndex((step) => step.state !== 'completed');
  return `step ${open === -1 ? task.steps.length : open + 1}/${task.steps.length}`;
}

function phaseOf(task: TaskView): string {
  switch (task.state) {
    case 'planning':
      return 'planning';
    case 'plan_review':
      return 'plan review';
    case 'code_review':
      return 'code review';
    case 'quality_gate':
      return 'gates';
    default:
      return '';
  }
}

/** How long the present attempt runs; empty between attempts. */
export function runningTime(task: TaskView, now: number): string {
  return task.attempt_started_at === null ? '' : elapsed(now - Date.parse(task.attempt_started_at));
}

function waited(task: TaskView, now: number): string {
  return age(now - Date.parse(task.created_at));
}

function holdReason(task: TaskView, now: number): string {
  const left = task.not_before === null ? 0 : Date.parse(task.not_before) - now;
  return left > 0 ? `in ${elapsed(left)}` : oneLine(task.why, 60);
}

/** Its cost so far; empty while nothing was spent. */
export function spent(task: TaskView): string {
  return task.cost_usd === 0 && !task.unpriced ? '' : cost(task.cost_usd, task.unpriced);
}

function tokens(task: TaskView): string {
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens } = task.usage;
  return `${plural(input_tokens + cache_read_tokens + cache_write_tokens, 'token')} in, ${output_tokens} out`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
