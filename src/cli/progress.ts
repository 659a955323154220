/** What `baton run` shows: one line for every thing that happened, and what is going on right now. */
import { isTerminal } from '../core/states.ts';
import type { Snapshot, TaskView } from '../shared/api.ts';
import { formatDuration } from '../core/format.ts';
import { clockTime, cost, secondsSince } from './format.ts';
import { openDecisionsOf } from './json.ts';
import type { Line } from './liveArea.ts';
import { scoreFigure } from './score.ts';
import { colourOf } from './style.ts';
import { GATE_ICONS } from './taskDetails.ts';

/** What happened between two snapshots, oldest first as far as they tell. Without an earlier one: what is open already. */
export function happenings(before: Snapshot | undefined, after: Snapshot): Line[] {
  const known = new Map(before?.tasks.map((task) => [task.id, task]));
  const at = `${clockTime(Date.parse(after.at))} `;
  const lines = after.tasks.flatMap((task) => taskHappenings(known.get(task.id), task, before === undefined)).map((line): Line => [[at, 'dim'], ...line]);
  for (const account of after.accounts) {
    const earlier = before?.accounts.find((one) => one.account === account.account);
    if (account.closed && earlier?.closed !== true) {
      const until = account.closed_until === null || account.closed_until === 'unknown' ? 'until its sign-in works again' : `until ${account.closed_until}`;
      lines.push([[at, 'dim'], '⏳ ', ['account ', 'yellow'], `${account.account} is closed ${until}: ${account.reason ?? 'limit reached'}`]);
    } else if (!account.closed && earlier?.closed === true) {
      lines.push([[at, 'dim'], `✅ account ${account.account} is open again`]);
    }
  }
  return lines;
}

function taskHappenings(before: TaskView | undefined, task: TaskView, first: boolean): Line[] {
  const lines: Line[] = [];
  const name: Line[number] = [task.id, 'bold'];
  const moved = before !== undefined && before.state !== task.state;
  if (before === undefined && !first) lines.push(['➕ ', name, ` queued: ${task.goal}`]);
  if (before !== undefined && task.gates !== before.gates) lines.push(...gateHappenings(before, task, name));
  if (task.group === 'running' && before?.group !== 'running') {
    lines.push(['▶ ', name, `${task.state === 'new' ? '' : ` ${task.state}${agentText(task)}`}: ${task.goal}`]);
  } else if (moved && task.group === 'running' && !isTerminal(task.state)) {
    lines.push(['  ', name, before.state === 'new' ? ` ${task.state}${agentText(task)}` : ` ${before.state} -> ${task.state}`]);
  }
  if (before !== undefined && task.retry_count > before.retry_count) {
    lines.push(['🔄 ', name, ` tries again (${task.retry_count} of ${task.max_retries}): ${task.error ?? task.why}`]);
  }
  const asked = new Set(before === undefined ? [] : openDecisionsOf(before).map((decision) => decision.id));
  for (const decision of openDecisionsOf(task)) {
    if (asked.has(decision.id)) continue;
    lines.push(['🔍 ', name, [' needs you', 'magenta'], `: ${decision.question} (baton task ${task.id} --approve)`]);
  }
  if (task.group === 'done' && before !== undefined && before.group !== 'done') lines.push(['✅ ', name, [' done', 'green'], ` (${totals(task)})`]);
  if (task.group === 'failed' && before !== undefined && before.group !== 'failed') {
    lines.push(['❌ ', name, [' failed', 'red'], `: ${task.error ?? 'no reason given'} (${totals(task)})`]);
  }
  if (task.group === 'held' && before !== undefined && before.group !== 'held') lines.push(['⏳ ', name, [' held', 'yellow'], `: ${task.why}`]);
  return lines;
}

function agentText(task: TaskView): string {
  return task.agent === null ? '' : ` by ${task.agent}${task.model === null ? '' : ` (${task.model})`}`;
}

/** Gates that have a result now and had none, or another one, before. */
function gateHappenings(before: TaskView, task: TaskView, name: Line[number]): Line[] {
  const key = (check: TaskView['gates'][number]) => `${check.name} ${check.tree_sha} ${check.status} ${check.seconds}`;
  const known = new Set(before.gates.map(key));
  return task.gates
    .filter((check) => !known.has(key(check)))
    .map((check): Line => {
      const colour = check.status === 'failed' ? 'red' : check.status === 'passed' ? 'green' : 'yellow';
      return [`${GATE_ICONS[check.status]} `, name, ` gate ${check.name} `, [check.status, colour], ` (${check.seconds.toFixed(1)}s)`];
    });
}

function totals(task: TaskView): string {
  const parts: string[] = [];
  if (task.started_at !== null && task.completed_at !== null) parts.push(formatDuration(secondsSince(task.started_at, task.completed_at)));
  parts.push(cost(task.cost_usd, task.unpriced));
  return parts.join(', ');
}

const STATE_WORDS: Readonly<Record<Snapshot['loop']['state'], string>> = {
  never_started: 'not started',
  running: 'running',
  paused: 'paused',
  stopping: 'stopping',
  stopped: 'stopped',
};

/** What goes on now: the loop, the running tasks, and the next ones. `now` is epoch ms. */
export function livePicture(snapshot: Snapshot, now: number, startedAt: number): Line[] {
  const count = (group: TaskView['group']) => snapshot.tasks.filter((task) => task.group === group).length;
  const { loop } = snapshot;
  const head: (string | readonly [string, 'green' | 'yellow' | 'magenta' | 'dim'])[] = [
    ['Baton ', 'dim'],
    [STATE_WORDS[loop.state], loop.state === 'running' ? 'green' : 'yellow'],
    ` ${formatDuration((now - startedAt) / 1000)} · ${loop.slots_used}/${loop.slots} slots · ${count('waiting')} waiting`,
  ];
  if (count('held') > 0) head.push(` · ${count('held')} held`);
  const asking = snapshot.tasks.filter((task) => openDecisionsOf(task).length > 0).length;
  if (asking > 0) head.push([` · ${asking} need you`, 'magenta']);
  head.push(` · today ${cost(snapshot.cost.today_usd, snapshot.cost.unpriced)}`);
  return [head, ...snapshot.tasks.filter((task) => task.group === 'running').map((task) => runningLine(task, now)), ...nextLine(snapshot)];
}

function runningLine(task: TaskView, now: number): Line {
  const done = task.steps.filter((step) => step.state === 'completed').length;
  const since = task.attempt_started_at ?? task.started_at;
  const facts = [
    ...(since === null ? [] : [formatDuration(secondsSince(since, now))]),
    ...(task.steps.length > 1 ? [`step ${Math.min(done + 1, task.steps.length)}/${task.steps.length}`] : []),
    ...(task.cost_usd > 0 ? [cost(task.cost_usd, task.unpriced)] : []),
  ];
  const doing = task.last_line ?? task.activity;
  return [
    '  ',
    [task.id, 'bold'],
    ' ',
    [task.state, colourOf(task.group)],
    facts.length === 0 ? '' : ` · ${facts.join(' · ')}`,
    [doing === null || doing === '' ? '' : `  > ${doing}`, 'dim'],
  ];
}

function nextLine(snapshot: Snapshot): Line[] {
  const next = snapshot.tasks.filter((task) => task.group === 'waiting').sort((a, b) => (a.position ?? Infinity) - (b.position ?? Infinity));
  if (next.length === 0) return [];
  const names = next.slice(0, 3).map((task) => `${task.id} (${scoreFigure(task.score)})`);
  return [[['  next: ', 'dim'], names.join(', '), next.length > 3 ? ` and ${next.length - 3} more` : '']];
}
