/** `${VAR}` and `${VAR:-default}` in configured strings; `$${` stands for a literal `${`. */
import { isRecord, type Path } from '../yamlText.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolated {
  readonly value: unknown;
  /** Values that hold something of the environment: they are never shown. */
  readonly touched: readonly Path[];
  /** Variables that are not set and have no default. */
  readonly missing: readonly { readonly path: Path; readonly name: string }[];
  /** `${…}` that names no variable, as it was written. */
  readonly malformed: readonly { readonly path: Path; readonly text: string }[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Commands for a shell see the environment anyway, and `${…}` is the shell's own there. */
function isShellCommand(path: Path): boolean {
  const [section, second, third] = path;
  return (section === 'gates' && third === 'run') || (section === 'worktree' && second === 'setup');
}

/** Replaces variables in every string of a configuration besides commands for a shell; keys stay as they are. */
export function interpolate(value: unknown, env: Environment): Interpolated {
  const touched: Path[] = [];
  const missing: { path: Path; name: string }[] = [];
  const malformed: { path: Path; text: string }[] = [];
  const walk = (one: unknown, path: Path): unknown => {
    if (Array.isArray(one)) return one.map((item, index) => walk(item, [...path, index]));
    if (isRecord(one)) return Object.fromEntries(Object.entries(one).map(([key, item]) => [key, walk(item, [...path, key])]));
    if (typeof one !== 'string' || !one.includes('${') || isShellCommand(path)) return one;
    const result = expand(one, env);
    if (result.used) touched.push(path);
    for (const name of result.missing) missing.push({ path, name });
    for (const text of result.malformed) malformed.push({ path, text });
    return result.text;
  };
  return { value: walk(value, []), touched, missing, malformed };
}

interface Expansion {
  text: string;
  used: boolean;
  missing: string[];
  malformed: string[];
}

/** Replaces the variables of one string; what cannot be replaced stays as it was written. Values are not read again. */
export function expand(source: string, env: Environment): Expansion {
  const result: Expansion = { text: '', used: false, missing: [], malformed: [] };
  let rest = source;
  for (let start = rest.indexOf('${'); start >= 0; start = rest.indexOf('${')) {
    if (rest[start - 1] === '$') {
      result.text += `${rest.slice(0, start - 1)}\${`;
      rest = rest.slice(start + 2);
      continue;
    }
    result.text += rest.slice(0, start);
    const end = closingBrace(rest, start + 2);
    const whole = rest.slice(start, end + 1);
    rest = rest.slice(end + 1);
    result.text += reference(whole, env, result);
  }
  result.text += rest;
  return result;
}

/** The value of one `${…}`, or its own text when it has none; notes what it found. */
function reference(whole: string, env: Environment, result: Expansion): string {
  const inner = whole.slice(2, -1);
  const divider = inner.indexOf(':-');
  const name = divider < 0 ? inner : inner.slice(0, divider);
  if (!whole.endsWith('}') || !NAME.test(name)) {
    result.malformed.push(whole);
    return whole;
  }
  const value = env[name];
  // As in a shell, ":-" stands in for an empty variable too.
  if (value !== undefined && (divider < 0 || value !== '')) {
    result.used = true;
    return value;
  }
  if (divider < 0) {
    result.missing.push(name);
    return whole;
  }
  const fallback = expand(inner.slice(divider + 2), env);
  result.used = true;
  result.missing.push(...fallback.missing);
  result.malformed.push(...fallback.malformed);
  return fallback.text;
}

/** Index of the brace that closes the one before `from`; the text's end when none does. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text.startsWith('${', index)) {
      depth += 1;
      index += 1;
    } else if (text[index] === '}') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return text.length;
}
