/** What became of a task, as a tree of its phases with who did them and what they cost: `baton report ID` and the report in VS Code. */
import { spendingOf } from './cost.ts';
import { openDecisions, type Attempt, type GateRound, type Role, type TaskExecution } from './execution.ts';
import { formatCost, formatSpan, plural } from './format.ts';
import { isTerminal } from './states.ts';
import { areaOf, riskOf } from './task.ts';

/** Where a task's whole record and the audit log lie, relative to the repository. */
export const RUN_LOG_FILE = '.baton/ORCHESTRATOR_RUN_LOG.md';
export const stateFileOf = (taskId: string): string => `.baton/state/${taskId}.json`;

/** A phase with its calls; what nobody was called for is left out of the tree. */
export interface RunTreePart {
  /** As the models reported themselves, else the agents; in order of appearance. */
  readonly models: readonly string[];
  readonly attempts: number;
  readonly cost_usd: number;
  readonly unpriced: boolean;
}

export interface RunTree {
  readonly task_id: string;
  readonly goal: string;
  readonly state: TaskExecution['state'];
  readonly risk: string;
  readonly area: string;
  readonly planning: RunTreePart | null;
  readonly plan_review: (RunTreePart & { readonly self_reviewed: boolean }) | null;
  readonly implementation: {
    readonly steps: number;
    /** Steps that were done at the first try, by who did them. */
    readonly first_try: readonly (RunTreePart & { readonly steps: number })[];
    /** Attempts beyond a step's first; the cost is that of all attempts of such steps. */
    readonly retries: (RunTreePart & { readonly retries: number }) | null;
    readonly code_review: (RunTreePart & { readonly self_reviewed: boolean }) | null;
  } | null;
  readonly quality_gate: { readonly gates: readonly string[]; readonly result: 'passed' | 'failed'; readonly failed: readonly string[]; readonly rounds: number } | null;
  readonly needs_human: string | null;
  readonly error: string | null;
  readonly total_cost_usd: number;
  readonly unpriced: boolean;
  /** From its start to its end, or to `now` while it is not finished; null before its start. */
  readonly duration_seconds: number | null;
  readonly saved_to: string;
  readonly logged_to: string;
}

/** @param now epoch ms */
export function runTree(task: TaskExecution, now: number): RunTree {
  const by = (role: Role): Attempt[] => task.attempts.filter((one) => one.role === role);
  const made = by('implementer');
  const total = spendingOf(task.attempts);
  const reviews = by('code_reviewer');
  const end = isTerminal(task.state) && task.completed_at !== null ? Date.parse(task.completed_at) : now;
  return {
    task_id: task.task_id,
    goal: task.task_def.goal,
    state: task.state,
    risk: riskOf(task.task_def),
    area: areaOf(task.task_def),
    planning: partOf(by('planner')),
    plan_review: reviewOf(by('plan_reviewer'), task.plan_review?.self_reviewed === true),
    implementation: task.steps.length === 0 && made.length === 0 ? null : { ...implementationOf(task, made), code_review: reviewOf(reviews, task.steps.some((one) => one.code_review?.self_reviewed === true)) },
    quality_gate: gateOf(task.quality_gate_results),
    needs_human: openDecisions(task)[0]?.question ?? null,
    error: task.state === 'failed' ? (task.error?.message ?? null) : null,
    total_cost_usd: total.cost_usd,
    unpriced: total.unpriced,
    duration_seconds: task.started_at === null ? null : Math.max(0, (end - Date.parse(task.started_at)) / 1000),
    saved_to: stateFileOf(task.task_id),
    logged_to: RUN_LOG_FILE,
  };
}

