/** What a human says besides a verdict: "always" to a permission, comments on lines and plan steps, a plan of their own. */
import { readPlan } from '../core/answers.ts';
import { BatonError, messageOf } from '../core/errors.ts';
import { openDecisions, type Always, type Decision, type TaskExecution } from '../core/execution.ts';
import { isAllowed, ruleOf } from '../core/permissionGrant.ts';
import type { Plan } from '../core/roles.ts';
import { addComment, editComment, resolveThread } from '../core/threads.ts';
import type { Command, CommandReply } from '../shared/api.ts';
import type { EventDraft } from './lifecycle.ts';
import type { PipelineContext } from './pipeline/context.ts';
import { pathFault } from './pipeline/plan.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/**
 * Checks that "always" may be said, and for the repository writes the rule before the answer counts: a rule that cannot
 * be written leaves the decision open. Returns the file, where one was written.
 */
export async function allowAlways(context: PipelineContext, command: Of<'decide'>, always: Always): Promise<string | undefined> {
  const open = openDecisions(context.lifecycle.get(command.task_id));
  const decision: Decision | undefined = command.decision_id === undefined ? open[0] : open.find((one) => one.id === command.decision_id);
  // Let the answer itself say what is wrong with the decision's id.
  if (!decision) return undefined;
  if (command.verdict !== 'approve' || command.input !== undefined) throw new BatonError('usage', '"Always" goes with a plain approval only, not with an edited request or a denial.');
  const rule = ruleOf(decision);
  if (!rule) {
    throw new BatonError('usage', `"Always" cannot be said to this ${decision.kind}: no rule is as narrow as what is asked.`, {
      hint: 'Allow it once, or write a rule under "permissions" in .baton/orchestrator.yaml yourself.',
    });
  }
  if (always === 'task' || isAllowed(context.config().permissions, rule)) return undefined;
  return context.ports.sources.addPermission(rule);
}

/** Answers the requests of other agents that wait for what the policy allows by now: nobody needs to be asked twice. */
export async function answerAllowed(context: PipelineContext, { by, via }: Of<'decide'>): Promise<void> {
  for (const task of context.lifecycle.all()) {
    for (const decision of openDecisions(task)) {
      const rule = ruleOf(decision);
      if (!rule || !isAllowed(context.config().permissions, rule)) continue;
      // Somebody may have answered it meanwhile, which is as good.
      await context.decisions.answer(task.task_id, decision.id, { verdict: 'approve', by, via }).catch(() => undefined);
    }
  }
}

/** Comments and their threads. */
export async function talk(context: PipelineContext, command: Of<'comment' | 'edit_comment' | 'resolve_thread'>): Promise<CommandReply> {
  let message = '';
  await context.lifecycle.change(command.task_id, (draft): EventDraft[] => {
    switch (command.type) {
      case 'comment': {
        const thread = addComment(draft, command.place, { by: command.by, at: context.lifecycle.now(), text: command.text });
        message = `Comment ${thread} is kept; it goes to the agent when you request changes.`;
        return [{ type: 'commented', data: { thread_id: thread, by: command.by } }];
      }
      case 'edit_comment':
        editComment(draft, command.thread_id, command.comment_id, command.text);
        message = command.text === null ? 'The comment is deleted.' : 'The comment is changed.';
        return [{ type: 'comment_edited', data: { thread_id: command.thread_id, comment_id: command.comment_id, by: command.by } }];
      case 'resolve_thread':
        resolveThread(draft, command.thread_id, command.resolved);
        message = command.resolved ? 'The thread is resolved.' : 'The thread is open again.';
        return [{ type: 'thread_resolved', data: { thread_id: command.thread_id, resolved: command.resolved, by: command.by } }];
    }
  });
  return { message, task_id: command.task_id };
}

/** Puts a human's plan in the place of the one that waits for its approval. */
export async function editPlan(context: PipelineContext, command: Of<'edit_plan'>): Promise<CommandReply> {
  const asked = (task: TaskExecution): Decision => {
    const decision = openDecisions(task).find((one) => one.kind === 'plan');
    if (decision) return decision;
    throw new BatonError('conflict', `The plan of task ${task.task_id} does not wait for an approval now.`, { hint: 'A plan can be edited while its approval is asked for.' });
  };
  const task = context.lifecycle.get(command.task_id);
  asked(task);
  const plan = await usablePlan(context, task, command.plan);
  await context.lifecycle.change(command.task_id, (draft) => {
    const decision = asked(draft);
    decision.detail = { ...decision.detail, plan, edited_by: command.by };
    draft.plan = plan;
    return [{ type: 'plan_edited', data: { decision_id: decision.id, by: command.by, steps: plan.steps.length } }];
  });
  return { message: `The plan of ${command.task_id} is changed; it still waits for your approval.`, task_id: command.task_id };
}

/** A plan that comes with an approval is held to what an edited one is. */
export async function checkPlan(context: PipelineContext, command: Of<'decide'>): Promise<void> {
  const task = context.lifecycle.get(command.task_id);
  const decision = openDecisions(task).find((one) => command.decision_id === undefined || one.id === command.decision_id);
  if (decision?.kind === 'plan' && command.verdict === 'approve' && command.input !== undefined) await usablePlan(context, task, command.input);
}

/** Rejects with `usage` when the plan cannot be carried out. */
async function usablePlan(context: PipelineContext, task: TaskExecution, input: unknown): Promise<Plan> {
  const plan = planOf(input);
  const fault = await pathFault(context, task, plan);
  if (fault !== undefined) throw new BatonError('usage', `The edited plan cannot be used: ${fault}.`);
  return plan;
}

function planOf(input: unknown): Plan {
  try {
    return readPlan(input);
  } catch (error) {
    throw new BatonError('usage', `The edited plan cannot be used: ${messageOf(error)}.`, { cause: error });
  }
}
