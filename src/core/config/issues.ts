/** What zod found, in words that name the key and what to do. */
import type * as z from 'zod';
import { closest } from '../suggest.ts';
import { dotted, type Path } from '../yamlText.ts';

export type Issue = z.core.$ZodIssue;
/** One finding: the path it is about and whether it is about the key itself (unknown) or its value. */
export interface Finding {
  readonly path: Path;
  readonly about: 'key' | 'value';
  readonly message: string;
}

/**
 * Findings of an issue. A union's issue is told by the branch that came closest.
 * @param keysAt the keys that the schema knows at a path, for suggestions
 * @param valueAt the value that was validated at a path
 * @param secret true for values that must not be shown
 */
export function findingsOf(issue: Issue, valueAt: (path: Path) => unknown, keysAt: (path: Path) => readonly string[], secret: (path: Path) => boolean): Finding[] {
  const path = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const value = valueAt(path);
  const name = dotted(path);
  const finding = (text: string): Finding[] => [{ path, about: 'value', message: name === '' ? text : `${name} ${text}` }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const meant = closest(key, keysAt(path));
        const whole = [...path, key];
        return { path: whole, about: 'key', message: `${dotted(whole)} is no key that Baton knows${meant === undefined ? '' : `; did you mean "${meant}"?`}` };
      });
    case 'invalid_type':
      if (value === undefined) return finding('is missing');
      return finding(`must be ${TYPE_NAMES[issue.expected] ?? issue.expected}, not ${typeName(value)}`);
    case 'invalid_value': {
      const options = issue.values.map(String);
      const meant = typeof value === 'string' && !secret(path) ? closest(value, options) : undefined;
      if (value === undefined) return finding(`is missing: one of ${options.join(', ')}`);
      return finding(`must be one of ${options.join(', ')}${meant === undefined ? '' : `; did you mean "${meant}"?`}`);
    }
    case 'too_small':
      if (issue.origin === 'string') return finding('must not be empty');
      if (issue.origin === 'array') return finding(`must have at least ${issue.minimum} entries`);
      return finding(`must be ${issue.inclusive === true ? 'at least' : 'more than'} ${issue.minimum}`);
    case 'too_big':
      return finding(`must be ${issue.inclusive === true ? 'at most' : 'less than'} ${issue.maximum}`);
    case 'invalid_union': {
      const branch = closestBranch(issue.errors, value);
      if (!branch) return finding(issue.message);
      return branch.flatMap((inner) => findingsOf({ ...inner, path: [...issue.path, ...inner.path] }, valueAt, keysAt, secret));
    }
    case 'invalid_key':
      return issue.issues.flatMap((inner) => findingsOf({ ...inner, path: issue.path }, () => path.at(-1), keysAt, secret)).map((one) => ({ ...one, about: 'key' }));
    default:
      return finding(issue.message);
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
};

function typeName(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return TYPE_NAMES[typeof value] ?? typeof value;
}

/** Of a union's branches the one for the kind of value that was given: for a list the list's, for a word the words'. */
function closestBranch(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const fails = (branch: readonly Issue[], code: Issue['code']): boolean => branch.some((issue) => issue.path.length === 0 && issue.code === code);
  const rightKind = branches.filter((branch) => !fails(branch, 'invalid_type'));
  return rightKind.find((branch) => !fails(branch, 'invalid_value')) ?? (Array.isArray(value) ? undefined : (rightKind[0] ?? branches[0]));
}
