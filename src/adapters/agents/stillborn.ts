/** The session of an agent that could not be started. */
import { BatonError } from '../../core/errors.ts';
import type { AgentEnd, AgentSession } from '../../engine/ports.ts';
import { Channel } from './channel.ts';

export function stillborn(end: AgentEnd): AgentSession {
  const gone = (): Promise<never> => Promise.reject(new BatonError('conflict', 'The agent did not start.'));
  const messages = new Channel();
  messages.end(end);
  return { messages, answer: gone, send: gone, kill: () => Promise.resolve() };
}
