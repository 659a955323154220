/** Runners that are the engine's own process: what a real one does, for agents that are functions of a test. */
import { Channel } from '../../src/adapters/agents/channel.ts';
import { Attendant } from '../../src/adapters/runner/attendant.ts';
import { createRedactor } from '../../src/adapters/runs/redact.ts';
import { Transcript } from '../../src/adapters/runs/transcript.ts';
import type { AgentConfig } from '../../src/core/config/schema.ts';
import type { AgentDriver, AttemptOrder, AttendedSession, Clock, Runners } from '../../src/engine/ports.ts';

export function createLocalRunners(driver: (kind: AgentConfig['driver']) => AgentDriver | undefined, clock: Clock): Runners {
  const start = (order: AttemptOrder): Promise<AttendedSession> => {
    const messages = new Channel();
    const onError = (_file: string, error: unknown): void => {
      throw error;
    };
    const transcript = new Transcript({ directory: order.directory, redactor: createRedactor({}), now: () => clock.now(), onError });
    const attendant = new Attendant(driver(order.request.agent.driver), order, {
      clock,
      write: (entry) => transcript.append(entry),
      hear: (message) => (message.type === 'end' ? messages.end(message.end) : messages.push(message)),
    });
    void attendant.over.then(() => transcript.close());
    return Promise.resolve({
      messages,
      answer: (id, answer, by) => attendant.answer(id, answer, by),
      send: (text) => attendant.send(text),
      kill: (reason) => attendant.kill(reason),
    });
  };
  return {
    warm: () => undefined,
    keep: () => undefined,
    take: () => Promise.resolve({ record: null, start, release: () => undefined }),
    adopt: () => Promise.resolve(undefined),
    close: () => undefined,
  };
}
