/**
 * A host in a process of its own: a window (`vscode lead`) or a command (`cli client-or-lead`, `cli client-only`). Takes one request a line
 * and says one line for everything that happens. Usage: participant.ts ROOT RUNTIME_DIR HOST PREFER
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { BatonError, messageOf } from '../../../src/core/errors.ts';
import { openSession, type SessionOptions } from '../../../src/host/session.ts';
import type { BuiltEngine } from '../../../src/host/election.ts';
import type { Repository } from '../../../src/host/repositoryKey.ts';
import { smallEngine, systemClock } from '../leader/engine.ts';

const [root = '', runtimeDir = '', host = '', prefer = ''] = process.argv.slice(2);
const say = (message: Record<string, unknown>): void => void fs.writeSync(1, `${JSON.stringify(message)}\n`);
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: (message: string) => say({ event: 'error', message }) };

/** An engine that leaves a witness behind: a second one beside it would find the witness of a process that lives. */
async function buildEngine(repository: Repository): Promise<BuiltEngine> {
  const witness = path.join(runtimeDir, 'witness');
  const other = Number(fs.existsSync(witness) ? fs.readFileSync(witness, 'utf8') : 0);
  // The system frees a dying process's lock a moment before the process counts as dead.
  for (let attempt = 0; other > 0 && isAlive(other); attempt++) {
    if (attempt === 1000) {
      say({ event: 'two leaders', other });
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  fs.writeFileSync(witness, String(process.pid));
  const engine = await smallEngine(repository, log);
  return {
    api: engine.api,
    close: async () => {
      await engine.close();
      fs.rmSync(witness);
    },
  };
}

/** A killed process that its parent has not waited for yet counts as dead. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

try {
  const session = await openSession({ root, runtimeDir, host: host as SessionOptions['host'], prefer: prefer as SessionOptions['prefer'], buildEngine, log, clock: systemClock });
  session.onRoleChange((role) => say({ event: 'role', role }));
  if (prefer !== 'client-or-lead') session.api.onSnapshot((snapshot) => say({ event: 'snapshot', seq: snapshot.seq, leader: snapshot.loop.leader?.pid, tasks: snapshot.tasks.map(({ id }) => id) }));
  say({ event: 'open', role: session.role, root: session.root });
  for await (const line of createInterface(process.stdin)) {
    const [verb, id, argument = ''] = line.split(' ');
    const answer = (result: Record<string, unknown>): void => say({ event: 'answer', id, ...result });
    const failed = (error: unknown): void => answer({ error: error instanceof BatonError ? error.kind : messageOf(error) });
    if (verb === 'add') session.api.send({ type: 'add_task', task: { id: argument, goal: argument } }).then((reply) => answer({ message: reply.message }), failed);
    else if (verb === 'list') session.api.snapshot().then((snapshot) => answer({ leader: snapshot.loop.leader?.pid, role: session.role, tasks: snapshot.tasks.map((task) => task.id) }), failed);
    else if (verb === 'close') break;
  }
  // An open stdin would keep the process; nothing of the session may.
  process.stdin.destroy();
  await session.close();
  say({ event: 'closed' });
} catch (error) {
  say({ event: 'failed', kind: error instanceof BatonError ? error.kind : 'other', message: messageOf(error) });
}
