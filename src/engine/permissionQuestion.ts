/** What an agent asks, as the rules judge it, wherever they do: in the engine, or in a runner while no engine is there. */
import type { AgentConfig, PermissionRule } from '../core/config/schema.ts';
import type { Role } from '../core/execution.ts';
import { evaluatePermission, isPlainEdit, questionOf, type Permission, type PermissionQuestion } from '../core/permissions.ts';
import type { AgentMessage, Ports } from './ports.ts';

/** The request with its paths where they really lead; what leads out of the worktree begins with "../" or is absolute. */
export async function permissionQuestion(request: AgentMessage & { type: 'permission' }, worktree: string, resolvePath: Ports['resolvePath']): Promise<PermissionQuestion> {
  const question = questionOf(request.tool, request.input);
  if (question.paths === undefined) return question;
  const paths = question.paths.map(async (path) => {
    const inside = await resolvePath(worktree, path);
    if (inside !== null) return inside;
    return /^([/\\~]|[A-Za-z]:)/.test(path) ? path : `../${path}`;
  });
  return { ...question, paths: await Promise.all(paths) };
}

/**
 * What the policy says, and where it only asks, what a human allowed for this task; a denial stands before that. Under rules that hold
 * something back agents ask about every edit: where no rule decides, a mode that accepts edits still does. `by` is for the transcript.
 */
export function judgePermission(policy: readonly PermissionRule[], granted: readonly PermissionRule[], question: PermissionQuestion, acceptsEdits: boolean): { readonly then: Permission; readonly reason: string; readonly by: string } {
  const { then, rule, reason } = evaluatePermission(policy, question);
  if (then === 'ask' && evaluatePermission(granted, question).then === 'allow') return { then: 'allow', reason, by: 'allowed for this task' };
  if (then === 'ask' && rule === null && acceptsEdits && holdsBack(policy) && isPlainEdit(question)) return { then: 'allow', reason, by: 'permission_mode: acceptEdits' };
  return { then, reason, by: `policy: ${reason}` };
}

/** Whether an agent's mode accepts edits in the worktree: what implementers do unless they are configured otherwise. */
export function acceptsEdits(role: Role, mode: AgentConfig['permission_mode']): boolean {
  return role === 'implementer' && (mode ?? 'acceptEdits') === 'acceptEdits';
}

/** Whether any rule denies or asks, so that agents must ask about everything. */
export function holdsBack(policy: readonly PermissionRule[]): boolean {
  return policy.some((rule) => rule.then !== 'allow');
}