/** The tree in lines, without an end of line. */
export function runTreeLines(tree: RunTree): string[] {
  const finished = isTerminal(tree.state);
  const branches: string[][] = [];
  const branch = (text: string, ...under: readonly string[]): void => void branches.push([text, ...under]);
  if (tree.planning) branch(`Planning: ${called(tree.planning)}`);
  if (tree.plan_review) branch(`Plan Review: ${called(tree.plan_review)}${marked(tree.plan_review.self_reviewed)}`);
  if (tree.implementation) {
    const { steps, first_try, retries, code_review } = tree.implementation;
    branch(`Implementation: ${plural(steps, 'step')}`, ...twigs([
      ...first_try.map((one) => `${plural(one.steps, 'step')}: ${one.models.join(', ')} (${formatCost(one.cost_usd, one.unpriced)})`),
      ...(retries ? [`${plural(retries.retries, 'retry', 'retries')}: (${formatCost(retries.cost_usd, retries.unpriced)})`] : []),
      ...(code_review ? [`Code Review: ${code_review.models.join(', ')} (${formatCost(code_review.cost_usd, code_review.unpriced)})${marked(code_review.self_reviewed)}`] : []),
    ]));
  }
  if (tree.quality_gate) branch(`Quality Gate: ${tree.quality_gate.gates.join(' + ') || 'none'} (${gateWords(tree.quality_gate)})`);
  if (tree.needs_human !== null) branch(`Needs you: ${oneLine(tree.needs_human)}`);
  if (tree.error !== null) branch(`Error: ${oneLine(tree.error)}`);
  const took = tree.duration_seconds === null ? 'not started' : `${formatSpan(tree.duration_seconds)}${finished ? '' : ' so far'}`;
  branch(`Total: ${formatCost(tree.total_cost_usd, tree.unpriced)} (${took})`);
  const state = tree.state === 'done' ? '' : `: ${tree.state.replaceAll('_', ' ')}`;
  return [
    `Task: ${tree.task_id} (${tree.risk}-risk${tree.area === 'unknown' ? '' : ` ${tree.area}`})${state}`,
    ...branches.flatMap(([head = '', ...under], index) => {
      const last = index === branches.length - 1;
      return [`${last ? '└─' : '├─'} ${head}`, ...under.map((line) => `${last ? ' ' : '│'}   ${line}`)];
    }),
    '',
    `Saved to: ${tree.saved_to}`,
    `Logged to: ${tree.logged_to}`,
  ];
}

function twigs(lines: readonly string[]): string[] {
  return lines.map((line, index) => `${index === lines.length - 1 ? '└─' : '├─'} ${line}`);
}

function partOf(attempts: readonly Attempt[]): RunTreePart | null {
  if (attempts.length === 0) return null;
  const { cost_usd, unpriced } = spendingOf(attempts);
  return { models: [...new Set(attempts.map((one) => one.model ?? one.agent))], attempts: attempts.length, cost_usd, unpriced };
}

function reviewOf(attempts: readonly Attempt[], self_reviewed: boolean): (RunTreePart & { readonly self_reviewed: boolean }) | null {
  const part = partOf(attempts);
  return part && { ...part, self_reviewed };
}

function implementationOf(task: TaskExecution, made: readonly Attempt[]): Pick<NonNullable<RunTree['implementation']>, 'steps' | 'first_try' | 'retries'> {
  const ids = new Set([...task.steps.map((one) => one.step_id), ...made.flatMap((one) => one.step_id ?? [])]);
  const bySteps = [...ids].map((id) => made.filter((one) => one.step_id === id));
  const once = new Map<string, Attempt[]>();
  for (const [only, second] of bySteps) {
    if (only === undefined || second !== undefined) continue;
    const who = only.model ?? only.agent;
    once.set(who, [...(once.get(who) ?? []), only]);
  }
  const again = bySteps.filter((attempts) => attempts.length > 1);
  const retried = partOf(again.flat());
  return {
    steps: ids.size,
    first_try: [...once.values()].flatMap((attempts) => {
      const part = partOf(attempts);
      return part ? [{ ...part, steps: attempts.length }] : [];
    }),
    retries: retried && { ...retried, retries: again.reduce((sum, attempts) => sum + attempts.length - 1, 0) },
  };
}

function gateOf(rounds: readonly GateRound[]): RunTree['quality_gate'] {
  const last = rounds.at(-1);
  if (last === undefined) return null;
  const ran = last.checks.filter((check) => check.status !== 'skipped');
  const failed = ran.filter((check) => check.status === 'failed' && check.required).map((check) => check.name);
  return { gates: ran.map((check) => check.name), result: last.passed ? 'passed' : 'failed', failed, rounds: rounds.length };
}

function gateWords({ result, failed, rounds }: NonNullable<RunTree['quality_gate']>): string {
  return result === 'passed' ? 'passed' : `failed: ${failed.join(', ')}, round ${rounds}`;
}

function called(part: RunTreePart): string {
  return `${part.models.join(', ')}${part.attempts > 1 ? `, ${part.attempts} attempts` : ''} (${formatCost(part.cost_usd, part.unpriced)})`;
}

function marked(self_reviewed: boolean): string {
  return self_reviewed ? ' [self-reviewed]' : '';
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
