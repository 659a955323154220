/** What to look at first in a change, and why: by the risk of a file, not by its name. */
import type { Finding } from './findings.ts';
import { isDocumentation, shortSeconds, type ChangedFile } from './gates.ts';
import type { GateConfig } from './config/schema.ts';
import type { GateCheck } from './execution.ts';
import { plural } from './format.ts';
import { needsHumanPaths } from './sensitivePaths.ts';

export const RISK_LEVELS = ['high', 'medium', 'low'] as const;
export type RiskLevel = (typeof RISK_LEVELS)[number];

export interface ReviewFile {
  readonly path: string;
  readonly level: RiskLevel;
  /** The heaviest reasons, in one line. */
  readonly reason: string;
}

export interface ReviewOrder {
  /** First to look at first. */
  readonly files: readonly ReviewFile[];
  /** What concerns the change as a whole: gates that warn, that nearly took too long, that did not run. */
  readonly notes: readonly string[];
}

export interface ReviewFacts {
  readonly changes: readonly (ChangedFile & { readonly status: 'added' | 'modified' | 'deleted' | 'renamed' })[];
  readonly gates: readonly Pick<GateConfig, 'name' | 'run' | 'timeout'>[];
  /** The last round. */
  readonly checks: readonly GateCheck[];
  readonly findings: readonly Finding[];
  /** Ids of other running or parked tasks by the path that they change too. */
  readonly others: ReadonlyMap<string, readonly string[]>;
}

interface Reason {
  readonly weight: number;
  readonly text: string;
}

const HIGH = 40;
const MEDIUM = 15;

/** Orders the files of a change by risk. The weights add up; of files of one risk the larger change comes first. */
export function reviewOrder(facts: ReviewFacts): ReviewOrder {
  const sensitive = new Map(needsHumanPaths(facts.changes, facts.gates.map((gate) => gate.run)).map(({ path, why }) => [path, why]));
  const tested = facts.changes.some((change) => isTest(change.path) && change.status !== 'deleted');
  const files = facts.changes.map((change) => {
    const reasons = [
      ...sensitiveReasons(change, sensitive),
      ...findingReasons(facts.findings.filter((finding) => finding.file === change.path)),
      ...otherReasons(facts.others.get(change.path) ?? []),
      ...kindReasons(change, tested),
      sizeReason(change),
    ].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    const risk = reasons.reduce((sum, reason) => sum + reason.weight, 0);
    const lines = (change.added ?? 0) + (change.removed ?? 0);
    const reason = reasons.filter((one) => one.text !== '' && (one.weight !== 0 || reasons.length === 1)).slice(0, 3).map((one) => one.text).join('; ');
    return { risk, lines, file: { path: change.path, level: risk >= HIGH ? 'high' : risk >= MEDIUM ? 'medium' : 'low', reason } satisfies ReviewFile };
  });
  files.sort((a, b) => b.risk - a.risk || b.lines - a.lines || (a.file.path < b.file.path ? -1 : 1));
  return { files: files.map(({ file }) => file), notes: gateNotes(facts) };
}

function sensitiveReasons(change: ChangedFile, sensitive: ReadonlyMap<string, string>): Reason[] {
  const why = sensitive.get(change.path) ?? (change.from === undefined ? undefined : sensitive.get(change.from));
  return why === undefined ? [] : [{ weight: 100, text: why }];
}

function findingReasons(findings: readonly Finding[]): Reason[] {
  const weights = { critical: 60, major: 40, minor: 15 } as const;
  return (['reviewer', 'gate'] as const).flatMap((source) => {
    const own = findings.filter((finding) => finding.source === source);
    const [worst] = own;
    if (worst === undefined) return [];
    const who = source === 'reviewer' ? 'the reviewer' : [...new Set(own.map(({ by }) => by))].join(', ');
    return [{ weight: Math.max(...own.map(({ severity }) => weights[severity])), text: `${who} found ${plural(own.length, source === 'reviewer' ? 'thing' : 'problem')} here (${worst.severity})` }];
  });
}

