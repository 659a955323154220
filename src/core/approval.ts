/** Approval before a task starts: when it is needed, what it is bound to, and how long it holds. */
import { durationSeconds, type Config } from './config/schema.ts';
import type { Decision, TaskExecution } from './execution.ts';
import type { TaskDefinition } from './task.ts';

export interface ApprovalNeed {
  readonly needed: boolean;
  /** One a finding: `the goal has "delete"`, `the task states requires_approval`. */
  readonly reasons: readonly string[];
}

/**
 * A task needs approval when it says so or when its goal, description or constraints have one of `approval.keywords` as
 * whole words outside code. `requires_approval: false` does not override a keyword.
 */
export function approvalNeeded(task: TaskDefinition, config: Pick<Config, 'approval'>): ApprovalNeed {
  const reasons = task.requires_approval === true ? ['the task states requires_approval'] : [];
  const places = [
    ['the goal', task.goal],
    ['the description', task.description ?? ''],
    ...(task.constraints ?? []).map((constraint) => ['a constraint', constraint] as const),
  ] as const;
  const patterns = config.approval.keywords.map((keyword) => [keyword, keywordPattern(keyword)] as const);
  for (const [place, text] of places) {
    const prose = outsideCode(plain(text));
    for (const [keyword, pattern] of patterns) {
      const reason = `${place} has "${keyword}"`;
      if (!reasons.includes(reason) && pattern.test(prose)) reasons.push(reason);
    }
  }
  return { needed: reasons.length > 0, reasons };
}

export type ApprovalState = 'valid' | 'missing' | 'used' | 'changed' | 'expired';

/** What an approval must be for: this content, and for a merge this very commit. */
export type ApprovalSubject = Pick<TaskExecution, 'content_hash' | 'head_sha'>;

/**
 * Whether a decision lets the task start or merge now: it must be a human's approval of exactly this, not yet used, and
 * younger than `approval.expires`. Text alone (a name, a word like "approved") never is one.
 * @param now epoch ms
 */
export function approvalState(
  decision: Decision | undefined,
  kind: 'start' | 'merge',
  subject: ApprovalSubject,
  config: Pick<Config, 'approval'>,
  now: number,
): ApprovalState {
  if (decision?.kind !== kind || decision.status === 'withdrawn' || decision.answer?.verdict !== 'approve') return 'missing';
  if (decision.applied_at !== null) return 'used';
  if (decision.content_hash !== subject.content_hash) return 'changed';
  if (kind === 'merge' && decision.head_sha !== subject.head_sha) return 'changed';
  if (decision.status !== 'answered') return 'expired';
  return now < approvalEnds(decision.answer.at, config) ? 'valid' : 'expired';
}

/** The approval that lets the task start or merge now, if there is one. */
export function usableApproval(task: TaskExecution, kind: 'start' | 'merge', config: Pick<Config, 'approval'>, now: number): Decision | undefined {
  return task.decisions.find((decision) => approvalState(decision, kind, task, config, now) === 'valid');
}

/** Epoch ms at which an approval given at `at` (ISO) ends. */
export function approvalEnds(at: string, config: Pick<Config, 'approval'>): number {
  return Date.parse(at) + (durationSeconds(config.approval.expires) ?? 0) * 1000;
}

/** Whole words, any white space or hyphens between the words of a phrase. */
function keywordPattern(keyword: string): RegExp {
  const words = plain(keyword)
    .trim()
    .split(/[\s-]+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?<![\\p{L}\\p{N}_])${words.join('[\\s-]+')}(?![\\p{L}\\p{N}_])`, 'iu');
}

/** Text without what the eye does not see: compatibility forms (ｄｅｌｅｔｅ) and characters without width. */
function plain(text: string): string {
  return text.normalize('NFKC').replace(/\p{Cf}/gu, '');
}

/**
 * Markdown without its code spans and fenced blocks. A fence that is never closed hides nothing: what follows is read as
 * prose, so that a stray ``` cannot smuggle a keyword past the scan.
 */
function outsideCode(text: string): string {
  const lines = text.split(/\r?\n/);
  const prose: string[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    const end = fence === undefined ? -1 : lines.findIndex((later, at) => at > index && closes(later, fence));
    if (end > 0) {
      prose.push('');
      index = end;
    } else {
      prose.push(line);
    }
  }
  // A code span ends within its paragraph, with as many backticks as it began with.
  return prose
    .join('\n')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/(?<!`)(`+)(?!`)([\s\S]*?[^`])\1(?!`)/g, ' '))
    .join('\n\n');
}

function closes(line: string, fence: string): boolean {
  const mark = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return mark !== undefined && mark.length >= fence.length && mark[0] === fence[0];
}
