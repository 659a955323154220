/** Who is asking: a process that an agent started may do much, but it may not give the consent that only a human can give. */
import { execFile } from 'node:child_process';
import * as fsp from 'node:fs/promises';
import { BatonError } from '../../core/errors.ts';
import type { Command, EngineApi } from '../../shared/api.ts';

export interface Origin {
  /** BATON_MARK of this process or the nearest ancestor that has one. */
  readonly mark: string | null;
  /** Pids from the parent upwards, as far as the platform shows them, and of the leaders of their and its own group and session. */
  readonly ancestors: readonly number[];
}

interface Ancestor {
  readonly parent: number;
  /** Of its process group and its session: an agent leads its own, which those it starts stay in when their parent is gone. */
  readonly leaders: readonly number[];
  readonly mark: string | null;
}

/**
 * The mark and ancestors of this process. An agent's command that drops BATON_MARK from its environment is still found by its ancestors'
 * environments, and one whose parent has ended by the group and the session that it is in: /proc on Linux, `ps -E` on macOS. Windows shows
 * none of it without a slow helper, so there only the own environment and the parent count.
 */
export async function originOfThisProcess(): Promise<Origin> {
  let mark = process.env['BATON_MARK'] ?? null;
  const ancestors: number[] = [];
  const leaders = new Set((await ancestor(process.pid))?.leaders);
  for (let pid = process.ppid; pid > 1 && ancestors.length < 64; ) {
    ancestors.push(pid);
    const found = await ancestor(pid);
    if (found === undefined) break;
    mark ??= found.mark;
    for (const leader of found.leaders) leaders.add(leader);
    pid = found.parent;
  }
  return { mark: mark === '' ? null : mark, ancestors: [...ancestors, ...leaders] };
}

async function ancestor(pid: number): Promise<Ancestor | undefined> {
  try {
    if (process.platform === 'linux') return await fromProc(pid);
    if (process.platform === 'darwin') return await fromPs(pid);
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
  }
  return undefined;
}

async function fromProc(pid: number): Promise<Ancestor> {
  const stat = await fsp.readFile(`/proc/${pid}/stat`, 'utf8');
  // The name before it is in parentheses and may hold anything.
  const [parent = 0, ...leaders] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(1, 4).map(Number);
  const environment = await fsp.readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const entry = environment.split('\0').find((variable) => variable.startsWith('BATON_MARK='));
  return { parent, leaders: leaders.filter(isProcess), mark: entry?.slice('BATON_MARK='.length) ?? null };
}

function isProcess(pid: number): boolean {
  return pid > 1;
}

async function fromPs(pid: number): Promise<Ancestor> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile('/bin/ps', ['-E', '-ww', '-o', 'ppid=,pgid=,command=', '-p', String(pid)], { timeout: 2000, maxBuffer: 4 << 20 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.message));
    });
  });
  const [parent = 0, group = 0] = output.trim().split(/\s+/).slice(0, 2).map(Number);
  return { parent, leaders: [group].filter(isProcess), mark: / BATON_MARK=(\S+)/.exec(output)?.[1] ?? null };
}

/** Answers, the words that go to an agent as a human's or change what a human approves, and what forgets a decision. */
const SPEAKS_FOR_THE_HUMAN: ReadonlySet<Command['type']> = new Set(['decide', 'message', 'retry', 'comment', 'edit_comment', 'resolve_thread', 'edit_plan', 'take_over', 'hand_back', 'clean_state', 'delete_task']);

const WHAT: Partial<Record<Command['type'], string>> = { decide: 'A decision', message: 'A message', retry: 'Running it again', clean_state: 'Cleaning the state', delete_task: 'Deleting', take_over: 'Taking over', hand_back: 'Handing back' };

/** Throws `refused` when this command is consent and comes from an attempt's process or one that descends from it. */
export async function assertMayConsent(command: Command, origin: Origin, api: Pick<EngineApi, 'snapshot' | 'task'>): Promise<void> {
  if (!SPEAKS_FOR_THE_HUMAN.has(command.type)) return;
  if (origin.mark === null && !(await descendsFromAttempt(origin, api))) return;
  throw new BatonError('refused', `${WHAT[command.type] ?? 'A comment or plan'}${'task_id' in command ? `${command.type === 'delete_task' ? '' : ' on'} task ${command.task_id}` : ''} was refused: it came from a process that an agent of Baton started.`, {
    hint: 'Decide in VS Code, or run the baton command in a terminal of your own.',
  });
}

/** Whether an ancestor is the root process of an attempt that runs now. */
async function descendsFromAttempt({ ancestors }: Origin, api: Pick<EngineApi, 'snapshot' | 'task'>): Promise<boolean> {
  const { tasks } = await api.snapshot();
  for (const { id } of tasks.filter((task) => task.attempt_id !== null)) {
    const attempts = (await api.task(id))?.attempts ?? [];
    if (attempts.some(({ outcome, process: root }) => outcome === 'running' && root !== null && ancestors.includes(root.pid))) return true;
  }
  return false;
}
