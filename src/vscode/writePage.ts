/** Writes a virtual page from what the engine knows of its task. */
import type { EngineApi } from '../shared/api.ts';
import { permissionPage, planPage, reportPage } from './model/pages.ts';
import type { PageQuery } from './pages.ts';

export async function writePage(query: PageQuery, api: EngineApi): Promise<string> {
  const task = await api.task(query.task);
  if (task === undefined) return `There is no task \`${query.task}\` any more.\n`;
  switch (query.kind) {
    case 'plan':
      return planPage(task);
    case 'permission': {
      const decision = task.decisions.find(({ id }) => id === query.decision);
      if (decision === undefined) return 'This request is gone.\n';
      return permissionPage({ id: task.task_id, goal: task.task_def.goal, worktree: task.worktree }, decision);
    }
    case 'report':
      // A task without a branch has no changes to list; its report is worth reading all the same.
      return reportPage(task, task.base_sha === null ? undefined : await api.changes(query.task).catch(() => undefined), Date.now());
  }
}
