/** What a surface may ask of the engine, one method a command. Each answers with one sentence or a BatonError that says what to do. */
import { BatonError, unreachable } from '../core/errors.ts';
import type { Decision } from '../core/execution.ts';
import { formatMoney } from '../core/format.ts';
import { placeBefore } from '../core/queue.ts';
import { isTerminal } from '../core/states.ts';
import type { Command, CommandReply } from '../shared/api.ts';
import { taskIdFault, taskDefinition } from '../core/task.ts';
import { slugOf, uniqueTaskId } from '../core/taskText.ts';
import { allowAlways, answerAllowed, checkPlan, editPlan, talk } from './humanWords.ts';
import { cleanState, deleteTask } from './housekeeping.ts';
import { handBack, takeOver } from './takeOver.ts';
import type { Loop } from './loop.ts';
import type { PipelineContext } from './pipeline/context.ts';
import { retry } from './retry.ts';

export interface CommandDeskOptions {
  readonly context: PipelineContext;
  readonly loop: Loop;
  /** Reads the task files again. */
  readonly rescan: () => Promise<void>;
  /** Ids of the queued tasks, next first. */
  readonly queue: () => string[];
  readonly refreshAgents: () => Promise<void>;
  readonly reloadConfig: () => Promise<void>;
}

type Of<T extends Command['type']> = Extract<Command, { type: T }>;

