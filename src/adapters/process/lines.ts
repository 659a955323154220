/** Text streams read line by line. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A line longer than this (characters) is given in parts, so that a program without line ends cannot fill the memory. */
const LONGEST = 32 * 1024 * 1024;

/** Calls back for every line (without its end) as it comes, the unfinished last one included; resolves at the end of the stream. */
export function eachLine(stream: Readable, onLine: (line: string) => void, longest: number = LONGEST): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    // Only what is new is looked through: one long line comes in thousands of chunks.
    const [more = '', ...next] = decoder.write(chunk).split('\n');
    rest += more;
    for (const begun of next) {
      onLine(rest.endsWith('\r') ? rest.slice(0, -1) : rest);
      rest = begun;
    }
    if (rest.length > longest) {
      onLine(rest);
      rest = '';
    }
  });
  return new Promise((resolve) => {
    // `close` comes after `end` and also when the stream was destroyed before its end.
    stream.once('error', () => stream.destroy());
    stream.once('close', () => {
      rest += decoder.end();
      if (rest !== '') onLine(rest);
      resolve();
    });
  });
}
