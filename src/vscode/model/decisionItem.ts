/** How an open decision shows in Needs You, and what its `detail` says in words. */
import { agentQuestions } from '../../core/agentQuestions.ts';
import type { Decision, DecisionKind, Verdict } from '../../core/execution.ts';
import type { Snapshot, TaskView } from '../../shared/api.ts';
import { actionsOf, isAnswered, openDecisions, takes, type TaskAction } from './actions.ts';
import { age, cost, escapeMarkdown, localTime, oneLine } from './format.ts';
import { plural } from '../../core/format.ts';
import type { Icon } from './presentation.ts';

const TITLES: Readonly<Record<DecisionKind, string>> = {
  start: 'Approve start',
  plan: 'Approve plan',
  permission: 'Allow command?',
  code_review: 'Review rejected',
  merge: 'Approve merge',
  budget: 'Budget reached',
  question: 'Go on?',
};

/** A merge that met an obstacle says so. */
const MERGE_TITLES: Readonly<Record<string, string>> = { conflict: 'Merge conflict', blocked: 'Merge blocked', refused: 'Merge refused by a hook' };

const ICONS: Readonly<Record<DecisionKind, string>> = {
  start: 'shield',
  plan: 'checklist',
  permission: 'terminal',
  code_review: 'comment-unresolved',
  merge: 'git-merge',
  budget: 'credit-card',
  question: 'question',
};

/** An agent that stands still for the answer is more pressing than work that is finished, that more than work not begun. */
const PRESSING: readonly DecisionKind[] = ['permission', 'question', 'merge', 'code_review', 'plan', 'budget', 'start'];

export function decisionTitle(decision: Decision): string {
  if (decision.kind === 'merge') return MERGE_TITLES[text(decision.detail['reason']) ?? ''] ?? TITLES.merge;
  if (decision.kind === 'permission' && agentQuestions(decision).length > 0) return 'Answer question';
  if (decision.kind === 'permission' && commandOf(decision) === undefined) return 'Allow tool?';
  return TITLES[decision.kind];
}

export function decisionIcon(decision: Decision): Icon {
  const kind = agentQuestions(decision).length > 0 ? 'question' : decision.kind;
  return { id: ICONS[kind], color: 'charts.orange' };
}

/** The facts beside the title, the task first. */
export function decisionDescription(task: TaskView, decision: Decision): string {
  return [task.id, ...decisionFacts(task, decision)].join(' · ');
}

export function decisionFacts(task: TaskView, decision: Decision): string[] {
  switch (decision.kind) {
    case 'permission':
      return [permissionSummary(decision)];
    case 'merge': {
      const files = filesInTheWay(decision);
      return files.length > 0 ? [oneLine(files.join(', '), 80)] : mergeFacts(task, decision);
    }
    case 'budget':
      return [oneLine(decision.question, 80), cost(task.cost_usd, task.unpriced)];
    case 'start':
      return [oneLine(startReasons(decision) || decision.question, 80)];
    case 'plan':
    case 'code_review':
    case 'question':
      return [oneLine(decision.question, 80)];
  }
}

/** Markdown of the hover. `now` is epoch milliseconds. */
export function decisionTooltip(task: TaskView, decision: Decision, now: number): string {
  const parts = [
    `**${escapeMarkdown(decision.question)}**`,
    escapeMarkdown(task.goal),
    decisionFacts(task, decision).map(escapeMarkdown).join(' · '),
    `Asked ${age(now - Date.parse(decision.since))} ago (${localTime(decision.since, now)})${
      decision.expires_at === null ? '' : `; the approval expires ${localTime(decision.expires_at, now)}`
    }.`,
  ];
  return parts.join('\n\n');
}

const VERDICT_ACTIONS: Partial<Record<TaskAction, Verdict>> = { approve: 'approve', reject: 'reject', requestChanges: 'request_changes' };

/** Words of the context value for the menus: what this decision takes, and what else may be done with its task. */
export function decisionContext(task: TaskView, decision: Decision): string {
  const actions = actionsOf(task).filter((action) => {
    const verdict = VERDICT_ACTIONS[action];
    if (action === 'answer') return isAnswered(decision);
    return verdict === undefined || takes(decision, verdict);
  });
  return ['decision', decision.kind, ...actions.map((action) => `can-${action}`)].join(' ');
}

export interface PendingDecision {
  readonly task: TaskView;
  readonly decision: Decision;
}

/** Every open decision of a snapshot, most pressing first: kind, then score, then the oldest. */
export function pendingDecisions(snapshot: Snapshot): PendingDecision[] {
  return snapshot.tasks
    .filter((task) => task.decisions.length > 0)
    .flatMap((task) => openDecisions(task).map((decision) => ({ task, decision })))
    .sort(comparePending);
}

export function comparePending(a: PendingDecision, b: PendingDecision): number {
  return (
    PRESSING.indexOf(a.decision.kind) - PRESSING.indexOf(b.decision.kind) ||
    b.task.score - a.task.score ||
    (a.decision.since < b.decision.since ? -1 : 1)
  );
}

/** `1 decision needs you`, `3 decisions need you`. */
export function needYou(n: number): string {
  return n === 1 ? '1 decision needs you' : `${n} decisions need you`;
}

/** The command line that an agent asks to run; undefined when it asks for another tool. */
export function commandOf(decision: Decision): string | undefined {
  const { command } = permissionInput(decision);
  return typeof command === 'string' ? command : undefined;
}

export function permissionInput(decision: Decision): Record<string, unknown> {
  return record(decision.detail['input']);
}

export function permissionTool(decision: Decision): string {
  return text(decision.detail['tool']) ?? 'tool';
}

/** What a permission is about, in one line: the command, the file, or the tool with its input. */
export function permissionSummary(decision: Decision): string {
  const input = permissionInput(decision);
  const [question] = agentQuestions(decision);
  if (question !== undefined) return oneLine(question.question, 100);
  const subject = commandOf(decision) ?? text(input['file_path']) ?? text(input['path']) ?? text(input['url']) ?? text(decision.detail['title']);
  if (commandOf(decision) !== undefined) return oneLine(subject ?? '', 100);
  return oneLine(`${permissionTool(decision)} ${subject ?? JSON.stringify(input)}`, 100);
}

/** Files that keep a merge from landing: in conflict, or with changes of the user's own. */
export function filesInTheWay(decision: Decision): string[] {
  const files = decision.detail['files_in_the_way'];
  return Array.isArray(files) ? files.filter((file): file is string => typeof file === 'string') : [];
}

function mergeFacts(task: TaskView, decision: Decision): string[] {
  const facts: string[] = [];
  const { files, added, removed } = decision.detail;
  if (typeof added === 'number' && typeof removed === 'number') facts.push(`+${added} −${removed}`);
  if (typeof files === 'number') facts.push(plural(files, 'file'));
  if (task.gates.length > 0) facts.push(`gates ${task.gates.map((gate) => GATE_MARKS[gate.status]).join('')}`);
  else facts.push('no gates');
  if (task.cost_usd > 0 || task.unpriced) facts.push(cost(task.cost_usd, task.unpriced));
  return facts;
}

/** Why the task may not start without a word: `the goal has "remove"`. */
function startReasons(decision: Decision): string {
  const { reasons } = decision.detail;
  return Array.isArray(reasons) ? reasons.filter((reason): reason is string => typeof reason === 'string').join(', ') : '';
}

const GATE_MARKS = { passed: '✓', failed: '✗', warning: '!', skipped: '–' } as const;

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
