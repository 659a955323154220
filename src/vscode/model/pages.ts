/** Virtual Markdown pages: the report of a task, its plan, and a permission request in full. */
import type { Decision, GateRound, TaskExecution } from '../../core/execution.ts';
import type { ChangesView } from '../../shared/api.ts';
import { permissionInput, permissionTool, commandOf } from './decisionItem.ts';
import { between, codeBlock, cost, elapsed, escapeMarkdown, inlineCode } from './format.ts';
import { runTree, runTreeLines } from '../../core/runTree.ts';
import { plural } from '../../core/format.ts';

/** The first page of a review: goal, evidence, files, cost, history. `now` is epoch milliseconds. */
export function reportPage(task: TaskExecution, changes: ChangesView | undefined, now: number): string {
  const parts = [
    `# ${escapeMarkdown(task.task_def.goal)}`,
    [
      `${inlineCode(task.task_id)} is **${escapeMarkdown(task.state.replaceAll('_', ' '))}**.`,
      task.branch === null ? '' : `Branch ${inlineCode(task.branch)}, to land on ${inlineCode(task.target_branch ?? 'its target')}.`,
    ].join(' '),
  ];
  if (task.error !== null) parts.push(`> **${escapeMarkdown(task.error.kind)}:** ${escapeMarkdown(task.error.message)}`);
  for (const decision of task.decisions.filter((one) => one.status === 'open')) parts.push(`> **Needs you:** ${escapeMarkdown(decision.question)}`);
  if (task.task_def.description !== undefined) parts.push(task.task_def.description);
  parts.push(...planSection(task), ...files(changes), ...remarks(task, changes), ...evidence(task), ...effort(task, now), ...history(task));
  return `${parts.join('\n\n')}\n`;
}

/** What the planner proposes, for the decision about it: read as text, so that its lines can be commented. */
export function planPage(task: TaskExecution): string {
  const plan = planSection(task, flat);
  const review = task.plan_review;
  const parts = [`# Plan: ${flat(task.task_def.goal)}`, ...(plan.length > 0 ? plan : ['There is no plan yet.'])];
  if (review !== null) {
    parts.push(`## Plan review: ${review.status.replaceAll('_', ' ')}`);
    const points = [...(review.concerns ?? []), ...(review.required_changes ?? []), ...(review.missing_steps ?? [])];
    if (points.length > 0) parts.push(points.map((point) => `- ${flat(point)}`).join('\n'));
  }
  return `${parts.join('\n\n')}\n`;
}

/** In one line, since lines are what is commented. */
function flat(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim();
}

/** Everything an agent's permission request says. */
export function permissionPage(task: { readonly id: string; readonly goal: string; readonly worktree: string | null }, decision: Decision): string {
  const command = commandOf(decision);
  const reason = decision.detail['reason'];
  const parts = [
    `# ${escapeMarkdown(decision.question)}`,
    `The agent of ${inlineCode(task.id)} (${escapeMarkdown(task.goal)}) stands still until you answer. Nothing has run yet.`,
    `Tool: ${inlineCode(permissionTool(decision))}${task.worktree === null ? '' : `, in ${inlineCode(task.worktree)}`}`,
  ];
  if (typeof reason === 'string' && reason !== '') parts.push(`Why it asks: ${escapeMarkdown(reason)}`);
  if (command !== undefined) parts.push(codeBlock(command, 'sh'));
  parts.push('## Whole input', codeBlock(JSON.stringify(permissionInput(decision), null, 2), 'json'));
  return `${parts.join('\n\n')}\n`;
}

function planSection(task: TaskExecution, write: (text: string) => string = escapeMarkdown): string[] {
  const { plan } = task;
  if (plan === null) return [];
  const steps = plan.steps.map((step, index) => {
    const notes = [step.risk === undefined ? '' : `${step.risk} risk`, step.complexity ?? ''].filter((note) => note !== '');
    const touched = [...(step.files?.create ?? []), ...(step.files?.modify ?? [])];
    return [
      `${index + 1}. ${write(step.description)}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`,
      ...(touched.length > 0 ? [`   - files: ${touched.map(inlineCode).join(', ')}`] : []),
      ...(step.commands !== undefined && step.commands.length > 0 ? [`   - commands: ${step.commands.map(inlineCode).join(', ')}`] : []),
    ].join('\n');
  });
  return [
    '## Plan',
    ...(plan.summary === undefined ? [] : [write(plan.summary)]),
    steps.join('\n'),
    ...(plan.rollback === undefined ? [] : [`**Rollback:** ${write(plan.rollback)}`]),
  ];
}

function evidence(task: TaskExecution): string[] {
  if (task.quality_gate_results.length === 0) return ['## Evidence', 'No gate has run yet.'];
  return ['## Evidence', ...[...task.quality_gate_results].reverse().flatMap(round)];
}

