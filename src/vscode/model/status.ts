/** The status bar: one function derives text, icon, colour, command and tooltip from one value. */
import type { LoopView, Snapshot } from '../../shared/api.ts';
import { pendingDecisions, needYou } from './decisionItem.ts';
import { cost, escapeMarkdown, localTime } from './format.ts';
import { plural } from '../../core/format.ts';
import { HEALTH_CHECKS } from '../../shared/health.ts';
import { queueGroup } from './taskItem.ts';

/** What the window knows of all its repositories. */
export interface StatusInput {
  readonly trusted: boolean;
  readonly repositories: readonly {
    readonly name: string;
    readonly opening: boolean;
    readonly failure: string | undefined;
    readonly snapshot: Snapshot | undefined;
  }[];
}

export type Status =
  | { kind: 'hidden' }
  | { kind: 'opening' }
  | { kind: 'broken'; message: string }
  | { kind: 'stopped'; reason: string | null }
  | { kind: 'needs_you'; decisions: number }
  /** `severe`: health is not only degraded but unhealthy. */
  | { kind: 'degraded'; severe: boolean; reasons: readonly string[]; running: number; waiting: number }
  | { kind: 'running'; running: number; waiting: number; stopping: boolean }
  | { kind: 'paused'; waiting: number }
  | { kind: 'not_started'; waiting: number }
  | { kind: 'idle' };

export interface StatusBar {
  readonly text: string;
  readonly command: string;
  readonly background: 'statusBarItem.warningBackground' | 'statusBarItem.errorBackground' | undefined;
  readonly spoken: string;
}

/** The most important thing first: broken, needs you, stopped by itself, degraded, then what the loop does. */
export function statusOf(input: StatusInput): Status {
  const broken = input.repositories.find((repository) => repository.failure !== undefined);
  if (broken?.failure !== undefined) return { kind: 'broken', message: broken.failure };
  const snapshots = input.repositories.flatMap((repository) => repository.snapshot ?? []);
  if (!input.trusted || snapshots.length === 0) {
    return input.trusted && input.repositories.some((repository) => repository.opening) ? { kind: 'opening' } : { kind: 'hidden' };
  }
  const decisions = snapshots.reduce((sum, snapshot) => sum + pendingDecisions(snapshot).length, 0);
  if (decisions > 0) return { kind: 'needs_you', decisions };
  const tasks = snapshots.flatMap((snapshot) => snapshot.tasks);
  const running = tasks.filter((task) => queueGroup(task) === 'running').length;
  const waiting = tasks.filter((task) => ['waiting', 'held'].includes(queueGroup(task))).length;
  const fell = snapshots.find(({ loop }) => stoppedByItself(loop));
  if (fell !== undefined && running === 0) return { kind: 'stopped', reason: fell.loop.reason };
  const reasons = snapshots.flatMap((snapshot) => [...degradedReasons(snapshot), ...failingChecks(snapshot)]);
  const severe = snapshots.some((snapshot) => snapshot.loop.state === 'running' && snapshot.health.status === 'unhealthy');
  if (reasons.length > 0) return { kind: 'degraded', severe, reasons, running, waiting };
  const states = snapshots.map(({ loop }) => loop.state);
  const stopping = !states.includes('running') && states.includes('stopping');
  if (running > 0 || stopping) return { kind: 'running', running, waiting, stopping };
  if (states.includes('running')) return waiting > 0 ? { kind: 'running', running, waiting, stopping } : { kind: 'idle' };
  if (states.includes('paused')) return { kind: 'paused', waiting };
  return states.includes('stopped') ? { kind: 'stopped', reason: null } : { kind: 'not_started', waiting };
}

/** True when the loop stopped for a reason other than the user's own Stop, which the engine words so. */
export function stoppedByItself(loop: LoopView): boolean {
  return loop.state === 'stopped' && loop.reason !== null && !loop.reason.endsWith('by the user');
}

/** What keeps a repository from working at full strength, one short clause each. */
export function degradedReasons(snapshot: Snapshot): string[] {
  const reasons: string[] = [];
  const errors = snapshot.problems.filter((problem) => problem.severity === 'error').length;
  if (errors > 0) reasons.push(`${plural(errors, 'error')} in configuration or tasks`);
  for (const account of snapshot.accounts) if (account.closed) reasons.push(`account ${account.account} is on hold`);
  if (snapshot.agents.length > 0 && !snapshot.agents.some((agent) => agent.available)) reasons.push('no coding agent found');
  return reasons;
}

/** What ails a loop that runs; of one that the user paused or stopped the pause says more. */
function failingChecks({ loop, health }: Snapshot): string[] {
  if (loop.state !== 'running' || health.status === 'unknown') return [];
  return HEALTH_CHECKS.flatMap((name) => (health.checks[name].ok ? [] : [health.checks[name].message]));
}

