/**
 * What Codex may do unasked: its sandbox and its approval policy by Baton's permissions. The one place that maps them.
 *
 * | role and configuration | sandbox | asks about |
 * |---|---|---|
 * | planner, plan reviewer, code reviewer; `permission_mode: plan` | read-only | what it wants to do outside the sandbox |
 * | implementer (`acceptEdits`, the default) | workspace-write | what it wants to do outside the sandbox |
 * | `permission_mode: default`, or rules under `permissions` that deny or ask | workspace-write | every command and edit |
 * | `permission_mode: bypassPermissions` | none | nothing |
 *
 * What it asks comes to Baton, whose rules answer it or a human does. The sandbox keeps writes in the worktree and the
 * folders for temporary files, `.git` read-only, and closes the network unless Codex's own settings open it.
 */
import type { AgentRequest } from '../../../engine/ports.ts';

export interface Confinement {
  readonly sandbox: 'read-only' | 'workspace-write' | 'danger-full-access';
  readonly approvalPolicy: 'untrusted' | 'on-request' | 'never';
  /** Requests come to Baton, never to a model that decides in the user's place. */
  readonly approvalsReviewer: 'user';
}

export function confinementOf(request: Pick<AgentRequest, 'role' | 'agent' | 'ask_all'>): Confinement {
  const mode = request.agent.permission_mode ?? 'acceptEdits';
  const looksOnly = request.role !== 'implementer' || mode === 'plan';
  const approvalsReviewer = 'user';
  if (mode === 'bypassPermissions' && !looksOnly && request.ask_all !== true) return { sandbox: 'danger-full-access', approvalPolicy: 'never', approvalsReviewer };
  return {
    sandbox: looksOnly ? 'read-only' : 'workspace-write',
    approvalPolicy: mode === 'default' || request.ask_all === true ? 'untrusted' : 'on-request',
    approvalsReviewer,
  };
}
