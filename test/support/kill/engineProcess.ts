/**
 * A host in a process of its own that works until every task is done, with a human who approves whatever is asked, or until it kills itself
 * at a given point. Usage: engineProcess.js SANDBOX [POINT as JSON]; the store's worker lies beside it.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../../src/core/errors.ts';
import { openRepository } from '../../../src/host/index.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { portsThatKill, type KillPoint } from './points.ts';

const [program = '', sandbox = '', point] = process.argv.slice(1);
/** Straight to the file descriptor: what is said is out before anything else happens. */
const say = (line: string): void => void writeSync(1, `${line}\n`);
const quiet = (): void => undefined;

function die(): never {
  say('killed');
  process.kill(process.pid, 'SIGKILL');
  throw new Error('A process outlived its own SIGKILL.');
}

async function main(): Promise<void> {
  // Scripts of the sandbox kill the engine by this file.
  writeFileSync(path.join(sandbox, 'engine.pid'), String(process.pid));
  const session = await openRepository({
    folder: path.join(sandbox, 'repo'),
    host: 'cli',
    distDir: path.dirname(program),
    env: process.env,
    log: { debug: quiet, info: quiet, warn: (message) => say(`warn ${message}`), error: (message, cause) => say(`error ${message} ${messageOf(cause ?? '')}`) },
    throughPorts: (ports) =>
      portsThatKill(ports, point === undefined ? undefined : (JSON.parse(point) as KillPoint), die, (names) => {
        if (process.env['KILL_TRACE'] !== undefined) say(`call ${names.join(', ')}`);
      }),
  });
  const asked = new Set<string>();
  const wanted = Number(readFileSync(path.join(sandbox, 'wanted'), 'utf8'));
  const finished = new Promise<string>((resolve) => {
    const look = (snapshot: Snapshot): void => {
      for (const task of snapshot.tasks) {
        for (const decision of task.decisions) {
          if (decision.status !== 'open' || asked.has(decision.id)) continue;
          asked.add(decision.id);
          say(`asked ${decision.kind} ${task.id} ${decision.question}`);
          session.api.send({ type: 'decide', task_id: task.id, decision_id: decision.id, verdict: 'approve', by: 'human', via: 'cli' }).catch((error: unknown) => say(`error ${messageOf(error)}`));
        }
      }
      say(`tasks ${snapshot.tasks.map((task) => `${task.id}: ${task.state} (${task.why})`).join('; ')}`);
      const failed = snapshot.tasks.find((task) => task.state === 'failed');
      if (failed !== undefined) resolve(`failed ${failed.id}: ${failed.error ?? ''}`);
      // Done and tidied up.
      if (snapshot.tasks.length >= wanted && snapshot.tasks.every((task) => task.state === 'done' && task.worktree === null)) resolve('done');
    };
    session.api.onSnapshot(look);
    say('open');
    session.api
      .send({ type: 'start' })
      .then(() => session.api.snapshot())
      .then(look, (error: unknown) => resolve(`failed ${messageOf(error)}`));
  });
  const end = await finished;
  await session.close();
  say(end);
}

void main();
