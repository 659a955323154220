/**
 * One JSON document a line over a stream, in both directions. JSON never holds a raw line break, so this needs no length prefix, and unlike
 * the JSON-RPC libraries at hand it bounds what an unknown peer can make us hold in memory.
 */
import type { Socket } from 'node:net';

export interface LineChannel {
  /** Returns false when the peer reads more slowly than we write; `onDrain` tells when it has caught up. */
  write(message: unknown): boolean;
  onDrain(listener: () => void): void;
  /** Sends what was written, then ends; what comes in meanwhile is not read any more. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
}

export interface LineHandlers {
  message(message: unknown): void;
  /** Once, however it ended; `error` when the peer broke the rules or the line. */
  closed(error: Error | undefined): void;
  /** Bytes that one line may have; asked for each piece, as a peer that is not yet known gets less. */
  limit(): number;
}

export function lineChannel(socket: Socket, handlers: LineHandlers): LineChannel {
  let pieces: Buffer[] = [];
  let size = 0;
  let failure: Error | undefined;
  let ending = false;

  const fail = (message: string): void => {
    failure = new Error(message);
    socket.destroy();
  };
  const take = (line: Buffer): boolean => {
    let message: unknown;
    try {
      message = JSON.parse(line.toString('utf8'));
    } catch {
      fail('a line is no JSON');
      return false;
    }
    handlers.message(message);
    return !ending && !socket.destroyed;
  };
  const receive = (chunk: Buffer): void => {
    if (ending) return;
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      if (size + end > handlers.limit()) {
        fail('a message is too large');
        return;
      }
      const line = Buffer.concat([...pieces, rest.subarray(0, end)]);
      rest = rest.subarray(end + 1);
      pieces = [];
      size = 0;
      if (!take(line)) return;
    }
    size += rest.length;
    if (size > handlers.limit()) fail('a message is too large');
    else if (rest.length > 0) pieces.push(rest);
  };

  socket.on('data', receive);
  socket.on('error', (error) => (failure ??= error));
  socket.on('close', () => handlers.closed(failure));
  return {
    write: (message) => socket.destroyed || socket.write(`${JSON.stringify(message)}\n`),
    onDrain: (listener) => void socket.on('drain', listener),
    end: () => {
      ending = true;
      socket.destroySoon();
    },
    destroy: () => void socket.destroy(),
  };
}
