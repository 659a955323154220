/** What an agent asks, as the rules judge it, wherever they do: in the engine, or in a runner while no engine is there. */
import type { PermissionRule } from '../core/config/schema.ts';
import { evaluatePermission, questionOf, type Permission, type PermissionQuestion } from '../core/permissions.ts';
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

/** What the policy says, and where it only asks, what a human allowed for this task; a denial stands before that. `by` is for the transcript. */
export function judgePermission(policy: readonly PermissionRule[], granted: readonly PermissionRule[], question: PermissionQuestion): { readonly then: Permission; readonly reason: string; readonly by: string } {
  const { then, reason } = evaluatePermission(policy, question);
  if (then === 'ask' && evaluatePermission(granted, question).then === 'allow') return { then: 'allow', reason, by: 'allowed for this task' };
  return { then, reason, by: `policy: ${reason}` };
}
