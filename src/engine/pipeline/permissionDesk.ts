/**
 * Answers an agent's permission requests: by policy at once, else by a human, for whom the agent waits. A request that an
 * earlier engine heard, or that repeats one asked before its agent died, is tied to the decision that is already there.
 */
import { approvalEnds } from '../../core/approval.ts';
import { messageOf } from '../../core/errors.ts';
import type { Decision, TaskExecution } from '../../core/execution.ts';
import { exactRule } from '../../core/permissionGrant.ts';
import type { PermissionQuestion } from '../../core/permissions.ts';
import { acceptsEdits, judgePermission, permissionQuestion } from '../permissionQuestion.ts';
import type { AgentMessage, AttendedSession, Disposable, PermissionAnswer } from '../ports.ts';
import type { AttemptPlan } from './attempt.ts';
import type { PipelineContext } from './context.ts';
import type { Run } from './run.ts';

type PermissionRequest = AgentMessage & { type: 'permission' };

export class PermissionDesk {
  readonly #context: PipelineContext;
  readonly #run: Run;
  readonly #plan: AttemptPlan;
  readonly #session: AttendedSession;
  /** Requests that wait for a human, by decision id. */
  readonly #waiting = new Map<string, PermissionRequest>();
  readonly #listening: Disposable;
  /** Requests are handled one after the other, so that two identical ones cannot open two decisions. */
  #tail: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(context: PipelineContext, run: Run, plan: AttemptPlan, session: AttendedSession) {
    this.#context = context;
    this.#run = run;
    this.#plan = plan;
    this.#session = session;
    this.#listening = context.decisions.onAnswered((decision) => {
      // The answer may have allowed something for the task.
      if (this.#task().decisions.some(({ id }) => id === decision.id)) tellRules(context, run.taskId, session);
      this.#queue(() => this.#answered(decision));
    });
    // An agent that came over from an earlier engine has the rules of that time.
    tellRules(context, run.taskId, session);
  }

  request(request: PermissionRequest): void {
    this.#queue(() => this.#handle(request));
  }

  /** The agent came over from an earlier engine and waits for these: whatever else it asked is settled. */
  async adopt(pending: readonly string[]): Promise<void> {
    const { attempt_id: attemptId } = this.#plan.attempt;
    const isOver = ({ kind, status, attempt_id: asker, detail }: Decision): boolean => kind === 'permission' && status === 'open' && asker === attemptId && !pending.includes(detail['request_id'] as string);
    if (this.#task().decisions.some(isOver)) await this.#withdraw(isOver);
  }

  /** The agent no longer waits for the answer. */
  withdrawn(requestId: string): void {
    this.#queue(async () => {
      const entry = [...this.#waiting].find(([, request]) => request.request_id === requestId);
      if (!entry) return;
      this.#waiting.delete(entry[0]);
      await this.#withdraw((decision) => decision.id === entry[0]);
      this.#run.goOn();
      this.#backAtWork();
    });
  }

  /** Resolves when nothing that came in before is under way any more. */
  settled(): Promise<void> {
    return this.#tail;
  }

  /** The session is over. `keep` leaves its questions open: the resumed session will ask them again. */
  async close(keep: boolean): Promise<void> {
    this.#closed = true;
    // An answer that waits for a slot has nobody to go to any more.
    this.#run.stopWaiting();
    await this.#tail;
    this.#listening.dispose();
    const ids = new Set(this.#waiting.keys());
    this.#waiting.clear();
    if (!keep && ids.size > 0) await this.#withdraw((decision) => ids.has(decision.id));
    this.#run.stopWaiting();
    this.#run.activity = `${this.#plan.attempt.agent} has ended`;
    this.#context.changed();
  }

  async #handle(request: PermissionRequest): Promise<void> {
    const question = await this.#question(request);
    const { agents, permissions } = this.#context.config();
    const { agent, role } = this.#plan.attempt;
    const { then, reason, by } = judgePermission(permissions, this.#task().permissions ?? [], question, acceptsEdits(role, agents[agent]?.permission_mode));
    if (then === 'allow') return this.#answer(request, { behavior: 'allow' }, by);
    if (then === 'deny') return this.#answer(request, { behavior: 'deny', message: reason }, by);
    const known = this.#known(request);
    if (known?.status === 'answered') return this.#apply(known, request);
    const decision = known ?? (await this.#ask(request, question));
    this.#waiting.set(decision.id, request);
    this.#run.activity = `waits for your permission: ${request.title}`;
    this.#run.suspend();
    // The answer may have come between opening the decision and waiting for it.
    const current = this.#task().decisions.find((one) => one.id === decision.id);
    if (current?.status === 'answered') await this.#answered(current);
  }

  #question(request: PermissionRequest): Promise<PermissionQuestion> {
    return permissionQuestion(request, this.#plan.cwd, this.#context.ports.resolvePath);
  }

  /**
   * The decision about this very request, heard by an earlier engine, whose answer may not have reached the agent; or one for the same tool and
   * input whose agent died in the same role at the same step before the answer could reach it, unless that answer is too old to stand.
   */
  #known(request: PermissionRequest): Decision | undefined {
    const { attempts, decisions } = this.#task();
    const { attempt_id: attemptId, role, step_id: stepId } = this.#plan.attempt;
    const own = decisions.find(({ kind, attempt_id: asker, detail, status }) => kind === 'permission' && asker === attemptId && detail['request_id'] === request.request_id && (status === 'open' || status === 'answered'));
    if (own) return own;
    const predecessors = new Set(attempts.filter((one) => one.role === role && one.step_id === stepId).map((one) => one.attempt_id));
    const stands = ({ answer }: Decision): boolean => answer === null || this.#context.ports.clock.now() < approvalEnds(answer.at, this.#context.config());
    const key = identity(request.tool, request.input);
    return decisions.find(
      (decision) =>
        decision.kind === 'permission' &&
        decision.applied_at === null &&
        (decision.status === 'open' || decision.status === 'answered') &&
        predecessors.has(decision.attempt_id ?? '') &&
        stands(decision) &&
        !this.#waiting.has(decision.id) &&
        identity(decision.detail['tool'] as string, decision.detail['input']) === key,
    );
  }

  async #ask(request: PermissionRequest, question: PermissionQuestion): Promise<Decision> {
    return this.#context.decisions.ask(this.#plan.task.task_id, {
      kind: 'permission',
      // Drivers may begin the title with the tool's name.
      question: `Allow ${request.title.startsWith(request.tool) ? '' : `${request.tool}: `}${request.title}?`,
      detail: { tool: request.tool, title: request.title, input: request.input, reason: request.reason, request_id: request.request_id, rule: exactRule(question) ?? null, ...(request.editable === false ? { editable: false } : {}) },
      resume_state: this.#task().state,
      attempt_id: this.#plan.attempt.attempt_id,
    });
  }

  async #answered(decision: Decision): Promise<void> {
    const request = this.#waiting.get(decision.id);
    if (!request || this.#closed) return;
    this.#waiting.delete(decision.id);
    await this.#run.resume();
    if (this.#run.signal.aborted) return;
    this.#backAtWork();
    await this.#apply(decision, request);
  }

  /** Gives the human's answer to the agent, once. */
  async #apply(decision: Decision, request: PermissionRequest): Promise<void> {
    const { answer } = decision;
    // Unused, it is there for whoever asks the same in the resumed session.
    if (!answer || this.#closed) return;
    await this.#context.lifecycle.change(this.#plan.task.task_id, (draft) => {
      const stored = draft.decisions.find((one) => one.id === decision.id);
      if (stored) stored.applied_at = this.#context.lifecycle.now();
      return undefined;
    });
    const reply: PermissionAnswer =
      answer.verdict === 'approve'
        ? { behavior: 'allow', ...(answer.input ? { input: answer.input } : {}) }
        : { behavior: 'deny', message: answer.text ?? 'The user denied this.' };
    await this.#answer(request, reply, answer.by);
  }

  async #answer(request: PermissionRequest, answer: PermissionAnswer, by: string): Promise<void> {
    await this.#session.answer(request.request_id, answer, by);
  }

  #backAtWork(): void {
    this.#run.activity = `${this.#plan.attempt.agent} is at work`;
    this.#context.changed();
  }

  async #withdraw(matches: (decision: Decision) => boolean): Promise<void> {
    await this.#context.lifecycle.change(this.#plan.task.task_id, (draft) => this.#context.decisions.withdraw(draft, matches));
  }

  #task(): TaskExecution {
    return this.#context.lifecycle.get(this.#plan.task.task_id);
  }

  #queue(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(work).catch((error: unknown) => {
      this.#context.ports.log.error(`A permission request could not be handled: ${messageOf(error)}`, error);
    });
  }
}

/** A runner judges by itself while no engine is there: it must know the rules of the moment. */
export function tellRules(context: Pick<PipelineContext, 'config' | 'lifecycle'>, taskId: string, session: AttendedSession): void {
  session.rules?.(context.config().permissions, context.lifecycle.find(taskId)?.permissions ?? []);
}

/** Two requests are identical when tool and input are, whatever the order of the input's keys. */
function identity(tool: string, input: unknown): string {
  return `${tool}\n${JSON.stringify(input, (_key, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )}`;
}
