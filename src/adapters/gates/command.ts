/** Running a command line of the user (gate, setup) through the shell: the one place where a shell gets a command line. */
import { messageOf } from '../../core/errors.ts';
import type { CommandRequest, CommandResult, Gates } from '../../engine/ports.ts';
import { endTree } from '../process/drain.ts';
import { childEnvironment } from '../process/environment.ts';
import { eachLine } from '../process/lines.ts';
import { endOf } from '../process/run.ts';
import { spawnProcess, type Spawned, type SpawnRequest } from '../process/spawn.ts';
import { Standby } from '../process/standby.ts';
import { createRedactor, type Redactor } from '../runs/redact.ts';
import { CommandLog } from './log.ts';

/** A line without an end is logged in parts of this many characters. */
const LONGEST_LINE = 64 * 1024;

/** Another task comes within this time (ms), or none that is known of. */
const SPARE_MS = 60_000;
/** What a task leaves to be tidied comes before what another may need (ms). */
const TIDYING_MS = 60;

let runs = 0;

/** Runs commands of the user as `runCommand` does, the first sooner where it was announced. */
export function createCommands(redactor: Redactor): Pick<Gates, 'prepare' | 'keep' | 'run'> & { readonly close: () => void } {
  let standby: Standby | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const after = (ms: number, what: () => void): void => {
    clearTimeout(timer);
    timer = setTimeout(what, ms).unref();
  };
  const prepare = (): void => {
    clearTimeout(timer);
    if (!closed && standby?.isReady !== true) standby = Standby.start(childEnvironment());
  };
  return {
    prepare,
    keep() {
      after(TIDYING_MS, () => {
        prepare();
        after(SPARE_MS, () => standby?.close());
      });
    },
    run: (request) => runCommand(request, redactor, standby),
    close() {
      closed = true;
      clearTimeout(timer);
      standby?.close();
    },
  };
}

/**
 * Runs one command line to its end, its time limit or the signal, and ends its whole process tree in every case, so
 * that a server which a test left running does not outlive the gate. Never rejects: a command that cannot be started,
 * or a log that cannot be written, is said in the tail.
 */
export async function runCommand(request: CommandRequest, redactor: Redactor = createRedactor(), standby?: Standby): Promise<CommandResult> {
  if (request.signal.aborted) return { exit_code: null, timed_out: false, aborted: true, seconds: 0, tail: '' };
  const begun = performance.now();
  redactor.learn(request.env);
  const log = new CommandLog(request.log, redactor);
  await log.open();
  let outcome: Outcome;
  try {
    // Gates of one attempt run in parallel; the suffix keeps the end of one from ending the others.
    const mark = `${request.mark}~${process.pid}.${(runs += 1)}`;
    outcome = await follow(await spawnProcess({ ...shell(request.run), cwd: request.cwd, env: childEnvironment(request.env), mark, standby }), request, log);
  } catch (error) {
    outcome = { exit_code: null, cause: null };
    log.line(`The command could not be started in ${request.cwd}: ${messageOf(error)}`);
  }
  const seconds = Math.round(performance.now() - begun) / 1000;
  if (outcome.cause === 'time') log.line(`Ended after its time limit of ${request.timeout_seconds} s.`);
  await log.close();
  return { exit_code: outcome.exit_code, timed_out: outcome.cause === 'time', aborted: outcome.cause === 'signal', seconds, tail: log.tail };
}

interface Outcome {
  readonly exit_code: number | null;
  readonly cause: 'time' | 'signal' | null;
}

async function follow(spawned: Spawned, request: CommandRequest, log: CommandLog): Promise<Outcome> {
  const { stdin, stdout, stderr } = spawned.child;
  stdin.end();
  const read = [stdout, stderr].map((stream) => {
    log.throttle(stream);
    return eachLine(stream, (line) => log.line(line), LONGEST_LINE);
  });
  const ended = await endOf(spawned, request.timeout_seconds * 1000, request.signal);
  await endTree(spawned, (error) => log.line(messageOf(error)));
  await Promise.all(read);
  return typeof ended === 'string' ? { exit_code: null, cause: ended } : { exit_code: ended.code, cause: null };
}

/** The outer shell only makes stderr go where stdout goes, so that the log has both in the order they were written. */
function shell(run: string): Pick<SpawnRequest, 'file' | 'args' | 'verbatim'> {
  if (process.platform === 'win32') return { file: process.env['ComSpec'] ?? 'cmd.exe', args: ['/d', '/s', '/c', `"${run}"`], verbatim: true };
  return { file: '/bin/sh', args: ['-c', 'exec /bin/sh -c "$0" 2>&1', run] };
}
