/** A line between an engine and a process of Baton's own (a runner): Node's channel between parent and child, or a socket. */
import type { ChildProcess, Serializable } from 'node:child_process';
import type { Socket } from 'node:net';
import { lineChannel } from '../leader/framing.ts';

export interface Link<Out> {
  send(message: Out): void;
  /** Sends what was said, then ends. Resolves when it has ended, or cannot. */
  close(): Promise<void>;
}

export interface LinkHandlers<In> {
  message(message: In): void;
  /** Once, however it ended. */
  closed(): void;
}

/** Bytes of one message: a tool's output may be long. */
const LIMIT = 256 * 1024 * 1024;

/** `process` in a child, or the child in its parent. */
export function channelLink<Out, In>(end: ChildProcess | NodeJS.Process, handlers: LinkHandlers<In>): Link<Out> {
  let closed = false;
  let sending = 0;
  let idle: (() => void) | undefined;
  const over = (): void => {
    if (closed) return;
    closed = true;
    idle?.();
    handlers.closed();
  };
  end.on('message', (message) => handlers.message(message as In));
  end.once('disconnect', over);
  return {
    send(message) {
      if (closed || !end.connected) return;
      sending += 1;
      // The callback instead of an error event: a line that has broken says so by its end.
      end.send?.(message as Serializable, undefined, undefined, () => {
        sending -= 1;
        if (sending === 0) idle?.();
      });
    },
    async close() {
      if (sending > 0 && !closed) await new Promise<void>((resolve) => (idle = resolve));
      if (end.connected) end.disconnect();
    },
  };
}

export function socketLink<Out, In>(socket: Socket, handlers: LinkHandlers<In>): Link<Out> {
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const channel = lineChannel(socket, { message: (message) => handlers.message(message as In), closed: () => handlers.closed(), limit: () => LIMIT });
  return {
    send: (message) => void channel.write(message),
    close: () => {
      channel.end();
      return ended;
    },
  };
}
