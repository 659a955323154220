/** Comment threads of a review as plain data: where they stand in a document and what they say. */
import type { TaskExecution } from '../../core/execution.ts';
import type { Finding } from '../../core/findings.ts';
import { followLine, type FileHunks } from '../../core/hunks.ts';
import type { ReviewThread, ThreadComment } from '../../core/threads.ts';

export interface ShownThread {
  /** Unique in its task. */
  readonly key: string;
  /** From 0. */
  readonly line: number;
  /** Above the first comment: whose it is and what becomes of it. */
  readonly label: string;
  readonly resolved: boolean;
  /** Word for the menus: `open`, `sent`, `resolved`, `finding`. */
  readonly context: string;
  readonly comments: readonly ShownComment[];
  readonly thread?: ReviewThread;
  readonly finding?: Finding;
}

export interface ShownComment {
  /** The stored comment, which its author may change; undefined for a finding. */
  readonly id?: string;
  readonly author: string;
  readonly text: string;
  /** ISO; null where it is not known. */
  readonly at: string | null;
}

/** Threads on a file of the change, as it is at its head. `moved` gives the way from another commit to the head. */
export function fileThreads(task: Pick<TaskExecution, 'threads'>, findings: readonly Finding[], file: string, head: string, moved: ReadonlyMap<string, ReadonlyMap<string, FileHunks>>): ShownThread[] {
  const own = (task.threads ?? []).flatMap((thread) => {
    if (thread.about !== 'change' || thread.file !== file) return [];
    return [ownThread(thread, (thread.line ?? 1) - 1)];
  });
  return [...own, ...findings.flatMap((finding, index) => findingThread(finding, index, file, head, moved))];
}

/** Threads on the page of a plan. `lines` are those of its steps, from 0. */
export function planThreads(task: Pick<TaskExecution, 'threads'>, lines: ReadonlyMap<string, number>): ShownThread[] {
  return (task.threads ?? []).flatMap((thread) => {
    const line = thread.about === 'plan' && thread.step_id !== null ? lines.get(thread.step_id) : undefined;
    return line === undefined ? [] : [ownThread(thread, line)];
  });
}

/** The lines (from 0) on which a plan's steps begin in its page: its numbered list, in order. */
export function planLines(page: string, plan: TaskExecution['plan']): Map<string, number> {
  const found = new Map<string, number>();
  const steps = plan?.steps ?? [];
  for (const [index, line] of page.split('\n').entries()) {
    const next = steps[found.size];
    if (next !== undefined && line.startsWith(`${found.size + 1}. `)) found.set(next.id, index);
  }
  return found;
}

/** The step in whose part of the page a line lies. */
export function stepAt(lines: ReadonlyMap<string, number>, line: number): string | undefined {
  return [...lines].findLast(([, start]) => start <= line)?.[0];
}

function ownThread(thread: ReviewThread, line: number): ShownThread {
  return {
    key: thread.id,
    line,
    label: ownLabel(thread),
    resolved: thread.status === 'resolved',
    context: thread.status,
    comments: thread.comments.map((comment: ThreadComment) => ({ id: comment.id, author: comment.by, text: comment.text, at: comment.at })),
    thread,
  };
}

function ownLabel({ status, outdated }: ReviewThread): string {
  if (status === 'resolved') return 'Resolved';
  if (status === 'sent') return 'Sent to the agent';
  return outdated ? 'Outdated · goes along with Request Changes' : 'Goes along with Request Changes';
}

function findingThread(finding: Finding, index: number, file: string, head: string, moved: ReadonlyMap<string, ReadonlyMap<string, FileHunks>>): ShownThread[] {
  const way = finding.head_sha === null || finding.head_sha === head ? undefined : moved.get(finding.head_sha);
  const hunks = finding.file === null ? undefined : way?.get(finding.file);
  if ((hunks === undefined ? finding.file : hunks.to) !== file) return [];
  const at = followLine(hunks?.hunks ?? [], finding.line ?? 1);
  const who = finding.source === 'reviewer' ? `Reviewer ${finding.by}` : `Gate ${finding.by}`;
  return [
    {
      key: `finding-${index}`,
      line: at.line - 1,
      label: `${who} · ${finding.severity}${at.changed ? ' · the line has changed since' : ''}`,
      resolved: at.changed,
      context: 'finding',
      comments: [{ author: who, text: finding.message, at: null }],
      finding,
    },
  ];
}
