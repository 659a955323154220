/** Reads a configuration: YAML text in, a complete configuration and located findings out. */
import type { Problem } from '../errors.ts';
import { closest } from '../suggest.ts';
import { dotted, isRecord, YamlText, type Path, type Position } from '../yamlText.ts';
import { Edits } from './edits.ts';
import { interpolate, type Environment } from './interpolate.ts';
import { findingsOf, type Finding } from './issues.ts';
import { knownKeys, orchestratorJsonSchema, type JsonSchema } from './jsonSchema.ts';
import { turnOff } from './missing.ts';
import { configSchema, defaultConfig, type Config } from './schema.ts';

export interface LoadedConfig {
  /**
   * When `valid`, what the text says. Else what of it could be kept (defaults for the rest): a caller that has an earlier
   * valid configuration stays with that one.
   */
  readonly config: Config;
  /** Sorted by place. A missing variable is an error that leaves the configuration valid: it turns off only what needs it. */
  readonly problems: readonly Problem[];
  readonly valid: boolean;
}

/** Agents that are found without configuration, so that naming one is no mistake. */
const FOUND_BY_THEMSELVES = ['claude', 'codex', 'gemini', 'opencode', 'copilot'];
/** Parts that decide what may land without a human: where one of them was unreadable, a human decides. */
const GUARDS: ReadonlySet<unknown> = new Set(['gates', 'merge', 'permissions', 'approval', 'budget']);

/**
 * @param file how the file is named in problems
 * @param env the environment for `${VAR}`
 */
export function loadConfig(text: string, file: string, env: Environment): LoadedConfig {
  const yaml = new YamlText(text);
  const problems: Problem[] = [];
  const report = (severity: Problem['severity'], { line, column }: Position, message: string): void => {
    problems.push({ file, line, column, severity, source: 'config', message });
  };
  const finish = (config: Config, valid: boolean): LoadedConfig => ({
    config,
    valid,
    problems: problems.sort((a, b) => a.line - b.line || a.column - b.column),
  });

  for (const error of yaml.errors) report('error', error, error.message);
  if (yaml.errors.length > 0) return finish(defaultConfig(), false);
  if (yaml.value === undefined) return finish(defaultConfig(), true);
  if (!isRecord(yaml.value)) {
    report('error', yaml.at([]), 'A configuration is a group of keys, such as "orchestrator:".');
    return finish(defaultConfig(), false);
  }

  const given = interpolate(yaml.value, env);
  const edits = new Edits(given.value);
  for (const { path, text: reference } of given.malformed) {
    report('error', yaml.at(path), `${dotted(path)}: ${reference} names no variable; write $\${ for a literal \${`);
  }
  for (const { path, name } of given.missing) {
    report('error', yaml.at(path), `${dotted(path)} needs the environment variable ${name}, which is not set: ${turnOff(edits, path)}. Set it, or give a default with \${${name}:-…}`);
  }

  const secrets = new Set(given.touched.map(dotted));
  const outcome = validate(edits, secrets);
  for (const { path, about, message } of outcome.findings) report('error', about === 'key' ? yaml.keyAt(path) : yaml.at(path), message);
  checkReferences(outcome.config, (path, severity, message) => report(severity, yaml.at(path), message));
  return finish(outcome.config, outcome.findings.length === 0);
}

/**
 * Validates and, where something is wrong, leaves that out and goes on, so that one mistake hides no other and the rest
 * keeps its meaning.
 */
function validate(edits: Edits, secrets: ReadonlySet<string>): { config: Config; findings: Finding[] } {
  const findings: Finding[] = [];
  let schema: JsonSchema | undefined;
  let guarded = true;
  // Each round repairs or leaves out at least one place, so this ends; the bound only guards against a mistake in that.
  for (let round = 0; round < 1000; round += 1) {
    const value = edits.result();
    const parsed = configSchema.safeParse(value);
    if (parsed.success) {
      return { config: guarded ? parsed.data : { ...parsed.data, merge: { ...parsed.data.merge, policy: 'review' } }, findings };
    }
    schema ??= orchestratorJsonSchema();
    const known = schema;
    for (const issue of parsed.error.issues) {
      const valueAt = (path: Path): unknown => edits.get(edits.sourcePath(path));
      for (const found of findingsOf(issue, valueAt, (path) => knownKeys(known, path), (path) => secrets.has(dotted(edits.sourcePath(path))))) {
        const path = edits.sourcePath(found.path);
        if (edits.isRemoved(path) || (found.about === 'value' && repair(edits, path, secrets))) continue;
        findings.push({ ...found, path });
        if (GUARDS.has(path[0])) guarded = false;
        leaveOut(edits, path);
      }
    }
  }
  return { config: defaultConfig(), findings };
}

/** Mends what only looks wrong: an empty key is an absent one, and a figure from the environment arrives as text. */
function repair(edits: Edits, path: Path, secrets: ReadonlySet<string>): boolean {
  const value = edits.get(path);
  if (value === null && typeof path.at(-1) === 'string') {
    edits.remove(path);
    return true;
  }
  if (typeof value !== 'string' || !secrets.has(dotted(path))) return false;
  const scalar = value === 'true' || value === 'false' ? value === 'true' : value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(scalar) || edits.isReplaced(path)) return false;
  edits.replace(path, scalar);
  return true;
}

/** Leaves out a wrong value; where a required key is missing or an entry of a list is wrong, the whole entry. */
function leaveOut(edits: Edits, path: Path): void {
  const exists = edits.get(path) !== undefined;
  const whole = exists ? path : path.slice(0, -1);
  const required = REQUIRED.find((pattern) => pattern.length === path.length && pattern.every((key, index) => key === '*' || key === path[index]));
  edits.remove(required ? path.slice(0, 2) : whole);
}

/** Keys without which their entry means nothing. */
const REQUIRED: readonly (readonly string[])[] = [
  ['agents', '*', 'driver'],
  ['gates', '*', 'name'],
  ['gates', '*', 'run'],
  ['routing', '*', 'use'],
  ['permissions', '*', 'then'],
  ['permissions', '*', 'tool'],
  ['permissions', '*', 'pattern'],
  ['permissions', '*', 'path'],
];

/** What the schema cannot see: names that refer to nothing, and a store without its address. */
function checkReferences(config: Config, report: (path: Path, severity: Problem['severity'], message: string) => void): void {
  const names = [...Object.keys(config.agents), ...FOUND_BY_THEMSELVES];
  const check = (path: Path, name: string): void => {
    if (names.includes(name)) return;
    const meant = closest(name, names);
    report(path, 'warning', `${dotted(path)}: no agent is named "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`);
  };
  for (const [role, name] of Object.entries(config.roles)) check(['roles', role], name);
  for (const [index, rule] of config.routing.entries()) check(['routing', index, 'use'], rule.use);
  if (config.store.kind === 'postgres' && config.store.url === undefined) {
    report(['store'], 'error', 'store.url is missing: a postgres store needs the address of its database.');
  }
}
