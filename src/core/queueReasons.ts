/** Why a task does not run: for every task one sentence that is true now, with its numbers. */
import { isLimited } from './budget.ts';
import { describeCycle } from './dependencies.ts';
import { openDecisions, type TaskExecution } from './execution.ts';
import { formatDuration, formatMoney, plural, shownSeconds } from './format.ts';
import type { QueueFacts, RunningFact } from './queue.ts';
import { isTerminal } from './states.ts';
import { areaOf } from './task.ts';

export interface Reason {
  readonly code:
    | 'done'
    | 'failed'
    | 'running'
    | 'needs_decision'
    | 'definition'
    | 'cycle'
    | 'dependency_unknown'
    | 'dependency_failed'
    | 'dependency'
    | 'loop'
    | 'not_before'
    | 'agent_missing'
    | 'account_closed'
    | 'budget'
    | 'attention'
    | 'hold'
    | 'agent_busy'
    | 'slots'
    | 'next';
  /** One sentence for people. */
  readonly text: string;
  /** Epoch ms at which this reason ends by itself, where that is known. */
  readonly until: number | null;
}

const because = (code: Reason['code'], text: string, until: number | null = null): Reason => ({ code, text, until });

/**
 * What keeps a queued task from running besides capacity, the most lasting reason first; undefined when nothing does.
 * Dependencies and definition errors concern only tasks that have not begun.
 */
export function blockedBy(
  task: TaskExecution,
  facts: QueueFacts,
  byId: ReadonlyMap<string, TaskExecution>,
  cycles: ReadonlyMap<string, readonly string[]>,
): Reason | undefined {
  return (
    byDecision(task) ??
    (task.state === 'new' ? byDefinition(task, facts, byId, cycles) : undefined) ??
    byLoop(facts) ??
    (task.state === 'new' ? byDependency(task, facts, byId) : undefined) ??
    byTime(task, facts) ??
    byAgent(task, facts) ??
    byHold(task, facts)
  );
}

function byDecision(task: TaskExecution): Reason | undefined {
  const [oldest] = task.decisions.length === 0 ? [] : openDecisions(task);
  return oldest && because('needs_decision', `Needs you: ${oldest.question}`);
}

function byDefinition(
  task: TaskExecution,
  facts: QueueFacts,
  byId: ReadonlyMap<string, TaskExecution>,
  cycles: ReadonlyMap<string, readonly string[]>,
): Reason | undefined {
  const cycle = cycles.get(task.task_id);
  if (cycle) return because('cycle', `Waits for itself: ${describeCycle(cycle, task.task_id)}.`);
  const dependencies = task.task_def.depends_on ?? NOTHING;
  const unknown = dependencies.find((id) => !byId.has(id) && facts.merged?.has(id) !== true);
  if (unknown !== undefined) return because('dependency_unknown', `Depends on "${unknown}", which is no task.`);
  const error = facts.problems?.get(task.task_id)?.find((problem) => problem.severity === 'error');
  if (error) return because('definition', `Its definition has an error at ${error.file}:${error.line}:${error.column}: ${error.message}`);
  const failedId = dependencies.find((id) => byId.get(id)?.state === 'failed' && facts.merged?.has(id) !== true);
  const failed = failedId === undefined ? undefined : byId.get(failedId);
  if (!failed) return undefined;
  const how = failed.error?.kind === 'cancelled' ? 'was cancelled' : 'failed';
  return because('dependency_failed', `Depends on ${failed.task_id}, which ${how}: retry ${failed.task_id} or remove the dependency.`);
}

function byLoop(facts: QueueFacts): Reason | undefined {
  const why = facts.loop_reason ? ` (${facts.loop_reason})` : '';
  switch (facts.loop) {
    case 'never_started':
      return because('loop', 'Baton was never started here: choose Start.');
    case 'paused':
      return because('loop', `Baton is paused${why}: choose Start to go on.`);
    case 'stopping':
      return because('loop', `Baton is stopping${why}: running attempts finish, nothing new starts.`);
    case 'stopped':
      return because('loop', `Baton is stopped${why}: choose Start.`);
    case 'running':
      return undefined;
  }
}

const NOTHING: readonly string[] = [];

function byDependency(task: TaskExecution, facts: QueueFacts, byId: ReadonlyMap<string, TaskExecution>): Reason | undefined {
  if (task.task_def.depends_on === undefined) return undefined;
  const open: TaskExecution[] = [];
  for (const id of task.task_def.depends_on) {
    const one = byId.get(id);
    if (one && one.state !== 'done' && facts.merged?.has(id) !== true && !open.includes(one)) open.push(one);
  }
  const [first] = open;
  if (!first) return undefined;
  const shown = open.slice(0, 3).map((one) => `${one.task_id} (${one.state})`);
  const more = open.length > shown.length ? ` and ${open.length - shown.length} more` : '';
  return because('dependency', open.length === 1 ? `Waits for ${shown[0] ?? first.task_id}.` : `Waits for ${open.length} tasks: ${shown.join(', ')}${more}.`);
}