function round(result: GateRound): string[] {
  const verdict = result.passed ? (result.can_merge ? 'passed' : 'passed, but not clean enough to merge by itself') : 'failed';
  const title = `### Round ${result.round}, ${result.subject === 'merge' ? 'on the merge result' : 'on the branch'}: ${verdict}`;
  const rows = result.checks.map((check) =>
    row([
      escapeMarkdown(check.name),
      `${check.status}${check.required ? '' : ' (not required)'}`,
      inlineCode(check.command),
      check.exit_code === null ? '–' : String(check.exit_code),
      check.seconds.toFixed(1),
      inlineCode(check.tree_sha.slice(0, 10)),
    ]),
  );
  const failures = result.checks.filter((check) => check.status === 'failed' || check.status === 'warning');
  return [
    title,
    [row(['Gate', 'Result', 'Command', 'Exit', 'Seconds', 'Tree']), row(['---', '---', '---', '--:', '--:', '---']), ...rows].join('\n'),
    ...failures.flatMap((check) => [
      `**${escapeMarkdown(check.name)}:** ${escapeMarkdown(check.message)}`,
      ...(check.details === '' ? [] : [codeBlock(check.details)]),
    ]),
  ];
}

/** The changed files, what to look at first first. */
function files(changes: ChangesView | undefined): string[] {
  if (changes === undefined || changes.files.length === 0) return [];
  const rows = changes.files.map((file) =>
    row([
      inlineCode(file.from === undefined ? file.path : `${file.from} → ${file.path}`),
      file.level === undefined ? '' : `**${file.level}**`,
      escapeMarkdown(file.reason ?? ''),
      file.status,
      file.added === null ? 'binary' : `+${file.added}`,
      file.removed === null ? '' : `−${file.removed}`,
    ]),
  );
  return [
    `## Review order: ${plural(changes.files.length, 'file')} changed`,
    `${inlineCode(changes.base_sha.slice(0, 10))} … ${inlineCode(changes.head_sha.slice(0, 10))}`,
    ...(changes.notes === undefined || changes.notes.length === 0 ? [] : [changes.notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')]),
    [row(['File', 'Risk', 'Why', 'Change', 'Added', 'Removed']), row(['---', '---', '---', '---', '--:', '--:']), ...rows].join('\n'),
  ];
}

/** What reviewers and gates say of places in the change, and the user's own comments. */
function remarks(task: TaskExecution, changes: ChangesView | undefined): string[] {
  const found = (changes?.findings ?? []).map(({ source, by, severity, file, line, message }) =>
    row([source === 'reviewer' ? `reviewer ${escapeMarkdown(by)}` : `gate ${escapeMarkdown(by)}`, severity, file === null ? '–' : inlineCode(line === null ? file : `${file}:${line}`), escapeMarkdown(message)]),
  );
  const said = (task.threads ?? []).map(({ file, line, step_id, status, outdated, comments }) =>
    row([escapeMarkdown(comments[0]?.by ?? ''), `${status}${outdated ? ', outdated' : ''}`, file === null ? `step ${inlineCode(step_id ?? '')}` : inlineCode(`${file}:${line ?? 1}`), comments.map((comment) => escapeMarkdown(comment.text)).join(' / ')]),
  );
  if (found.length + said.length === 0) return [];
  return ['## Findings and comments', [row(['By', 'State', 'Where', 'What']), row(['---', '---', '---', '---']), ...found, ...said].join('\n')];
}

function effort(task: TaskExecution, now: number): string[] {
  if (task.attempts.length === 0) return [];
  const rows = task.attempts.map((attempt) =>
    row([
      attempt.attempt_id,
      attempt.role.replaceAll('_', ' '),
      escapeMarkdown(attempt.model === null ? attempt.agent : `${attempt.agent}, ${attempt.model}`),
      attempt.outcome,
      attempt.ended_at === null ? '–' : elapsed(between(attempt.started_at, attempt.ended_at)),
      attempt.cost_usd === null ? 'unpriced' : cost(attempt.cost_usd, false),
    ]),
  );
  return [
    `## Cost: ${cost(task.total_cost_usd, task.unpriced)}`,
    codeBlock(runTreeLines(runTree(task, now)).join('\n')),
    [row(['Attempt', 'Role', 'Agent', 'Outcome', 'Time', 'Cost']), row(['---', '---', '---', '---', '--:', '--:']), ...rows].join('\n'),
  ];
}

function history(task: TaskExecution): string[] {
  if (task.history.length === 0) return [];
  const rows = task.history.map((entry) =>
    row([inlineCode(entry.at), escapeMarkdown(entry.from ?? '–'), escapeMarkdown(entry.to), escapeMarkdown(entry.why)]),
  );
  return ['## History', [row(['When (UTC)', 'From', 'To', 'Why']), row(['---', '---', '---', '---']), ...rows].join('\n')];
}

/** A table row; a pipe or line break inside a cell would end it, even in code. */
function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replace(/(?<!\\)\|/g, '\\|').replace(/\s*\n\s*/g, ' ')).join(' | ')} |`;
}
