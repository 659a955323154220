/** From the queue to work: the approval a dangerous task needs, then worktree, ignored files and setup commands. */
import { approvalNeeded, usableApproval, type ApprovalNeed } from '../../core/approval.ts';
import type { Config } from '../../core/config/schema.ts';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { TaskExecution } from '../../core/execution.ts';
import { useApproval } from '../decisions.ts';
import { addStep } from '../lifecycle.ts';
import type { WorkspaceInfo } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { handleFailure } from './failure.ts';
import type { Run } from './run.ts';

/** Whether a new task needs a human's consent to start that it does not have. */
export function needsApproval(context: PipelineContext, task: TaskExecution): boolean {
  return needOf(task, context.config()).needed && startApproval(context, task) === undefined;
}

/** Parks a new task that needs a human's consent to start; true when it now waits. */
export async function parkUnlessApproved(context: PipelineContext, task: TaskExecution): Promise<boolean> {
  if (!needsApproval(context, task)) return false;
  const need = needOf(task, context.config());
  await context.decisions.park(
    task.task_id,
    { kind: 'start', question: `Start "${task.task_def.goal}"?`, detail: { reasons: need.reasons }, resume_state: 'new' },
    `needs approval: ${need.reasons.join(', ')}`,
  );
  return true;
}

/** Every look at the queue asks for every new task: the text is scanned once per definition and configuration. */
function needOf(task: TaskExecution, config: Config): ApprovalNeed {
  const known = needs.get(task.task_def);
  if (known?.approval === config.approval) return known.need;
  const need = approvalNeeded(task.task_def, config);
  needs.set(task.task_def, { approval: config.approval, need });
  return need;
}
const needs = new WeakMap<TaskExecution['task_def'], { approval: Config['approval']; need: ApprovalNeed }>();

/** new → planning or implementing, with everything in place that an agent needs. */
export async function begin(context: PipelineContext, run: Run): Promise<PhaseResult> {
  const task = context.lifecycle.get(run.taskId);
  if (await parkUnlessApproved(context, task)) return 'leave';
  run.activity = 'creating the worktree';
  context.changed();
  let space: WorkspaceInfo;
  // Asked while the worktree is made: the answer does not depend on it.
  const ignored = task.prepared_at === null ? ignoredByRule(context) : undefined;
  try {
    space = await context.ports.workspace.create(task.task_id, task.target_branch ?? context.config().merge.target);
    if (task.prepared_at === null || task.worktree !== space.worktree) await prepare(context, run, task, space, await ignored);
  } catch (error) {
    if (run.signal.aborted) return 'leave';
    return handleFailure(context, task.task_id, {
      error: { kind: error instanceof SetupFailure ? 'setup_failed' : error instanceof BatonError ? error.kind : 'unknown', message: describe(error) },
      role: null,
      step_id: null,
      account: null,
      agent: null,
    });
  }
  if (run.signal.aborted) return 'leave';
  const { workflow, reason } = context.staffing.workflow(task);
  const next = workflow === 'reviewed' && task.steps.length === 0 ? 'planning' : 'implementing';
  const started = await context.lifecycle.transition(task.task_id, next, 'the workspace is ready', (draft) => {
    // An edit that was under way when this began: what it asks for has not been judged.
    if (draft.content_hash !== task.content_hash) throw new EditedMeanwhile();
    // The moment of the move, by which the metrics count.
    const at = draft.history.at(-1)?.at ?? context.lifecycle.now();
    const approval = startApproval(context, draft);
    if (approval) useApproval(draft, approval.id, at);
    draft.worktree = space.worktree;
    draft.prepared_at = draft.prepared_at ?? at;
    draft.branch = space.branch;
    draft.base_sha = space.base_sha;
    draft.target_branch = space.target_branch;
    draft.started_at ??= at;
    draft.not_before = null;
    draft.workflow = workflow;
    draft.workflow_reason = reason;
    if (next === 'implementing' && draft.steps.length === 0) addStep(draft, { id: 'implement', description: draft.task_def.goal });
    return [{ type: 'task_started', data: { name: draft.task_def.goal, priority: draft.task_def.priority ?? null, branch: space.branch, base_sha: space.base_sha } }];
  }).catch((error: unknown) => {
    if (error instanceof EditedMeanwhile) return undefined;
    throw error;
  });
  if (started === undefined) context.ports.log.info(`${task.task_id} was edited while it was being started; it is looked at again.`);
  return 'again';
}

class EditedMeanwhile extends Error {}

/** Undefined where no rule asks for it, or git could not say: then it is asked again where the failure counts. */
async function ignoredByRule(context: PipelineContext): Promise<string[] | undefined> {
  const { copy, link } = context.config().worktree;
  return copy.length + link.length === 0 ? undefined : context.ports.workspace.ignored().catch(() => undefined);
}

async function prepare(context: PipelineContext, run: Run, task: TaskExecution, space: WorkspaceInfo, ignored: readonly string[] | undefined): Promise<void> {
  const { worktree } = context.config();
  const { ports } = context;
  await ports.workspace.populate(space.worktree, worktree.copy, worktree.link, ignored);
  for (const [index, command] of worktree.setup.entries()) {
    run.activity = `setting up (${index + 1} of ${worktree.setup.length}): ${command}`;
    context.changed();
    const log = `${ports.runs.directory(task.task_id, 'setup')}/setup-${index + 1}.log`;
    const result = await ports.gates.run({
      run: command,
      cwd: space.worktree,
      env: { BATON_TASK_ID: task.task_id, BATON_WORKTREE: space.worktree },
      mark: `${ports.repository.key}:${task.task_id}:setup`,
      timeout_seconds: worktree.setup_timeout,
      log,
      signal: run.signal,
    });
    if (result.aborted) return;
    if (result.exit_code !== 0) throw new SetupFailure(command, result.timed_out ? 'took too long' : `exited with ${String(result.exit_code)}`, log, result.tail);
  }
}

class SetupFailure extends Error {
  constructor(command: string, what: string, log: string, tail: string) {
    const last = tail.trim().split('\n').at(-1) ?? '';
    super(`The setup command \`${command}\` ${what}${last ? `: ${last}` : ''}. Log: ${log}`);
    this.name = 'SetupFailure';
  }
}

function startApproval(context: PipelineContext, task: TaskExecution) {
  return usableApproval(task, 'start', context.config(), context.ports.clock.now());
}

function describe(error: unknown): string {
  return error instanceof BatonError && error.hint ? `${error.message} ${error.hint}` : messageOf(error);
}