function byTime(task: TaskExecution, facts: QueueFacts): Reason | undefined {
  const until = task.not_before === null ? Number.NaN : Date.parse(task.not_before);
  if (!(until > facts.now)) return undefined;
  const after = task.error ? ` after: ${task.error.message}` : '';
  const count = task.retry_count > 0 ? ` (retry ${task.retry_count} of ${task.max_retries})` : '';
  return because('not_before', `Goes on in ${formatDuration(Math.ceil((until - facts.now) / 1000))}${count}${after}`, until);
}

function byAgent(task: TaskExecution, facts: QueueFacts): Reason | undefined {
  const name = facts.agentOf(task);
  if (name === null) return undefined;
  if (typeof name !== 'string') return because('agent_missing', `No agent can run it: ${name.missing}.`);
  const agent = facts.agents.get(name);
  if (!agent) return because('agent_missing', `Its agent "${name}" is neither configured nor installed.`);
  if (!agent.enabled) return because('agent_missing', `Its agent ${name} is turned off by the configuration.`);
  if (!agent.available) return because('agent_missing', `Its agent ${name} is not installed${agent.install === null ? '' : `: ${agent.install}`}.`);
  const account = facts.accounts.get(agent.account);
  const opens = account?.closed_until ?? null;
  if (account && opens === null) {
    return because('account_closed', `Account ${agent.account} is closed until sign-in works again: ${account.reason}`);
  }
  if (account && opens !== null && opens > facts.now) {
    const left = formatDuration(Math.ceil((opens - facts.now) / 1000));
    const at = new Date(opens).toISOString().slice(11, 16);
    return because('account_closed', `Account ${agent.account} opens in ${left} (${at} UTC): ${account.reason}`, opens);
  }
  if (!facts.config.budget.allow_unpriced && isLimited(task, facts.config) && !(facts.pricedOf?.(task) ?? agent.priced)) {
    return because('budget', `Its agent ${name} has no price, and under a budget only priced agents run (budget.allow_unpriced).`);
  }
  return undefined;
}

function byHold(task: TaskExecution, facts: QueueFacts): Reason | undefined {
  const hold = facts.holds?.get(task.task_id);
  return hold === undefined ? undefined : because('hold', hold);
}

/** What of the machine is left, handed out in queue order. */
export interface Capacity {
  /** Gives the next runnable task its slot, or says what is short. */
  next(task: TaskExecution): Reason;
  /** The reason of a task that is not in the queue: at work, parked or finished. */
  unqueued(task: TaskExecution): Reason;
}

/** The reasons of those who wait for a slot, kept by how many are ahead: of a long queue almost all. */
export class SlotReasons {
  #slots = 0;
  #used = 0;
  #byAhead: Reason[] = [];

