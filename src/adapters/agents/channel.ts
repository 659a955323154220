/** A queue between a driver that talks and an engine that listens at its own pace. */
import type { AgentEnd, AgentMessage } from '../../engine/ports.ts';

/** Holds messages until they are read; whatever is said after the `end` is dropped, so there is exactly one. */
export class Channel implements AsyncIterable<AgentMessage> {
  private readonly waiting: AgentMessage[] = [];
  private wake: (() => void) | undefined;
  private ended = false;
  private closed = false;

  get isEnded(): boolean {
    return this.ended;
  }

  push(message: Exclude<AgentMessage, { type: 'end' }>): void {
    if (!this.ended) this.put(message);
  }

  end(end: AgentEnd): void {
    if (this.ended) return;
    this.ended = true;
    this.put({ type: 'end', end });
  }

  /** Ends the reading without an end: nobody is to know any more what becomes of the agent. */
  close(): void {
    this.ended = true;
    this.closed = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AgentMessage> {
    while (!this.closed) {
      const message = this.waiting.shift();
      if (message) {
        yield message;
        if (message.type === 'end') return;
        continue;
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  private put(message: AgentMessage): void {
    this.waiting.push(message);
    this.wake?.();
  }
}
