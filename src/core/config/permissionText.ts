/** Writing a permission rule into a configuration's text: one line more, everything else as its author left it. */
import { isScalar, isSeq, type Node } from 'yaml';
import { BatonError } from '../errors.ts';
import { placeOf, ruleText } from '../permissionGrant.ts';
import { pairOf, YamlText } from '../yamlText.ts';
import type { Environment } from './interpolate.ts';
import { loadConfig } from './load.ts';
import type { PermissionRule } from './schema.ts';

/**
 * The text with the rule among its `permissions`, where it has its effect. Throws `invalid_config` where the text has
 * errors, or is written in a way that leaves no place for the rule.
 */
export function addPermissionRule(text: string, rule: PermissionRule, env: Environment): string {
  const before = loadConfig(text, FILE, env);
  if (!before.valid) throw new BatonError('invalid_config', 'The configuration has errors, so no rule can be added to it.', { hint: 'Put them right first; they are shown on the file.' });
  const index = placeOf(before.config.permissions, rule);
  const result = insert(text, rule, index);
  const after = loadConfig(result, FILE, env);
  const wanted = { ...before.config, permissions: before.config.permissions.toSpliced(index, 0, rule) };
  if (!after.valid || JSON.stringify(sorted(after.config)) !== JSON.stringify(sorted(wanted))) {
    throw new BatonError('invalid_config', `The rule ${ruleText(rule)} could not be added to the configuration as it is written.`, { hint: 'Add it under "permissions" by hand.' });
  }
  return result;
}
const FILE = 'orchestrator.yaml';

function insert(text: string, rule: PermissionRule, index: number): string {
  const yaml = new YamlText(text);
  const pair = pairOf(yaml.document.contents, 'permissions');
  const line = ruleText(rule);
  if (pair === undefined) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}permissions:\n  - ${line}\n`;
  const list = yaml.nodeAt(['permissions']);
  if (isSeq(list) && !list.flow && list.items.length > 0) return intoBlock(text, list.items as Node[], line, index);
  if (isSeq(list) && list.flow) return intoFlow(text, list.range?.[0] ?? 0, list.items as Node[], line, index);
  // `permissions:` with nothing behind it.
  const end = offsetOf(pair.key);
  const colon = text.indexOf(':', end) + 1;
  return `${text.slice(0, colon)}\n  - ${line}${text.slice(colon)}`;
}

/** A line of its own before the item at `index`, or after the last one. */
function intoBlock(text: string, items: readonly Node[], line: string, index: number): string {
  const at = items[index] ?? items.at(-1);
  const start = at?.range?.[0] ?? 0;
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const dash = text.slice(lineStart, start).lastIndexOf('-');
  const indent = ' '.repeat(Math.max(0, dash));
  if (items[index] !== undefined) return `${text.slice(0, lineStart)}${indent}- ${line}\n${text.slice(lineStart)}`;
  const valueEnd = at?.range?.[1] ?? text.length;
  // Behind what else stands on its last line, such as a comment. A block's value may end after its line break.
  const lineEnd = text[valueEnd - 1] === '\n' ? valueEnd - 1 : text.indexOf('\n', valueEnd);
  const cut = lineEnd < 0 ? text.length : lineEnd;
  return `${text.slice(0, cut)}\n${indent}- ${line}${text.slice(cut)}${lineEnd < 0 ? '\n' : ''}`;
}

function intoFlow(text: string, start: number, items: readonly Node[], line: string, index: number): string {
  const at = items[index]?.range?.[0];
  if (at !== undefined) return `${text.slice(0, at)}${line}, ${text.slice(at)}`;
  const last = items.at(-1)?.range?.[1];
  if (last !== undefined) return `${text.slice(0, last)}, ${line}${text.slice(last)}`;
  const open = text.indexOf('[', start) + 1;
  return `${text.slice(0, open)}${line}${text.slice(open)}`;
}

function offsetOf(node: unknown): number {
  return isScalar(node) ? (node.range?.[0] ?? 0) : 0;
}

/** With keys in order, so that two configurations compare. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]));
}