  of(slots: number, used: number, ahead: number): Reason {
    if (slots !== this.#slots || used !== this.#used) [this.#slots, this.#used, this.#byAhead] = [slots, used, []];
    const inUse = () => (used >= slots ? `${slots === 1 ? 'The one slot is' : `All ${slots} slots are`} in use` : `${slots - used} of ${plural(slots, 'slot')} free`);
    return (this.#byAhead[ahead] ??= because('slots', `${inUse()}${behind(ahead)}.`));
  }
}

function behind(ahead: number): string {
  return ahead > 0 ? ` and ${plural(ahead, 'task is', 'tasks are')} ahead` : '';
}

/** Counts slots, agents' caps, budget and attention as they are used; call `next` in queue order, once for each task that is not blocked. */
export function capacityOf(tasks: readonly TaskExecution[], facts: QueueFacts, slotReasons: SlotReasons): Capacity {
  const { config, now } = facts;
  const slots = config.orchestrator.max_concurrent_tasks;
  const atWork = [...facts.running.values()].filter((one) => one.uses_slot);
  const busy = new Map<string, number>();
  for (const { agent, reserved } of atWork) {
    const name = agent ?? reserved ?? null;
    if (name !== null) busy.set(name, (busy.get(name) ?? 0) + 1);
  }
  const awaiting = tasks.filter((task) => task.state === 'awaiting_human_review' || (task.decisions.length > 0 && openDecisions(task).length > 0)).length;
  const spent = { today: facts.spend?.today_usd ?? 0, area: new Map(facts.spend?.by_area) };
  let used = atWork.length;
  let ahead = 0;

  const limitsOf = (area: string) =>
    [
      ['Today’s budget', facts.spend?.day_limit ?? config.budget.per_day_usd, spent.today],
      [`Today’s budget for ${area}`, facts.spend?.area_limits?.get(area) ?? config.budget.by_area[area], spent.area.get(area) ?? 0],
    ] as const;
  const isDaily = config.budget.per_day_usd !== undefined || Object.keys(config.budget.by_area).length > 0;
  const reserveOf = (task: TaskExecution): number => facts.reserveOf?.(task) ?? config.budget.reserve_usd;

  const overBudget = (task: TaskExecution): Reason | undefined => {
    if (!isDaily || facts.agentOf(task) === null) return undefined;
    const reserve = reserveOf(task);
    const limits = limitsOf(areaOf(task.task_def));
    for (const [name, limit, used_usd] of limits) {
      if (limit === undefined || used_usd + reserve <= limit) continue;
      const left = formatMoney(Math.max(0, limit - used_usd));
      return because('budget', `${name} of ${formatMoney(limit)} has ${left} left, and an attempt reserves ${formatMoney(reserve)}.`, facts.spend?.day_ends ?? null);
    }
    return undefined;
  };

  const take = (task: TaskExecution, agent: string): void => {
    used += 1;
    busy.set(agent, (busy.get(agent) ?? 0) + 1);
    if (!isDaily) return;
    const reserve = reserveOf(task);
    const area = areaOf(task.task_def);
    spent.today += reserve;
    spent.area.set(area, (spent.area.get(area) ?? 0) + reserve);
  };

  return {
    next: (task) => {
      const max = config.attention.max_awaiting;
      if (task.state === 'new' && max !== undefined && awaiting >= max) {
        return because('attention', `${plural(awaiting, 'task waits', 'tasks wait')} for you, and attention.max_awaiting is ${max}: nothing new starts.`);
      }
      const budget = overBudget(task);
      if (budget) return budget;
      const name = facts.agentOf(task);
      // Gates and merges need no agent and wait for no slot: an approved merge is not held up by long tasks.
      if (typeof name !== 'string') return because('next', 'Starts now: gates and merges need no slot.');
      const cap = facts.agents.get(name)?.max_concurrent ?? null;
      const running = busy.get(name) ?? 0;
      if (used >= slots) {
        ahead += 1;
        return slotReasons.of(slots, atWork.length, ahead - 1);
      }
      if (cap !== null && running >= cap) {
        ahead += 1;
        return because('agent_busy', `Agent ${name} runs ${cap} at once at most (max_concurrent)${behind(ahead - 1)}.`);
      }
      take(task, name);
      ahead += 1;
      return because('next', `Starts now: ${slots - atWork.length} of ${plural(slots, 'slot')} free.`);
    },
    unqueued: (task) => {
      const running = facts.running.get(task.task_id);
      if (running) return atWorkReason(task, running, now);
      if (isTerminal(task.state)) return endedReason(task, now);
      return byDecision(task) ?? because('needs_decision', parkedText(task));
    },
  };
}

/** A parked task whose decision has been answered goes on as soon as the engine applies the answer. */
function parkedText(task: TaskExecution): string {
  const last = task.decisions.findLast((decision) => decision.status === 'answered' && decision.applied_at === null);
  if (last) return 'Answered; it goes on as soon as Baton applies the answer.';
  return `Needs you${task.error ? `: ${task.error.message}` : ''}.`;
}

function atWorkReason(task: TaskExecution, running: RunningFact, now: number): Reason {
  if (running.waits_for_human) {
    return byDecision(task) ?? because('running', 'Running: its agent waits for an answer.');
  }
  const who = running.agent === null ? '' : ` with ${running.agent}`;
  const lasting = formatDuration((now - running.since) / 1000);
  return because('running', `Running for ${lasting}: ${running.activity ?? doing(task)}${who}.`);
}

/** What a task in this state does when it is at work. */
function doing(task: TaskExecution): string {
  const index = task.steps.findIndex((step) => step.state !== 'completed');
  const step = index < 0 ? '' : ` step ${index + 1} of ${task.steps.length}`;
  switch (task.state) {
    case 'planning':
      return 'planning';
    case 'plan_review':
      return 'reviewing the plan';
    case 'plan_rejected':
      return 'revising the plan';
    case 'implementing':
      return `implementing${step}`;
    case 'code_review':
      return `reviewing the code of${step === '' ? ' its last step' : step}`;
    case 'quality_gate':
      return 'running the quality gates';
    case 'new':
    case 'plan_approved':
      return 'preparing its worktree';
    case 'awaiting_human_review':
    case 'done':
    case 'failed':
      return 'finishing';
  }
}

/** Made anew only when its words change: finished tasks pile up. */
function endedReason(task: TaskExecution, now: number): Reason {
  const known = ended.get(task);
  const at = known?.at ?? (task.completed_at === null ? Number.NaN : Date.parse(task.completed_at));
  const shown = shownSeconds((now - at) / 1000);
  if (known && Object.is(known.shown, shown)) return known.reason;
  const reason = task.state === 'done' ? because('done', `Done${agoOf(shown)}.`) : because('failed', `${failedText(task, agoOf(shown))}; Retry runs it again.`);
  ended.set(task, { at, shown, reason });
  return reason;
}
const ended = new WeakMap<TaskExecution, { at: number; shown: number; reason: Reason }>();

function failedText({ error }: TaskExecution, ago: string): string {
  if (error?.kind === 'cancelled') return `Cancelled${ago}`;
  return `Failed${ago}${error ? `: ${error.message}` : ''}`;
}

function agoOf(seconds: number): string {
  return Number.isNaN(seconds) ? '' : ` ${formatDuration(seconds)} ago`;
}
