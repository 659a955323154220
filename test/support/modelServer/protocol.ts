/** What a provider's API must do so that the scripted model can speak by it. */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Conversation, Turn } from './scenario.ts';

export type Json = Record<string, unknown>;

export interface Protocol {
  /** Reads the body of a request for a turn. */
  readonly readConversation: (body: Json) => Conversation;
  /** The HTTP error of a turn in the provider's shape. */
  readonly errorBody: (error: NonNullable<Turn['error']>) => unknown;
  /** Writes the answer; for a cut one, only its first half. */
  readonly writeTurn: (response: ServerResponse, turn: Turn, conversation: Conversation, stream: boolean) => Promise<void>;
}

/** Sends server-sent events; a cut answer ends in the middle. `paced` are the events that a turn may spread over time; `named` ones carry their type; `last` ends the stream. */
export async function sendEvents(response: ServerResponse, turn: Turn, events: readonly Json[], paced: (event: Json) => boolean, named = true, last = ''): Promise<void> {
  const sent = turn.cut === true ? events.slice(0, Math.max(3, Math.floor(events.length / 2))) : events;
  for (const event of sent) {
    if (turn.part_delay_ms !== undefined && paced(event)) await new Promise((resolve) => setTimeout(resolve, turn.part_delay_ms));
    response.write(`${named ? `event: ${String(event['type'])}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
  }
  if (turn.cut === true) {
    // What was written must arrive before the connection breaks.
    await new Promise((resolve) => setTimeout(resolve, 50));
    response.destroy();
  } else response.end(last);
}

/** A text in the parts in which it is streamed. */
export function parts(text: string): string[] {
  const size = Math.max(12, Math.ceil(text.length / 40));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

export function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
