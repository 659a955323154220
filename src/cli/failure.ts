/** Errors as the command line says them: one line for people, one document for programs. */
import { CommanderError } from 'commander';
import { BatonError, messageOf } from '../core/errors.ts';
import type { ErrorDocument } from './json.ts';
import { plain } from './text.ts';

export interface CliFailure {
  /** Without the leading `baton: `. */
  readonly line: string;
  readonly document: ErrorDocument;
  /** The command line itself was wrong. */
  readonly usage: boolean;
}

/**
 * What happened, why and what to do, on one line; a place in a file comes first, as compilers say it.
 * @param command the command that was used wrongly; its help says more
 */
export function describeError(error: unknown, env: Readonly<Record<string, string | undefined>>, command = 'baton'): CliFailure {
  if (error instanceof CommanderError) {
    const message = plain(error.message.replace(/^error: /, '').replace(/\n/g, ' '));
    const sentence = sentenceOf(message);
    return {
      line: `${sentence} See "${command} --help".`,
      document: { error: { kind: 'usage', message: sentence } },
      usage: true,
    };
  }
  if (error instanceof BatonError) {
    const { location } = error;
    const place = location ? `${plain(location.file)}:${location.line}:${location.column}: ` : '';
    const message = sentenceOf(plain(error.message));
    const said = error.hint === undefined ? message : `${message} ${sentenceOf(plain(error.hint))}`;
    return {
      line: place + said,
      document: { error: { kind: error.kind, message: said, ...(location ? { file: location.file, line: location.line } : {}) } },
      usage: error.kind === 'usage',
    };
  }
  const message = plain(messageOf(error));
  const trace = env['BATON_DEBUG'] !== undefined && error instanceof Error ? ` ${plain(error.stack ?? '')}` : '';
  return {
    line: `Something unexpected failed: ${sentenceOf(message)} Run it again with BATON_DEBUG=1 to see where, and report that.${trace}`,
    document: { error: { kind: 'internal', message } },
    usage: false,
  };
}

function sentenceOf(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?)]$/.test(first) ? first : `${first}.`;
}