export class CommandDesk {
  readonly #options: CommandDeskOptions;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
  }

  async execute(command: Command): Promise<CommandReply> {
    const reply = await this.#dispatch(command);
    this.#options.loop.wake();
    this.#options.context.changed();
    return reply;
  }

  #dispatch(command: Command): Promise<CommandReply> {
    switch (command.type) {
      case 'start':
        return this.#start();
      case 'pause':
        return this.#pause();
      case 'stop':
        return this.#stop(command);
      case 'stop_now':
        return this.#stopNow(command);
      case 'add_task':
        return this.#addTask(command);
      case 'cancel':
        return this.#cancel(command);
      case 'retry':
        return retry(this.#options.context, this.#options.loop, command);
      case 'run_next':
        return this.#runNext(command);
      case 'move':
        return this.#move(command);
      case 'place':
        return this.#place(command);
      case 'clear_place':
        return this.#clearPlace(command);
      case 'decide':
        return this.#decide(command);
      case 'comment':
      case 'edit_comment':
      case 'resolve_thread':
        return talk(this.#options.context, command);
      case 'take_over':
        return takeOver(this.#options.context, this.#options.loop, command);
      case 'hand_back':
        return handBack(this.#options.context, command);
      case 'edit_plan':
        return editPlan(this.#options.context, command);
      case 'message':
        return this.#message(command);
      case 'refresh':
        return this.#refresh();
      case 'clean_state':
        return cleanState(this.#options, command.dry_run ?? false);
      case 'delete_task':
        return deleteTask(this.#options, command.task_id);
      default:
        return unreachable(command);
    }
  }

  async #start(): Promise<CommandReply> {
    await this.#options.loop.start();
    return { message: 'Baton is running.' };
  }

  async #pause(): Promise<CommandReply> {
    await this.#options.loop.pause();
    return { message: 'Paused: running attempts finish, nothing new starts.' };
  }

  async #stop(command: Of<'stop'>): Promise<CommandReply> {
    await this.#options.loop.stop(command.reason ?? 'stopped by the user');
    const { size } = this.#options.loop.runs;
    return { message: size > 0 ? `Stopping: ${size} running ${size === 1 ? 'task finishes' : 'tasks finish'} first.` : 'Baton is stopped.' };
  }

  async #stopNow(command: Of<'stop_now'>): Promise<CommandReply> {
    const { size } = this.#options.loop.runs;
    await this.#options.loop.stopNow(command.reason ?? 'stopped at once by the user');
    return { message: size > 0 ? `Stopped: ${size} running ${size === 1 ? 'task was' : 'tasks were'} interrupted and can go on later.` : 'Baton is stopped.' };
  }

  async #addTask(command: Of<'add_task'>): Promise<CommandReply> {
    const { lifecycle, ports } = this.#options.context;
    await this.#options.rescan();
    const { source } = command.task;
    const twin = source !== undefined && /^https?:\/\//.test(source) ? lifecycle.all().find((task) => task.task_def.source === source) : undefined;
    if (twin) throw new BatonError('conflict', `${source ?? ''} is task ${twin.task_id} already.`, { hint: `See it with: baton task ${twin.task_id}.` });
    const taken = new Set(lifecycle.all().map((task) => task.task_id.toLowerCase()));
    const id = command.task.id ?? uniqueTaskId(slugOf(command.task.goal), taken);
    const fault = taskIdFault(id);
    if (fault !== undefined) throw new BatonError('invalid_task', `"${id}" is not a valid task id: ${fault}.`);
    if (taken.has(id.toLowerCase())) {
      throw new BatonError('conflict', `There is a task ${id} already.`, { hint: 'Choose another id, or leave it out to get a free one.' });
    }
    const parsed = taskDefinition.safeParse({ ...command.task, id });
    if (!parsed.success) {
      throw new BatonError('invalid_task', parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
    }
    if (command.dry_run === true) return { message: `Would add ${id}.`, task_id: id };
    const file = await ports.sources.addTask({ ...parsed.data, created_at: parsed.data.created_at ?? lifecycle.now() });
    await this.#options.rescan();
    return { message: `Added ${id} (${file}).`, task_id: id };
  }

  async #cancel(command: Of<'cancel'>): Promise<CommandReply> {
    const { lifecycle, decisions } = this.#options.context;
    const task = lifecycle.get(command.task_id);
    if (isTerminal(task.state)) throw new BatonError('conflict', `Task ${task.task_id} is ${task.state} already.`);
    return this.#options.loop.cancel(task.task_id, async () => {
      if (isTerminal(lifecycle.get(task.task_id).state)) return { message: `Task ${task.task_id} had ended already.`, task_id: task.task_id };
      const message = command.reason ?? 'cancelled by the user';
      await lifecycle.transition(task.task_id, 'failed', message, (draft) => {
        draft.error = { kind: 'cancelled', message, at: lifecycle.now() };
        return [{ type: 'task_cancelled' }, ...decisions.withdraw(draft, () => true)];
      });
      return { message: `Cancelled ${task.task_id}. Its worktree and branch are kept.`, task_id: task.task_id };
    });
  }

  async #runNext(command: Of<'run_next'>): Promise<CommandReply> {
    const [first] = this.#queued(command.task_id).filter((id) => id !== command.task_id);
    await this.#placeBefore(command.task_id, first ?? null);
    return { message: `Task ${command.task_id} runs next.`, task_id: command.task_id };
  }

  async #move(command: Of<'move'>): Promise<CommandReply> {
    const queue = this.#queued(command.task_id);
    const from = queue.indexOf(command.task_id);
    const to = command.direction === 'up' ? from - 1 : from + 1;
    if (queue[to] === undefined) return { message: `Task ${command.task_id} is ${command.direction === 'up' ? 'first' : 'last'} already.`, task_id: command.task_id };
    await this.#placeBefore(command.task_id, queue[command.direction === 'up' ? to : to + 1] ?? null);
    return { message: `Task ${command.task_id} is number ${to + 1} now.`, task_id: command.task_id };
  }

  async #place(command: Of<'place'>): Promise<CommandReply> {
    const rest = this.#queued(command.task_id).filter((id) => id !== command.task_id);
    const found = command.before === null ? -1 : rest.indexOf(command.before);
    const at = found < 0 ? rest.length : found;
    await this.#placeBefore(command.task_id, rest[at] ?? null);
    return { message: `Task ${command.task_id} is number ${at + 1} now.`, task_id: command.task_id };
  }

  async #clearPlace(command: Of<'clear_place'>): Promise<CommandReply> {
    await this.#options.context.lifecycle.change(command.task_id, (draft) => {
      draft.place = null;
      return [{ type: 'place_cleared' }];
    });
    return { message: `Task ${command.task_id} is ordered by its score again.`, task_id: command.task_id };
  }

  async #decide(command: Of<'decide'>): Promise<CommandReply> {
    const { task_id: taskId, decision_id: decisionId, verdict, text, input, always, by, via } = command;
    await checkPlan(this.#options.context, command);
    const written = always === undefined ? undefined : await allowAlways(this.#options.context, command, always);
    if (written !== undefined) await this.#options.reloadConfig();
    const { decision } = await this.#options.context.decisions.answer(taskId, decisionId, { verdict, text, input, always, by, via });
    if (written !== undefined) await answerAllowed(this.#options.context, command);
    return { message: `${answerMessage(decision)}${always === undefined ? '' : `, and from now on in this ${always}`}${written === undefined ? '' : ` (${written})`}`, task_id: taskId };
  }

  async #message(command: Of<'message'>): Promise<CommandReply> {
    this.#options.context.lifecycle.get(command.task_id);
    const run = this.#options.loop.runs.get(command.task_id);
    if (!run?.session || run.attemptId === null) {
      throw new BatonError('conflict', `No agent is at work on ${command.task_id}.`, { hint: 'Messages reach running agents only; put the text into the task, or request changes.' });
    }
    // The session says it back as a message of its own, which is how it comes into the transcript.
    await run.session.send(command.text);
    return { message: `The agent of ${command.task_id} got your message.`, task_id: command.task_id };
  }

  async #refresh(): Promise<CommandReply> {
    await this.#options.refreshAgents();
    await this.#options.rescan();
    return { message: 'Task files and agents were read again.' };
  }

  #queued(taskId: string): string[] {
    const queue = this.#options.queue();
    if (!queue.includes(taskId)) {
      const { state } = this.#options.context.lifecycle.get(taskId);
      throw new BatonError('conflict', `Task ${taskId} is ${state}: only queued tasks have a place.`);
    }
    return queue;
  }

  /** At once, and for all or none: a place outranks every score, so everything ahead may need one too. */
  async #placeBefore(taskId: string, before: string | null): Promise<void> {
    const { lifecycle } = this.#options.context;
    const places = placeBefore(this.#queued(taskId).map((id) => ({ id, place: lifecycle.get(id).place })), taskId, before);
    await lifecycle.changeAll([...places.keys()], (draft) => {
      draft.place = places.get(draft.task_id) ?? null;
      return [{ type: 'placed', data: { place: draft.place } }];
    });
  }
}

/** The wording of an answer, as the command line prints it. */
function answerMessage(decision: Decision): string {
  const { task_id: id, kind, answer } = decision;
  if (kind === 'permission') return answer?.verdict === 'approve' ? `✅ Permission for ${id} granted` : `❌ Permission for ${id} denied`;
  if (answer?.verdict === 'reject' && kind === 'budget' && decision.detail['scope'] !== 'task') return `⏸ What the budget holds waits until 00:00 UTC; task ${id} too`;
  if (answer?.verdict === 'reject') return `❌ Task ${id} rejected and marked as failed`;
  if (answer?.verdict === 'request_changes') return `↩ Task ${id} goes back to work with your changes`;
  switch (kind) {
    case 'start':
      return `✅ Task ${id} approved - it may start`;
    case 'merge':
      return `✅ Task ${id} approved - merging`;
    case 'budget':
      return `✅ Budget raised to ${formatMoney(Number(answer?.input?.['budget_usd'] ?? 0))}${answer?.input?.['cheaper'] === true ? ', going on with a cheaper model' : ''} - task ${id} goes on`;
    default:
      return `✅ Task ${id} approved - continuing implementation`;
  }
}
