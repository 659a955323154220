/** The rules of quality gates: how big a change is, which gates run for it, and what a round of results means. */
import picomatch from 'picomatch';
import type { GateConfig } from './config/schema.ts';
import type { GateCheck, GateRound } from './execution.ts';
import { trimOutput } from './output.ts';
import type { Complexity } from './task.ts';

/** One changed file as the rules see it; counts are lines, null for binary files. */
export interface ChangedFile {
  readonly path: string;
  readonly from?: string | undefined;
  readonly added: number | null;
  readonly removed: number | null;
  /** Only white space and blank lines differ. */
  readonly whitespace_only?: boolean | undefined;
}

const DOCS = /(^|\/)(docs?|documentation)\/|\.(md|mdx|markdown|rst|adoc|asciidoc|txt)$|(^|\/)(LICEN[CS]E|COPYING|NOTICE|AUTHORS|CHANGELOG|CONTRIBUTING)(\.[^/]*)?$/i;
/** Files that look like text but steer builds and checks. */
const NOT_DOCS = /(^|\/)(requirements[^/]*|constraints[^/]*|robots|CMakeLists|runtime)\.txt$|(^|\/)docs?\/.*\.(ts|tsx|js|jsx|mjs|cjs|py|rb|go|rs|java|json|ya?ml|toml)$/i;

export function isDocumentation(path: string): boolean {
  return DOCS.test(path) && !NOT_DOCS.test(path);
}

/**
 * How big a change is. trivial: only documentation or white space; small: fewer than 3 files and 50 lines; medium: fewer
 * than 10 files and 400 lines; else large. Lines are added plus removed; a binary file counts as 50.
 */
export function changeSize(changes: readonly ChangedFile[]): Complexity {
  const light = (change: ChangedFile): boolean => change.whitespace_only === true || (isDocumentation(change.path) && isDocumentation(change.from ?? change.path));
  if (changes.every(light)) return 'trivial';
  const lines = changes.reduce((sum, change) => sum + (change.added === null || change.removed === null ? 50 : change.added + change.removed), 0);
  if (changes.length < 3 && lines < 50) return 'small';
  return changes.length < 10 && lines < 400 ? 'medium' : 'large';
}

export interface GateSelection {
  readonly changes: readonly ChangedFile[];
  readonly size: Complexity;
  readonly area: string;
  /** `gates` of the task: names that run for it; all when absent. */
  readonly names?: readonly string[] | undefined;
}

export interface SelectedGates {
  readonly run: GateConfig[];
  readonly skipped: { readonly gate: GateConfig; readonly why: string }[];
  /** Names that the task asks for and no gate has. */
  readonly unknown: string[];
}

/** Whether it depends on the files of a change which of these gates run for it. */
export function dependOnFiles(gates: readonly GateConfig[]): boolean {
  return gates.some(({ when }) => when?.size !== undefined || when?.paths !== undefined);
}

/** Which gates run for a change. Every condition of `when` that is given must hold; within one, any value. */
export function selectGates(gates: readonly GateConfig[], selection: GateSelection): SelectedGates {
  const run: GateConfig[] = [];
  const skipped: { gate: GateConfig; why: string }[] = [];
  for (const gate of gates) {
    const why = whySkipped(gate, selection);
    if (why === undefined) run.push(gate);
    else skipped.push({ gate, why });
  }
  const unknown = (selection.names ?? []).filter((name) => !gates.some((gate) => gate.name === name));
  return { run, skipped, unknown };
}

function whySkipped(gate: GateConfig, { changes, size, area, names }: GateSelection): string | undefined {
  if (names !== undefined && !names.includes(gate.name)) return 'the task does not ask for it';
  const when = gate.when;
  if (when?.size && !when.size.includes(size)) return `the change is ${size}, the gate runs for ${when.size.join(', ')}`;
  if (when?.area && !when.area.includes(area)) return `the area is ${area}, the gate runs for ${when.area.join(', ')}`;
  if (when?.paths) {
    const matches = picomatch(when.paths, { dot: true });
    const touched = changes.some((change) => matches(change.path) || (change.from !== undefined && matches(change.from)));
    if (!touched) return `no changed file matches ${when.paths.join(', ')}`;
  }
  return undefined;
}

/** A check that did not run, so that a round shows every gate. */
export function skippedCheck(gate: GateConfig, why: string, treeSha: string): GateCheck {
  return { name: gate.name, status: 'skipped', required: gate.required, command: gate.run, exit_code: null, seconds: 0, message: `Skipped: ${why}.`, details: '', log: null, tree_sha: treeSha };
}

/** What one command's end means for its gate. A failed gate that is not required is a warning. */
export function gateCheck(
  gate: GateConfig,
  result: { readonly exit_code: number | null; readonly timed_out: boolean; readonly seconds: number; readonly tail: string },
  log: string | null,
  treeSha: string,
): GateCheck {
  const ok = result.exit_code === 0 && !result.timed_out;
  const status = ok ? 'passed' : gate.required ? 'failed' : 'warning';
  const seconds = Math.round(result.seconds * 1000) / 1000;
  return {
    ...{ name: gate.name, status, required: gate.required, command: gate.run, exit_code: result.exit_code, seconds },
    message: ok ? `Passed in ${shortSeconds(seconds)}.` : failureMessage(gate, result),
    details: ok ? '' : trimOutput(result.tail),
    log,
    tree_sha: treeSha,
  };
}

function failureMessage(gate: GateConfig, result: { readonly exit_code: number | null; readonly timed_out: boolean; readonly seconds: number }): string {
  if (result.timed_out) return `Ended after its time limit of ${shortSeconds(gate.timeout)}.`;
  // The shell's own codes for a program that is not there or may not run.
  if (result.exit_code === 127 || result.exit_code === 9009) return 'The command was not found: install it, or correct the gate in the configuration.';
  if (result.exit_code === 126) return 'The command may not be executed: make it executable, or correct the gate in the configuration.';
  if (result.exit_code === null) return 'The command was ended from outside.';
  return `Failed with exit code ${result.exit_code} after ${shortSeconds(result.seconds)}.`;
}

/** A failure that the base has too and that a human chose to ignore: a warning, so that the merge still asks. */
export function toleratedCheck(check: GateCheck): GateCheck {
  return check.status === 'failed' ? { ...check, status: 'warning', message: `${check.message} It fails on the base too and is ignored by decision.` } : check;
}

/**
 * `passed`: no required gate failed. `can_merge`: passed, at least one gate really ran, and there is no warning besides
 * the failures of gates that are not required (their author said that these do not block), unless warnings are allowed.
 */
export function judgeRound(checks: readonly GateCheck[], rules: { readonly allow_warnings: boolean }): { passed: boolean; can_merge: boolean } {
  const passed = checks.every((check) => check.status !== 'failed');
  const ran = checks.some((check) => check.status !== 'skipped');
  const warnings = checks.some((check) => check.status === 'warning' && check.required);
  return { passed, can_merge: passed && ran && (!warnings || rules.allow_warnings) };
}

/** True when a round says nothing about this tree on this base any more. */
export function isStale(round: Pick<GateRound, 'tree_sha' | 'base_sha' | 'checks'>, now: { readonly tree_sha: string; readonly base_sha: string }): boolean {
  return round.tree_sha !== now.tree_sha || round.base_sha !== now.base_sha || round.checks.some((check) => check.tree_sha !== now.tree_sha);
}

export function shortSeconds(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
