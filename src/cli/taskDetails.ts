/** A task in full, for people. */
import type { Decision, GateCheck, TaskExecution } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import type { ReviewThread } from '../core/threads.ts';
import type { ChangesView, TaskView } from '../shared/api.ts';
import { cost, estimateText } from './format.ts';
import { scoreText } from './score.ts';
import { colourOf, type Style } from './style.ts';
import { plain, plainLines } from './text.ts';

export function taskDetails(view: TaskView, task: TaskExecution, style: Style, changes?: ChangesView): string[] {
  const lines: string[] = [];
  const say = (label: string, value: string | null | undefined) => {
    if (value !== null && value !== undefined && value !== '') lines.push(`${style.paint('bold', `${label}:`)} ${plain(value)}`);
  };
  say('Task ID', view.id);
  say('Goal', view.goal);
  lines.push(`${style.paint('bold', 'State:')} ${style.paint(colourOf(view.group), view.state)}`);
  say('Why', view.why);
  say('Score', scoreText(view));
  say('Risk', view.risk);
  say('Area', view.area);
  say('Workflow', view.workflow_reason === '' ? view.workflow : `${view.workflow} (${view.workflow_reason})`);
  say('Source', view.source === null ? null : `${view.source.file}:${view.source.line}`);
  say('Agent', view.agent === null ? null : view.agent + (view.model === null ? '' : ` (${view.model})`));
  const next = view.routing;
  if (next) say('Routing', `${next.role.replace('_', ' ')} → ${next.model ?? next.agent}: ${next.reason}${next.estimate_text === '' ? '' : `; ${next.estimate_text}`}`);
  say('Branch', view.branch === null ? null : view.branch + (view.target_branch === null ? '' : ` -> ${view.target_branch}`));
  say('Worktree', view.worktree);
  say('Started', view.started_at);
  say('Completed', view.completed_at);
  say('Not before', view.not_before);
  say('Estimate', view.eta_start === null ? null : estimateText(view));
  say('Cost', `${cost(view.cost_usd, view.unpriced)}${view.budget_usd === null ? '' : ` of ${formatMoney(view.budget_usd)}`}`);
  say('Retries', `${view.retry_count} of ${view.max_retries}`);
  if (view.error !== null) lines.push(`${style.paint('bold', 'Error:')} ${style.paint('red', plain(view.error))}`);
  section(lines, style, 'Description', plainLines(task.task_def.description ?? '').filter((line) => line !== ''));
  section(lines, style, 'Plan', task.plan?.steps.map((step) => `${plain(step.id)}: ${plain(step.description)}`) ?? []);
  section(lines, style, 'Plan review', planReviewLines(task));
  section(
    lines,
    style,
    'Steps',
    task.steps.map((step) => `[${step.state}] ${plain(step.step_id)}: ${plain(step.definition.description)} (attempt ${step.attempt} of ${step.max_attempts}${stepCost(view, step.step_id)})`),
  );
  const round = task.quality_gate_results.at(-1);
  if (round) section(lines, style, `Gates (round ${round.round}, ${round.subject}, tree ${round.tree_sha.slice(0, 10)})`, round.checks.map(gateLine));
  section(lines, style, 'Look first at', (changes?.files ?? []).map((file) => `[${file.level ?? 'medium'}] ${plain(file.path)}: ${plain(file.reason ?? '')}`));
  section(lines, style, 'Notes', (changes?.notes ?? []).map(plain));
  section(lines, style, 'Comments', (task.threads ?? []).flatMap(threadLines));
  section(lines, style, 'Decisions', task.decisions.map(decisionLine));
  section(
    lines,
    style,
    'History',
    task.history.map((entry) => `${entry.at} ${entry.from === null ? entry.to : `${entry.from} -> ${entry.to}`}: ${plain(entry.why)}`),
  );
  return lines;
}

function stepCost(view: TaskView, stepId: string): string {
  const step = view.steps.find((one) => one.step_id === stepId);
  return step?.cost_usd === undefined ? '' : `, ${cost(step.cost_usd, step.unpriced ?? false)}`;
}

function section(lines: string[], style: Style, title: string, entries: readonly string[]): void {
  if (entries.length === 0) return;
  lines.push(style.paint('bold', `${title}:`), ...entries.map((entry) => `  ${entry}`));
}

function planReviewLines(task: TaskExecution): string[] {
  if (task.plan_review === null) return [];
  return [task.plan_review.status, ...(task.plan_review.concerns ?? []).map((concern) => `- ${plain(concern)}`)];
}

export const GATE_ICONS = { passed: '✅', failed: '❌', warning: '⚠️', skipped: '⏭️' } as const satisfies Record<GateCheck['status'], string>;

function gateLine(check: GateCheck): string {
  const exit = check.exit_code === null ? 'no exit code' : `exit ${check.exit_code}`;
  return `${GATE_ICONS[check.status]} ${plain(check.name)}: ${plain(check.command)} (${exit}, ${check.seconds.toFixed(1)}s) ${plain(check.message)}`.trimEnd();
}

function threadLines({ id, file, line, step_id, status, outdated, comments }: ReviewThread): string[] {
  const place = file === null ? `step ${step_id ?? ''}` : `${file}:${line ?? 1}`;
  return [`[${status}${outdated ? ', outdated' : ''}] ${id} ${plain(place)}`, ...comments.map((comment) => `  ${plain(comment.by)}: ${plain(comment.text)}`)];
}

function decisionLine(decision: Decision): string {
  const answer = decision.answer === null ? `since ${decision.since}` : `${decision.answer.verdict} by ${plain(decision.answer.by)} at ${decision.answer.at}`;
  return `[${decision.status}] ${decision.id} ${decision.kind}: ${plain(decision.question)} (${answer})`;
}