export function presentStatus(status: Status): StatusBar | undefined {
  const bar = (text: string, spoken: string, command = 'baton.showActions', background?: StatusBar['background']): StatusBar => ({
    text,
    command,
    background,
    spoken,
  });
  switch (status.kind) {
    case 'hidden':
      return undefined;
    case 'opening':
      return bar('$(sync~spin) Baton', 'Baton is opening the repository');
    case 'broken':
      return bar(`$(error) Baton stopped: ${short(status.message)}`, `Baton stopped: ${status.message}`, 'baton.showLog', 'statusBarItem.errorBackground');
    case 'stopped':
      return status.reason === null
        ? bar('$(debug-stop) Baton stopped', 'Baton is stopped')
        : bar(`$(error) Baton stopped: ${short(status.reason)}`, `Baton stopped: ${status.reason}`, 'baton.showActions', 'statusBarItem.errorBackground');
    case 'needs_you':
      return bar(
        `$(bell-dot) Baton: ${status.decisions} ${status.decisions === 1 ? 'needs' : 'need'} you`,
        `Baton: ${needYou(status.decisions)}`,
        'baton.showNeedsYou',
        'statusBarItem.warningBackground',
      );
    case 'degraded':
      return status.severe
        ? bar(`$(error) Baton unhealthy${counts(status)}`, `Baton is unhealthy: ${status.reasons.join(', ')}`)
        : bar(`$(warning) Baton degraded${counts(status)}`, `Baton is degraded: ${status.reasons.join(', ')}`);
    case 'running':
      return bar(
        status.running > 0 ? `$(sync~spin) Baton${counts(status)}` : `$(sync) Baton${counts(status)}`,
        `Baton ${status.stopping ? 'is stopping' : 'is running'}: ${status.running} running, ${status.waiting} waiting`,
      );
    case 'paused':
      return bar('$(debug-pause) Baton paused', `Baton is paused, ${status.waiting} waiting`);
    case 'not_started':
      return bar(status.waiting > 0 ? `$(play) Baton: start ${plural(status.waiting, 'task')}` : '$(play) Baton', 'Baton has not been started');
    case 'idle':
      return bar('$(check) Baton idle', 'Baton is idle');
  }
}

/** Markdown of the status bar's hover, one block a repository. Holds command links, so all outside text is escaped. */
export function statusTooltip(input: StatusInput, now: number): string {
  const blocks = input.repositories.map((repository) => {
    const title = `**Baton · ${escapeMarkdown(repository.name)}**`;
    if (repository.failure !== undefined) return `${title}\n\n$(error) ${escapeMarkdown(repository.failure)}`;
    const { snapshot } = repository;
    if (snapshot === undefined) return `${title}\n\nNot in use here yet.`;
    return `${title}\n\n${repositoryFacts(snapshot, now).map((line) => line.replace(/^ */, '$&- ')).join('\n')}`;
  });
  return [...blocks, links(input)].join('\n\n');
}

function repositoryFacts(snapshot: Snapshot, now: number): string[] {
  const { loop } = snapshot;
  const groups = snapshot.tasks.map(queueGroup);
  const number = (...names: string[]) => groups.filter((group) => names.includes(group)).length;
  const lines = [
    `${escapeMarkdown(loop.state.replaceAll('_', ' '))} since ${localTime(loop.since, now)}${loop.reason === null ? '' : `: ${escapeMarkdown(loop.reason)}`}`,
    `${loop.slots_used} of ${plural(loop.slots, 'slot')} in use, ${number('waiting')} waiting, ${number('held')} held, ${number('failed')} failed`,
    `${cost(snapshot.cost.today_usd, snapshot.cost.unpriced)} today${snapshot.cost.budget_usd === null ? '' : ` of ${cost(snapshot.cost.budget_usd, false)}`}`,
  ];
  for (const account of snapshot.accounts.filter((one) => one.closed)) {
    const until = account.closed_until === null || account.closed_until === 'unknown' ? 'sign-in works again' : localTime(account.closed_until, now);
    lines.push(`$(warning) account ${escapeMarkdown(account.account)} on hold until ${until}${account.reason === null ? '' : `: ${escapeMarkdown(account.reason)}`}`);
  }
  const { status, checks } = snapshot.health;
  if (status !== 'unknown') {
    const icon = { healthy: 'pass', degraded: 'warning', unhealthy: 'error' }[status];
    lines.push(`$(${icon}) ${status}`);
    for (const name of HEALTH_CHECKS) lines.push(`  $(${checks[name].ok ? 'check' : 'warning'}) ${escapeMarkdown(checks[name].message)}`);
  }
  for (const reason of degradedReasons(snapshot).filter((one) => !one.startsWith('account'))) lines.push(`$(warning) ${escapeMarkdown(reason)}`);
  return lines;
}

/** Commands of the hover, only those that apply. */
export const STATUS_LINKS = {
  start: ['baton.start', 'Start'],
  pause: ['baton.pause', 'Pause'],
  stopNow: ['baton.stopNow', 'Stop Now'],
  dashboard: ['baton.openDashboard', 'Dashboard'],
  log: ['baton.showLog', 'Show Log'],
} as const;

function links(input: StatusInput): string {
  const desired = input.repositories.map((repository) => repository.snapshot?.loop.desired);
  const shown = [
    ...(desired.some((one) => one !== 'running') ? [STATUS_LINKS.start] : []),
    ...(desired.includes('running') ? [STATUS_LINKS.pause] : []),
    ...(input.repositories.some((one) => (one.snapshot?.loop.slots_used ?? 0) > 0) ? [STATUS_LINKS.stopNow] : []),
    STATUS_LINKS.dashboard,
    STATUS_LINKS.log,
  ];
  return shown.map(([id, title]) => `[${title}](command:${id})`).join(' · ');
}

function counts(status: { running: number; waiting: number }): string {
  return `${status.running > 0 ? ` ${status.running}▸` : ''}${status.waiting > 0 ? ` ${status.waiting}⋯` : ''}`;
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= 40 ? line : `${line.slice(0, 39).trimEnd()}…`;
}
