/** Evidence and what red evidence leads to: the gates run on what a worktree holds, the round is stored, a red one goes back to the implementer. */
import { changeSize, dependOnFiles, selectGates } from '../../core/gates.ts';
import type { GateConfig } from '../../core/config/schema.ts';
import { gateFeedback } from '../../core/prompt.ts';
import { areaOf } from '../../core/task.ts';
import type { GateRound, TaskExecution } from '../../core/execution.ts';
import { addStep, nextFixId } from '../lifecycle.ts';
import type { FileChange } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { runGateRound } from './gateRound.ts';
import type { Run } from './run.ts';

/** Failed rounds in all, so two repairs. */
const MAX_GATE_FAILURES = 3;

/** Gates of the configuration, else of the template for the kind of project. */
export async function configuredGates(context: PipelineContext): Promise<readonly GateConfig[]> {
  return context.config().gates ?? (await context.ports.gates.detect());
}

export interface Subject {
  readonly subject: GateRound['subject'];
  readonly base_sha: string;
  /** The tree that the worktree holds. */
  readonly tree_sha: string;
  /** Gates that run for any change do not wait for it. */
  readonly changes: Promise<FileChange[]> | FileChange[];
}

/** Runs the gates that apply on whatever the worktree holds; stores and returns the round, undefined when broken off. */
export async function judge(context: PipelineContext, run: Run, task: TaskExecution, subject: Subject): Promise<GateRound | undefined> {
  const round = await runGates(context, run, task, subject);
  if (round === undefined) return undefined;
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.quality_gate_results.push(round);
    return [{ type: 'gate_round', data: { ...round } }];
  });
  return round;
}

async function runGates(context: PipelineContext, run: Run, task: TaskExecution, subject: Subject): Promise<GateRound | undefined> {
  if (task.worktree === null) return undefined;
  const { ports } = context;
  const gates = await configuredGates(context);
  const changes = dependOnFiles(gates) ? await subject.changes : [];
  const selected = selectGates(gates, {
    changes,
    size: changeSize(changes),
    area: areaOf(task.task_def),
    names: task.task_def.gates,
  });
  const number = task.quality_gate_results.length + 1;
  const left = new Set(selected.run.map((gate) => gate.name));
  const show = (): void => {
    run.activity = left.size === 0 ? 'looking at the gates' : `running ${left.size === 1 ? 'gate' : 'gates'} ${[...left].join(', ')}`;
    context.changed();
  };
  show();
  const ignore = context.baseGates.hasRulings ? context.baseGates.ignored(await ports.workspace.treeOf(subject.base_sha), subject.subject) : [];
  const round = await runGateRound(ports.gates, {
    round: number,
    subject: subject.subject,
    gates,
    selected,
    cwd: task.worktree,
    tree_sha: subject.tree_sha,
    base_sha: subject.base_sha,
    env: { BATON_TASK_ID: task.task_id, BATON_WORKTREE: task.worktree },
    mark: `${ports.repository.key}:${task.task_id}:gates`,
    log: (file) => `${ports.runs.directory(task.task_id, 'gates')}/${file}`,
    signal: run.signal,
    allow_warnings: context.config().merge.allow_warnings,
    ignore,
    clock: ports.clock,
    onCheck: (check) => {
      left.delete(check.name);
      show();
    },
  });
  return round ?? undefined;
}

/** Red gates: the failing output becomes the next prompt, or the task fails at the third round. `before` are those that are red on the base too. */
export async function sendBack(context: PipelineContext, task: TaskExecution, round: GateRound, before: readonly string[]): Promise<PhaseResult> {
  const failures = task.gate_failures + 1;
  const names = round.checks.filter((check) => check.status === 'failed' && check.required && !before.includes(check.name)).map((check) => check.name);
  const what = round.subject === 'merge' ? `combined with ${task.target_branch ?? 'the target'}, ${names.join(', ')} failed` : `${names.join(', ')} failed`;
  if (failures >= MAX_GATE_FAILURES) {
    const why = `${what} (round ${failures} of ${MAX_GATE_FAILURES})`;
    await context.lifecycle.transition(task.task_id, 'failed', why, (draft) => {
      draft.gate_failures = failures;
      draft.error = { kind: 'gates_failed', message: `The quality gates failed ${failures} times: ${what}.`, at: context.lifecycle.now() };
      return undefined;
    });
    return 'leave';
  }
  await context.lifecycle.transition(task.task_id, 'implementing', `${what} (round ${failures} of ${MAX_GATE_FAILURES}): back to the agent`, (draft) => {
    draft.gate_failures = failures;
    draft.feedback = gateFeedback(round, task.target_branch, before);
    addStep(draft, { id: nextFixId(draft), description: `Make the quality gates pass: ${names.join(', ')}` });
    return [{ type: 'retry', data: { step_id: draft.steps.at(-1)?.step_id, attempt: failures + 1, max_attempts: MAX_GATE_FAILURES, reason: what, kind: 'gates_failed' } }];
  });
  return 'again';
}
