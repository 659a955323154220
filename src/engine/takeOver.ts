/** A human takes an agent's session over in a terminal, and hands it back. Meanwhile the task is held; its state stays as it is. */
import { BatonError } from '../core/errors.ts';
import { sessionKey, type TaskExecution } from '../core/execution.ts';
import type { Command, CommandReply, Terminal } from '../shared/api.ts';
import type { Loop } from './loop.ts';
import type { PipelineContext } from './pipeline/context.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

/** How a session is continued by hand, by driver. */
const RESUME: Readonly<Record<string, (session: string) => readonly string[]>> = {
  claude: (session) => ['--resume', session],
  codex: (session) => ['resume', session],
};

/** Ends the agent's turn, if one is on, and holds the task. Its worktree and session stay as they are. */
export async function takeOver(context: PipelineContext, loop: Loop, command: Of<'take_over'>): Promise<CommandReply> {
  const { lifecycle } = context;
  const task = lifecycle.get(command.task_id);
  if (task.taken_over) throw new BatonError('conflict', `${task.taken_over.by} has taken the session of ${task.task_id} over already.`, { hint: 'It has to be handed back first.' });
  terminalOf(context, task);
  return loop.cancel(
    task.task_id,
    async () => {
      // The turn that was on may have ended the work, or the session may be another one by now.
      const terminal = terminalOf(context, lifecycle.get(task.task_id));
      await lifecycle.change(task.task_id, (draft) => {
        draft.taken_over = { by: command.by, at: lifecycle.now() };
        // It was broken off on purpose.
        draft.interruptions = 0;
        return [{ type: 'taken_over', data: { by: command.by } }];
      });
      return { message: `The session of ${task.task_id} is yours: hand it back when the agent shall go on.`, task_id: task.task_id, terminal };
    },
    'stop',
  );
}

export async function handBack(context: PipelineContext, command: Of<'hand_back'>): Promise<CommandReply> {
  const { lifecycle } = context;
  await lifecycle.change(command.task_id, (draft) => {
    if (!draft.taken_over) throw new BatonError('conflict', `The session of task ${command.task_id} was not taken over.`);
    draft.taken_over = null;
    const words = command.text?.trim() ?? '';
    const before = draft.feedback === null ? '' : `\n\n${draft.feedback}`;
    draft.feedback = `Meanwhile I have worked in this session myself: look at what is there now, and go on from it.${words === '' ? '' : `\n\n${words}`}${before}`;
    return [{ type: 'handed_back', data: { by: command.by } }];
  });
  return { message: `The session of ${command.task_id} is the agent's again.`, task_id: command.task_id };
}

/** What continues the implementer's session; throws with what to do where that cannot be. */
function terminalOf(context: PipelineContext, task: TaskExecution): Terminal {
  const { task_id: id, worktree, state } = task;
  if (state !== 'implementing' || worktree === null) {
    throw new BatonError('conflict', `Task ${id} is ${state}: a session is taken over while its agent implements.`, { hint: 'Work in the worktree yourself, or request changes.' });
  }
  const name = task.attempts.findLast((attempt) => attempt.role === 'implementer')?.agent;
  const agent = name === undefined ? undefined : context.staffing.agent(name);
  const session = name === undefined ? undefined : task.sessions[sessionKey(name, 'implementer')];
  const resume = agent === undefined ? undefined : RESUME[agent.config.driver];
  if (agent === undefined || session === undefined || resume === undefined) {
    throw new BatonError('unsupported', `Task ${id} has no session that a terminal could continue.`, { hint: 'Only sessions of Claude Code and Codex can be taken over, once they have begun.' });
  }
  return { program: agent.path ?? agent.config.command ?? agent.config.driver, args: [...agent.config.args, ...resume(session)], cwd: worktree, env: agent.config.env };
}
