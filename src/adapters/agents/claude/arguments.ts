/** The command line and environment of Claude Code: the only place that knows its options. */
import type { AgentRequest } from '../../../engine/ports.ts';

export const CLAUDE_INSTALL = 'npm install -g @anthropic-ai/claude-code';

/** Defaults that the user's own environment overrides: parallel runs must not update the program under each other. */
export const CLAUDE_ENVIRONMENT: Readonly<Record<string, string>> = {
  DISABLE_AUTOUPDATER: '1',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
};

/**
 * Tools that would undo what Baton sees to: worktrees and schedules are its own, plan mode waits for a dialog that is
 * not there, and the stash is shared by all worktrees.
 */
const DENIED_TOOLS = ['EnterWorktree', 'ExitWorktree', 'EnterPlanMode', 'ExitPlanMode', 'CronCreate', 'CronDelete', 'CronList', 'ScheduleWakeup', 'Bash(git stash:*)'];

/** Who plans or reviews changes nothing. */
const EDITING_TOOLS = ['Edit', 'Write', 'NotebookEdit'];

/** Never holds a secret or the prompt: those travel by environment and stdin. */
export function claudeArguments(request: AgentRequest, sessionId: string): string[] {
  const { agent, model } = request;
  const denied = request.role === 'implementer' ? DENIED_TOOLS : [...DENIED_TOOLS, ...EDITING_TOOLS];
  const args = ['-p', '--verbose', '--output-format', 'stream-json', '--input-format', 'stream-json', '--include-partial-messages', '--replay-user-messages'];
  args.push('--permission-prompt-tool', 'stdio', '--permission-mode', modeOf(request), '--disallowedTools', denied.join(','));
  args.push(...(request.resume === null ? ['--session-id', sessionId] : ['--resume', sessionId]));
  if (model !== null) args.push('--model', model);
  if (agent.max_turns !== undefined) args.push('--max-turns', String(agent.max_turns));
  if (request.max_budget_usd !== undefined) args.push('--max-budget-usd', String(request.max_budget_usd));
  if (request.output_schema) args.push('--json-schema', JSON.stringify(request.output_schema));
  return args;
}

/** Rules that hold something back can do so only where Claude asks: about every edit, and every command that may change anything. */
function modeOf({ agent, ask_all: askAll }: AgentRequest): string {
  const mode = agent.permission_mode ?? 'acceptEdits';
  return askAll === true && mode !== 'plan' ? 'default' : mode;
}
