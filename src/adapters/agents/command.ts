/** The `command` driver: any program that edits the worktree. Prompt on stdin, exit code 0 is success. */
import { BatonError } from '../../core/errors.ts';
import type { AgentDriver, AgentEnd, AgentRequest, AgentSession } from '../../engine/ports.ts';
import type { Exit, Spawned } from '../process/spawn.ts';
import { extractJson } from '../../core/extractJson.ts';
import { Channel } from './channel.ts';
import { follow } from './follow.ts';
import { failure, launch } from './launch.ts';

/** How much of the output (characters) is kept for the result; the transcript has all of it. */
const KEPT = 256 * 1024;
/** Lines of stdout that explain a failure where stderr is silent. */
const EXPLAINING = 20;

export function createCommandDriver(): AgentDriver {
  return { kind: 'command', start: startCommand };
}

async function startCommand(request: AgentRequest): Promise<AgentSession> {
  const channel = new Channel();
  const { command } = request.agent;
  const launched = command === undefined ? { failed: failure('not_found', 'The agent names no program. Give it a `command`.') } : await launch(request, command, []);
  if ('failed' in launched) {
    channel.end(launched.failed);
    return session(channel, () => Promise.resolve());
  }
  const { spawned } = launched;
  channel.push({ type: 'started', session_id: null, model: request.model, process: spawned.identity });
  let killed: string | undefined;
  void attend(request, spawned, channel, () => killed);
  spawned.child.stdin.end(request.prompt);
  return session(channel, async (reason) => {
    if (!channel.isEnded) killed ??= reason;
    await spawned.killTree();
  });
}

function session(channel: Channel, kill: (reason: string) => Promise<void>): AgentSession {
  const cannot = (what: string): Promise<never> => Promise.reject(new BatonError('unsupported', `A command agent ${what}.`));
  return { messages: channel, answer: () => cannot('asks nothing'), send: () => cannot('takes no messages while it runs'), kill };
}

async function attend(request: AgentRequest, spawned: Spawned, channel: Channel, killed: () => string | undefined): Promise<void> {
  let stdout = '';
  const { exit, stderr } = await follow(spawned, channel, (line) => {
    if (line.trim() !== '') channel.push({ type: 'text', text: line });
    stdout = (stdout + line + '\n').slice(-KEPT);
  });
  channel.end(endOf(request, exit, stdout.trim(), stderr, killed()));
}

function endOf(request: AgentRequest, exit: Exit, stdout: string, stderr: string, killed: string | undefined): AgentEnd {
  const structured = request.output_schema ? extractJson(stdout) : undefined;
  const base = { result: stdout, exit_code: exit.code, ...(structured === undefined ? {} : { structured }) };
  if (killed !== undefined) return { ...base, ok: false, error: { kind: 'interrupted', message: killed } };
  if (exit.code === 0) return { ...base, ok: true };
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
  const said = stderr || lastLines(stdout);
  return { ...base, ok: false, error: { kind: exit.code === null ? 'crashed' : 'unknown', message: `The agent's program ${how}${said === '' ? '.' : `:\n${said}`}` } };
}

function lastLines(text: string): string {
  return text.split('\n').slice(-EXPLAINING).join('\n');
}
