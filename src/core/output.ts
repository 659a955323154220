/** Makes the output of a command short enough to read, for people and for models. */

const ERROR_LINE = /\b(error|errors|fail|failed|failure|failures|fatal|exception|panic|panicked|assert|assertion|traceback|undefined|cannot|not found)\b|^\s*(✗|✘|×|✖|E {2,})|^\s*not ok\b|:\d+:\d+/i;
// ESC and CSI: built from its code so that no control character stands in the source.
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[ -/]*[@-~]`, 'g');

/**
 * Shortens the output of a command for a prompt or a view: its head, its end (where most tools sum up) and the lines
 * between that name errors. Colours and progress that overwrites itself are dropped. Says what is left out. `max` is in
 * characters.
 */
export function trimOutput(output: string, max = 6000): string {
  const text = plainText(output);
  if (text.length <= max) return text;
  const lines = text.split('\n').map((line) => (line.length > 400 ? `${line.slice(0, 300)} … ${line.slice(-80)}` : line));
  const keep = new Set<number>();
  let left = max - 80;
  const take = (index: number, share: number): boolean => {
    const cost = (lines[index]?.length ?? 0) + 1;
    if (keep.has(index)) return true;
    if (cost > share || cost > left) return false;
    keep.add(index);
    left -= cost;
    return true;
  };
  const spend = (indices: Iterable<number>, budget: number): void => {
    const floor = left - budget;
    for (const index of indices) if (!take(index, left - floor)) break;
  };
  spend(lines.keys(), max * 0.15);
  spend(range(lines.length - 1, -1), max * 0.5);
  spend([...lines.keys()].filter((index) => ERROR_LINE.test(lines[index] ?? '')), left);
  const shown: string[] = [];
  let last = -1;
  for (const index of [...keep].sort((a, b) => a - b)) {
    if (index > last + 1) shown.push(gap(index - last - 1));
    shown.push(lines[index] ?? '');
    last = index;
  }
  if (last < lines.length - 1) shown.push(gap(lines.length - 1 - last));
  return shown.join('\n');
}

/** Text as a person would have seen it: no escape sequences, no overwritten progress lines. */
export function plainText(output: string): string {
  return output
    .replace(ESCAPES, '')
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.slice(line.replace(/\r+$/, '').lastIndexOf('\r') + 1).trimEnd())
    .join('\n')
    .trim();
}

function gap(count: number): string {
  return `… ${count} line${count === 1 ? '' : 's'} left out …`;
}

function* range(from: number, step: -1): Generator<number> {
  for (let index = from; index >= 0; index += step) yield index;
}
