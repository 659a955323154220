/** What an agent asks, as the rules judge it. */
import { questionOf, type PermissionQuestion } from '../core/permissions.ts';
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
