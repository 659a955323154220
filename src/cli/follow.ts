/** Starts the loop, shows what it does, and ends when the goal is reached or the user says so. */
import type { Disposable } from '../engine/ports.ts';
import type { Session } from '../host/session.ts';
import type { Snapshot } from '../shared/api.ts';
import type { Context } from './context.ts';
import type { Signal } from './io.ts';
import { LiveArea, paintLine, type Line } from './liveArea.ts';
import { happenings, livePicture } from './progress.ts';

export interface RunGoal {
  /** End as soon as nothing is runnable. */
  readonly once: boolean;
  /** The only tasks that count; all when absent. */
  readonly only: readonly string[] | undefined;
}

/** `settled`: nothing is runnable any more. `stopped`: the loop ended. `interrupted`: the user of this terminal ended it. */
export type RunEnd = 'settled' | 'stopped' | 'interrupted';

const TICK_MS = 1000;

/** Returns how the run ended and the picture at that moment, before the loop is put to rest again. */
export async function followRun(context: Context, session: Session, goal: RunGoal, start: Snapshot, startedAt: number): Promise<{ readonly how: RunEnd; readonly end: Snapshot }> {
  const { api } = session;
  const view = createView(context, startedAt);
  const owned: Disposable[] = [];
  let over = false;
  try {
    const how = await new Promise<RunEnd>((resolve, reject) => {
      let latest = start;
      // Snapshots from before our own start still tell of a stopped loop.
      let firstSeq = Number.POSITIVE_INFINITY;
      let interrupts = 0;
      let confirming = false;

      const arrived = (snapshot: Snapshot): void => {
        if (snapshot.seq < latest.seq) return;
        view.show(latest, snapshot);
        latest = snapshot;
        if (snapshot.seq < firstSeq) return;
        if (snapshot.loop.state === 'stopped') resolve(interrupts > 0 ? 'interrupted' : 'stopped');
        else if (goal.once && interrupts === 0 && settled(snapshot, goal)) confirm();
      };
      // A task that ended may have freed another within the same instant: ask once more before believing it.
      const confirm = (): void => {
        if (confirming) return;
        confirming = true;
        api.snapshot().then((snapshot) => {
          confirming = false;
          if (settled(snapshot, goal)) resolve('settled');
          else arrived(snapshot);
        }, reject);
      };
      const send = (work: Promise<unknown>): void => {
        work.catch(reject);
      };
      const signalled = (signal: Signal): void => {
        interrupts += 1;
        if (session.role === 'client') {
          resolve('interrupted');
        } else if (signal === 'terminate' || interrupts === 2) {
          view.note('Stopping now: running agents are ended; their tasks resume from where they are.');
          send(api.send({ type: 'stop_now', reason: signal === 'terminate' ? 'the process was asked to end' : 'Ctrl-C twice' }));
        } else if (interrupts === 1) {
          send(
            api.send({ type: 'stop', reason: 'Ctrl-C' }).then(({ message }) => {
              // With nobody at work there is nothing left to stop.
              if (!over) view.note(latest.tasks.some(({ group }) => group === 'running') ? `${message} Ctrl-C again stops now.` : message);
            }),
          );
        } else {
          resolve('interrupted');
        }
      };

      owned.push(context.io.onSignal(signalled), api.onSnapshot(arrived));
      owned.push(session.onRoleChange((role) => view.note(role === 'leader' ? 'The leader is gone: Baton runs here now.' : attachedTo(latest))));
      const tick = (): void => {
        view.redraw(latest);
        timer = context.deps.clock.after(TICK_MS, tick);
      };
      let timer = context.deps.clock.after(TICK_MS, tick);
      owned.push({ dispose: () => timer.dispose() });

      const begin = async (): Promise<void> => {
        if (session.role === 'client') view.note(attachedTo(start));
        view.greet(start);
        await api.send({ type: 'refresh' });
        const [first, second] = goal.only ?? [];
        // The leader works on everything; what it can do for one task is to take it first.
        if (session.role === 'client' && first !== undefined && second === undefined) await api.send({ type: 'run_next', task_id: first });
        await api.send({ type: 'start' });
        const now = await api.snapshot();
        firstSeq = now.seq;
        arrived(now);
      };
      begin().catch(reject);
    });
    return { how, end: await api.snapshot() };
  } finally {
    over = true;
    for (const one of owned) one.dispose();
    view.end();
    await restoreDesired(session, goal, start);
  }
}

/** True when no task at work and none that would start is left among those that count. */
function settled(snapshot: Snapshot, goal: RunGoal): boolean {
  const { only } = goal;
  if (only === undefined) return snapshot.loop.idle;
  return !snapshot.tasks.some((task) => only.includes(task.id) && (task.group === 'running' || task.group === 'waiting'));
}

/** A single run does not leave a loop behind that would start by itself in the next window, unless it was running before. */
async function restoreDesired(session: Session, goal: RunGoal, start: Snapshot): Promise<void> {
  if (!goal.once || session.role === 'client' || start.loop.desired === 'running') return;
  const { loop } = await session.api.snapshot();
  if (loop.desired === 'running') await session.api.send({ type: 'stop', reason: 'run --once is through' });
}

function attachedTo({ loop }: Snapshot): string {
  if (loop.leader === null) return 'Following the Baton that runs on this repository already. Ctrl-C only leaves.';
  const where = loop.leader.host === 'vscode' ? 'VS Code' : '"baton run"';
  return `Baton runs on this repository already, in ${where} (pid ${loop.leader.pid}): following it. Ctrl-C only leaves.`;
}

interface View {
  greet(snapshot: Snapshot): void;
  show(before: Snapshot, after: Snapshot): void;
  redraw(snapshot: Snapshot): void;
  note(text: string): void;
  end(): void;
}

/** Redrawn lines on a terminal, appended lines elsewhere, nothing with `--json`. */
function createView(context: Context, startedAt: number): View {
  const { io, style, deps } = context;
  const wide = Number.MAX_SAFE_INTEGER;
  if (context.json) return { greet: nothing, show: nothing, redraw: nothing, note: nothing, end: nothing };
  const problems = (snapshot: Snapshot): Line[] =>
    snapshot.problems.map((one) => [[one.severity, one.severity === 'error' ? 'red' : 'yellow'], ` ${one.file}:${one.line}:${one.column}: ${one.message}`]);
  if (!io.isTTY) {
    const append = (lines: readonly Line[]) => {
      for (const line of lines) io.stdout.write(`${paintLine(line, wide, style)}\n`);
    };
    return {
      greet: (snapshot) => append([...problems(snapshot), ...happenings(undefined, snapshot)]),
      show: (before, after) => append(happenings(before, after)),
      redraw: nothing,
      note: (text) => append([[text]]),
      end: nothing,
    };
  }
  const area = new LiveArea(io, style);
  const picture = (snapshot: Snapshot) => livePicture(snapshot, deps.clock.now(), startedAt);
  const painted = (lines: readonly Line[]) => lines.map((line) => paintLine(line, wide, style));
  let current: Snapshot | undefined;
  const draw = (snapshot: Snapshot | undefined, above: readonly Line[] = []) => {
    current = snapshot;
    area.draw(snapshot ? picture(snapshot) : [], painted(above));
  };
  return {
    greet: (snapshot) => draw(snapshot, [...problems(snapshot), ...happenings(undefined, snapshot)]),
    show: (before, after) => draw(after, happenings(before, after)),
    redraw: (snapshot) => draw(snapshot),
    note: (text) => draw(current, [[text]]),
    end: () => area.end(),
  };
}

function nothing(): void {
  // The answer is the document at the end.
}
