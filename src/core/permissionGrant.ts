/** "Always": the rule that allows exactly what an agent asked for, and nothing besides. */
import type { PermissionRule } from './config/schema.ts';
import type { Decision } from './execution.ts';
import { evaluatePermission, toolClass, type PermissionQuestion } from './permissions.ts';
import { parseShell } from './shellCommand.ts';

/**
 * The rule for a request; undefined where no rule is as narrow as the request: several commands at once, a command with
 * `*` or `?` (which a pattern takes for any text), a tool whose input a rule cannot tell apart.
 */
export function exactRule(question: PermissionQuestion): PermissionRule | undefined {
  const rule = ruleFor(question);
  return rule && evaluatePermission([rule], question).then === 'allow' ? rule : undefined;
}

function ruleFor({ tool, command, paths = [] }: PermissionQuestion): PermissionRule | undefined {
  // A star in a tool's name would stand for others.
  if (tool.includes('*')) return undefined;
  const kind = toolClass(tool);
  if (kind === 'shell') return command === undefined ? undefined : commandRule(tool, command);
  const [path, second] = paths;
  if ((kind !== 'write' && kind !== 'read') || path === undefined || path === '' || second !== undefined) return undefined;
  return { tool, path: path.replaceAll(/[\\*?[\]{}()!+@|]/g, '\\$&'), then: 'allow' };
}

function commandRule(tool: string, command: string): PermissionRule | undefined {
  const { parts, writes, understood } = parseShell(command);
  const [part, second] = parts;
  if (!understood || part === undefined || second !== undefined || writes.length > 0 || /[*?]/.test(part)) return undefined;
  return { tool, pattern: part, then: 'allow' };
}

/** The rule that "always" would make of a permission request; undefined where none is as narrow as the request. */
export function ruleOf(decision: Decision): PermissionRule | undefined {
  const rule = decision.kind === 'permission' ? decision.detail['rule'] : undefined;
  return typeof rule === 'object' && rule !== null ? (rule as PermissionRule) : undefined;
}

/** `{tool: Bash, pattern: npm test, then: allow}`: the rule as it stands in a configuration. */
export function ruleText({ tool, pattern, path, then }: PermissionRule): string {
  const parts = { tool, pattern, path, then };
  return `{${Object.entries(parts).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${scalar(value)}`])).join(', ')}}`;
}

/** What YAML reads as this very text. A variable's mark is doubled, since it is meant literally. */
function scalar(text: string): string {
  const written = text.replaceAll('${', () => '$${');
  // A quoted text of JSON is one of YAML too; line ends of other scripts are not written as they are there.
  return !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text) && /^[A-Za-z][\w./-]*( [\w./=-]+)*$/.test(written) ? written : JSON.stringify(written).replaceAll(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Where among the rules such a rule must stand to have its effect: before the one that asks now. A rule that denies stays before it. */
export function placeOf(rules: readonly PermissionRule[], rule: PermissionRule): number {
  const asking = evaluatePermission(rules, requestOf(rule));
  return asking.then === 'ask' && asking.rule ? rules.indexOf(asking.rule) : rules.length;
}

/** Whether the rules allow already what this rule would allow. */
export function isAllowed(rules: readonly PermissionRule[], rule: PermissionRule): boolean {
  return evaluatePermission(rules, requestOf(rule)).then === 'allow';
}

/** The request that an exact rule was made from. */
function requestOf({ tool, pattern, path }: PermissionRule): PermissionQuestion {
  return { tool, ...(pattern === undefined ? {} : { command: pattern }), ...(path === undefined ? {} : { paths: [path.replaceAll(/\\(.)/gs, '$1')] }) };
}
