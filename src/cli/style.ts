/** Colours of the terminal: green runs, yellow waits, red went wrong. The text says the same without them. */
import type { TaskGroup } from '../shared/api.ts';

const CODES = { red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39], magenta: [35, 39], cyan: [36, 39], bold: [1, 22], dim: [2, 22] } as const;
export type Colour = keyof typeof CODES;

export interface Style {
  readonly enabled: boolean;
  paint(colour: Colour, text: string): string;
}

export function createStyle(enabled: boolean): Style {
  return {
    enabled,
    paint: (colour, text) => (enabled && text !== '' ? `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m` : text),
  };
}

/** NO_COLOR (any value, https://no-color.org), a dumb terminal, or no terminal at all: no colours. */
export function wantsColour(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const noColour = env['NO_COLOR'];
  return isTTY && (noColour === undefined || noColour === '') && env['TERM'] !== 'dumb';
}

export function colourOf(group: TaskGroup): Colour {
  return ({ running: 'green', waiting: 'yellow', held: 'yellow', needs_you: 'magenta', done: 'dim', failed: 'red' } as const)[group];
}