function otherReasons(tasks: readonly string[]): Reason[] {
  const [first, second, ...more] = tasks;
  if (first === undefined) return [];
  const names = [first, ...(second === undefined ? [] : [second]), ...(more.length > 0 ? [`${more.length} more`] : [])].join(', ');
  return [{ weight: 25, text: `${names} ${tasks.length === 1 ? 'changes' : 'change'} it too` }];
}

function kindReasons({ path, status, added, whitespace_only: blank }: ReviewFacts['changes'][number], tested: boolean): Reason[] {
  if (blank === true) return [{ weight: -30, text: 'white space only' }];
  if (isGenerated(path)) return [{ weight: -20, text: 'generated' }];
  if (isDocumentation(path)) return [{ weight: -25, text: 'documentation' }];
  if (isTest(path)) return status === 'deleted' ? [{ weight: 40, text: 'a test was deleted' }] : [{ weight: -5, text: 'a test' }];
  const reasons: Reason[] = [];
  if (added === null) reasons.push({ weight: 10, text: 'binary: a diff cannot show it' });
  if (status === 'deleted') reasons.push({ weight: 15, text: 'deleted' });
  if (isSource(path) && !tested) reasons.push({ weight: 20, text: 'no test changed with it' });
  if (DELICATE.test(path)) reasons.push({ weight: 20, text: 'its path speaks of something delicate' });
  if (isManifest(path)) reasons.push({ weight: 25, text: 'decides what is installed or built' });
  return reasons;
}

function sizeReason({ added, removed }: ChangedFile): Reason {
  if (added === null) return { weight: 0, text: '' };
  const lines = added + (removed ?? 0);
  return { weight: Math.min(24, Math.floor(lines / 10)), text: `${plural(lines, 'line')} changed` };
}

const DELICATE = /(^|[/_.-])(auth|login|session|password|secret|token|crypto|payment|billing|permission|security|migration|migrations|acl|oauth)s?([/_.-]|$)/i;
const CODE = /\.([cm]?[jt]sx?|py|go|rs|rb|java|kt|swift|c|cc|cpp|h|hpp|cs|php|scala|vue|svelte|sql|sh)$/i;

function isSource(path: string): boolean {
  return CODE.test(path) && !isTest(path);
}

function isTest(path: string): boolean {
  return /(^|\/)(tests?|__tests__|spec|specs)\/|[._-](test|spec)\.\w+$|(^|\/)test_[^/]*\.py$|_test\.go$/i.test(path);
}

function isGenerated(path: string): boolean {
  return /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|Cargo\.lock|go\.sum|Gemfile\.lock|composer\.lock)$|\.(min\.(js|css)|map|snap)$|(^|\/)(dist|build|generated|__generated__|__snapshots__)\//i.test(path);
}

function isManifest(path: string): boolean {
  return /(^|\/)(package\.json|pyproject\.toml|setup\.(py|cfg)|Cargo\.toml|go\.mod|Gemfile|Dockerfile|docker-compose\.ya?ml)$|(^|\/)\.github\/workflows\/|(^|\/)\.gitlab-ci\.yml$/i.test(path);
}

/** A gate that has used more than this share of its time may fail the next time. */
const NARROW = 0.8;

function gateNotes({ checks, gates }: ReviewFacts): string[] {
  if (checks.every((check) => check.status === 'skipped')) return ['No gate has checked this change.'];
  return checks.flatMap((check) => {
    const limit = gates.find((gate) => gate.name === check.name)?.timeout;
    if (check.status === 'failed') return [`Gate ${check.name} fails: ${check.message}`];
    if (check.status === 'warning') return [`Gate ${check.name} warns: ${check.message}`];
    if (check.status === 'skipped') return [`Gate ${check.name} did not run. ${check.message}`];
    return limit !== undefined && check.seconds > limit * NARROW ? [`Gate ${check.name} nearly ran out of time: ${shortSeconds(check.seconds)} of ${shortSeconds(limit)}.`] : [];
  });
}
