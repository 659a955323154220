/**
 * Landing by pull request: the branch is pushed, a pull request opened or found, and the task waits with a decision that
 * links it. It is done when the pull request is merged, by whomever; every look starts from what the forge says.
 */
import type { Decision, GateRound, TaskExecution } from '../../core/execution.ts';
import { BatonError, messageOf } from '../../core/errors.ts';
import { pullRequestBody, pullRequestTitle } from '../../core/pullRequest.ts';
import { useApproval } from '../decisions.ts';
import type { ForgeCall, PullRequest } from '../ports.ts';
import type { PhaseResult, PipelineContext } from './context.ts';
import { finish, hookLimit } from './merge.ts';
import type { Run } from './run.ts';

/** `reason` in the detail of the decisions that wait for a pull request. */
export const OPEN = 'pull_request';
const CLOSED = 'pull_request_closed';

/** Pushes, opens, merges or finishes, whatever the pull request of a green task needs next. */
export async function landByPullRequest(context: PipelineContext, run: Run, task: TaskExecution, round: GateRound, approval: Decision | undefined): Promise<PhaseResult> {
  run.activity = 'at its pull request';
  context.changed();
  try {
    await advance(context, run, task, round, approval);
  } catch (error) {
    if (run.signal.aborted) return 'leave';
    const hint = error instanceof BatonError && error.hint !== undefined ? ` ${error.hint}` : '';
    await park(context, task, { question: `${messageOf(error)}${hint} Then approve to try again.`, detail: { reason: 'pull_request_failed', url: task.pull_request?.url ?? null } }, messageOf(error), approval);
  }
  return 'leave';
}

async function advance(context: PipelineContext, run: Run, task: TaskExecution, round: GateRound, approval: Decision | undefined): Promise<void> {
  const { forge } = context.ports;
  const call = callOf(context, run, task);
  const asked = approval?.detail['reason'];
  let known = task.pull_request ? await forge.look(task.pull_request.url, call) : undefined;
  if (known?.state === 'open' && asked === OPEN && task.pull_request?.head_sha === task.head_sha) {
    await forge.merge(known.url, task.pull_request.head_sha, context.config().merge.strategy, call);
    known = await forge.look(known.url, call);
  }
  // One that was merged without the latest work has not landed it: that gets a pull request of its own.
  if (known?.state === 'merged' && task.pull_request?.head_sha === task.head_sha) {
    await landed(context, run, task, known, approval);
    return;
  }
  if (known?.state === 'closed' && asked !== CLOSED) {
    await park(context, task, { question: `Pull request #${known.number} was closed without being merged: ${known.url} Approve to open another, request changes to work on, or reject to give the task up.`, detail: { reason: CLOSED, url: known.url, number: known.number } }, `pull request #${known.number} was closed`, approval);
    return;
  }
  const opened = known?.state === 'open' && task.pull_request?.head_sha === task.head_sha ? known : await open(context, task, round, call);
  const target = task.target_branch ?? 'the target';
  await park(
    context,
    task,
    {
      question: `Merge pull request #${opened.number} "${pullRequestTitle(task)}" into ${target}: ${opened.url} Merge it there, or approve to have it merged through gh.`,
      detail: { reason: OPEN, url: opened.url, number: opened.number, gates: round.checks.map((check) => ({ name: check.name, status: check.status })) },
    },
    `waits for pull request #${opened.number} to be merged`,
    approval,
  );
}

async function open(context: PipelineContext, task: TaskExecution, round: GateRound, call: ForgeCall): Promise<PullRequest> {
  const sha = task.head_sha ?? '';
  const wanted = { branch: task.branch ?? '', sha, target: task.target_branch ?? '', title: pullRequestTitle(task), body: pullRequestBody(task, round) };
  const opened = await context.ports.forge.open(wanted, call);
  await context.lifecycle.change(task.task_id, (draft) => {
    draft.pull_request = { url: opened.url, number: opened.number, head_sha: sha };
    return [{ type: 'pull_request', data: { url: opened.url, number: opened.number, head_sha: sha } }];
  });
  return opened;
}

/** The target here follows the forge's where nothing is in the way, so that tasks which depend on this one find its work. */
async function landed(context: PipelineContext, run: Run, task: TaskExecution, merged: PullRequest, approval: Decision | undefined): Promise<void> {
  const { forge, log, workspace } = context.ports;
  const target = task.target_branch ?? '';
  try {
    const tip = await forge.fetch(target, callOf(context, run, task));
    if (!(await workspace.follow(target, tip, hookLimit(context, run)))) log.warn(`${target} here does not hold pull request #${merged.number} yet: pull it when nothing is in the way.`);
  } catch (error) {
    // Done by the next look, which finds it merged again.
    if (run.signal.aborted) throw error;
    log.warn(`${target} could not be fetched after pull request #${merged.number} was merged: ${messageOf(error)}`);
  }
  await finish(context, task.task_id, merged.merge_sha ?? task.head_sha ?? '', `pull request #${merged.number} was merged`, approval);
}

async function park(context: PipelineContext, task: TaskExecution, decision: { question: string; detail: Record<string, unknown> }, why: string, used: Decision | undefined): Promise<void> {
  await context.decisions.park(task.task_id, { kind: 'merge', ...decision, resume_state: 'quality_gate', head_sha: task.head_sha }, why, (draft) => {
    if (used) useApproval(draft, used.id, context.lifecycle.now());
    return undefined;
  });
}

function callOf(context: PipelineContext, run: Run, task: TaskExecution): ForgeCall {
  return { mark: `${context.ports.repository.key}:${task.task_id}:forge`, signal: run.signal };
}
