/** What came of an attempt of an ACP agent: how its last turn stopped, or the error that the protocol gave. */
import { extractJson } from '../../../core/extractJson.ts';
import { messageOf } from '../../../core/errors.ts';
import type { AgentEnd } from '../../../engine/ports.ts';
import type { Exit } from '../../process/spawn.ts';
import { kindOfStatus } from '../httpStatus.ts';
import { object, string, type Json } from '../json.ts';
import { METHOD_NOT_FOUND, RpcError } from '../rpc.ts';

export type AgentError = NonNullable<AgentEnd['error']>;

export interface Evidence {
  /** Why the last turn stopped (`end_turn`, `cancelled`, `refusal` …). */
  stopReason?: string;
  /** The last block of text that the agent said. */
  said: string;
  fatal?: AgentError;
  killed?: string;
  started?: boolean;
}

const AUTHENTICATION_REQUIRED = -32000;

export function endOf(evidence: Evidence, exit: Exit, stderr: string, wantsJson: boolean): AgentEnd {
  const structured = wantsJson ? extractJson(evidence.said) : undefined;
  const base = { result: evidence.said, exit_code: exit.code, ...(structured === undefined ? {} : { structured }) };
  const interrupted = evidence.killed === undefined ? undefined : { kind: 'interrupted', message: evidence.killed };
  const error = evidence.fatal ?? interrupted ?? (evidence.stopReason === undefined ? errorOfExit(evidence, exit, stderr) : errorOfStop(evidence.stopReason));
  return error ? { ...base, ok: false, error } : { ...base, ok: true };
}

function errorOfStop(reason: string): AgentError | undefined {
  switch (reason) {
    case 'end_turn':
      return undefined;
    case 'max_turn_requests':
      return { kind: 'max_turns', message: 'The agent reached its maximum number of turns.' };
    case 'max_tokens':
      return { kind: 'unknown', message: 'The agent’s answer was cut off: it reached the model’s longest answer.' };
    case 'refusal':
      return { kind: 'unknown', message: 'The model refused to go on.' };
    case 'cancelled':
      return { kind: 'interrupted', message: 'The agent broke off its turn.' };
    default:
      return { kind: 'unknown', message: `The agent stopped: ${reason}.` };
  }
}

/** The error of a request of the protocol. There is no standard for what providers say; the words are the classifier's last resort. */
export function errorOf(error: unknown, signIn: string): AgentError {
  const message = messageOf(error);
  if (!(error instanceof RpcError)) return { kind: 'unknown', message };
  const data = object(error.data);
  const said = string(data['details']) ?? message;
  if (error.code === AUTHENTICATION_REQUIRED) return { kind: 'authentication', message: `${said} ${signIn}`.trim() };
  // Gemini gives the provider's status as the code.
  if (error.code >= 400 && error.code < 600) {
    const kind = kindOfStatus(error.code);
    return { kind, message: kind === 'authentication' ? `${said} ${signIn}`.trim() : said, status: error.code };
  }
  const kind = string(data['errorKind']) ?? infoOf(data);
  return { kind: kind ?? (error.code === METHOD_NOT_FOUND ? 'unsupported' : 'unknown'), message: said };
}

function infoOf(data: Json): string | undefined {
  const info = data['codexErrorInfo'];
  return typeof info === 'string' ? info : Object.keys(object(info))[0];
}

function errorOfExit({ started }: Evidence, exit: Exit, stderr: string): AgentError {
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `exited with code ${exit.code}`;
  const said = stderr === '' ? '.' : `:\n${stderr}`;
  return { kind: exit.code !== null && started !== true ? 'unknown' : 'crashed', message: `The agent ${how} before its turn was complete${said}` };
}
