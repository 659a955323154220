/**
 * The runner: a process apart from the engine in which one agent runs, so that it goes on when the engine's window is
 * reloaded or its host is killed. It waits for an order from the engine that started it, and ends with its agent.
 */
import { createDrivers } from '../agents/drivers.ts';
import { prepareLaunch } from '../agents/launch.ts';
import { childEnvironment } from '../process/environment.ts';
import { findProgram } from '../process/program.ts';
import { identifyNow } from '../process/table.ts';
import { createRedactor } from '../runs/redact.ts';
import { createClock } from '../system/clock.ts';
import { channelLink } from '../process/link.ts';
import type { FromRunner, ToRunner } from './protocol.ts';
import { RunnerProcess } from './process.ts';

let runner: RunnerProcess | undefined;
// Done while nobody waits for it: the first reading of the environment and of the system's files is the slowest.
const redactor = createRedactor(process.env);
childEnvironment();
identifyNow(process.pid);
void findProgram('sh');
prepareLaunch();

const engine = channelLink<FromRunner, ToRunner>(process, {
  message(message) {
    if (message.type === 'start' && runner === undefined) runner = new RunnerProcess({ start: message, engine, drivers: createDrivers(), redactor, clock: createClock(), exit: () => process.exit(0) });
    else runner?.take(message, engine);
  },
  closed() {
    // Without an order there is nothing to see to.
    if (runner === undefined) process.exit(0);
    runner.lost(engine);
  },
});
// Ctrl-C in a terminal is for the engine, which decides what becomes of the agents.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGTERM', () => {
  if (runner === undefined) process.exit(0);
  runner.stop('The runner of the agent was asked to end.');
});
process.on('uncaughtException', (error) => {
  if (runner === undefined) process.exit(1);
  runner.fail(error);
});
