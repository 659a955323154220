/** Baton's log is VS Code's own log output channel, with its levels and its file. */
import type { LogOutputChannel } from 'vscode';
import type { Log } from '../engine/ports.ts';

export function createLog(channel: LogOutputChannel): Log {
  return {
    debug: (message) => channel.debug(message),
    info: (message) => channel.info(message),
    warn: (message) => channel.warn(message),
    error: (message, cause) => (cause === undefined ? channel.error(message) : channel.error(message, cause)),
  };
}
