/** Comments of a human on a change or a plan: threads that go to the agent with the next request for changes. */
import { BatonError } from './errors.ts';
import type { TaskExecution } from './execution.ts';
import { followLine, type FileHunks } from './hunks.ts';
import { fenced } from './prompts/text.ts';
import type { Plan } from './roles.ts';

export interface ThreadComment {
  id: string;
  by: string;
  at: string;
  text: string;
}

/**
 * `open` is still to be sent; `sent` is with the agent; `resolved` needs no more: the next attempt changed the line (or
 * the step), or a human said so. What an attempt left as it was is `open` again and `outdated`.
 */
export type ThreadStatus = 'open' | 'sent' | 'resolved';

export interface ReviewThread {
  id: string;
  about: 'change' | 'plan';
  /** change: path relative to the repository, and the line (from 1) in it at `head_sha`. */
  file: string | null;
  line: number | null;
  head_sha: string | null;
  /** plan: the step. */
  step_id: string | null;
  /** What stood there when the thread began. */
  code: string;
  status: ThreadStatus;
  outdated: boolean;
  comments: ThreadComment[];
}

/** Where a comment goes: to a thread that is there, to a line of the change at a commit, or to a step of the plan. */
export type CommentPlace =
  | { readonly thread_id: string }
  | { readonly file: string; readonly line: number; readonly head_sha: string; readonly code: string }
  | { readonly step_id: string };

/** Adds a comment, in the draft of a change. Returns its thread's id. */
export function addComment(draft: TaskExecution, place: CommentPlace, comment: Omit<ThreadComment, 'id'>): string {
  if (comment.text.trim() === '') throw new BatonError('usage', 'A comment needs words.');
  const threads = (draft.threads ??= []);
  const thread = 'thread_id' in place ? threadOf(draft, place.thread_id) : newThread(draft, place);
  if (!('thread_id' in place)) threads.push(thread);
  thread.comments.push({ id: `c${next(thread.comments)}`, ...comment });
  // Whoever goes on talking is not done with it.
  if (thread.status === 'resolved') thread.status = 'open';
  return thread.id;
}

/** Changes a comment's text, or takes it away when `text` is null. */
export function editComment(draft: TaskExecution, threadId: string, commentId: string, text: string | null): void {
  const thread = threadOf(draft, threadId);
  const comment = thread.comments.find((one) => one.id === commentId);
  if (!comment) throw new BatonError('not_found', `Thread ${threadId} of task ${draft.task_id} has no comment ${commentId}.`);
  if (text !== null) {
    if (text.trim() === '') throw new BatonError('usage', 'A comment needs words.', { hint: 'Delete it instead.' });
    comment.text = text;
    return;
  }
  thread.comments = thread.comments.filter((one) => one !== comment);
  if (thread.comments.length === 0) draft.threads = (draft.threads ?? []).filter((one) => one !== thread);
}

export function resolveThread(draft: TaskExecution, threadId: string, resolved: boolean): void {
  threadOf(draft, threadId).status = resolved ? 'resolved' : 'open';
}

/** Threads that the next request for changes of this kind takes along. */
export function openThreads(task: Pick<TaskExecution, 'threads'>, about: ReviewThread['about']): ReviewThread[] {
  return (task.threads ?? []).filter((thread) => thread.about === about && thread.status === 'open');
}

/** The threads as the agent reads them: place, code, and what was said. */
export function threadsPrompt(threads: readonly ReviewThread[]): string {
  const blocks = threads.map((thread) => {
    const place = thread.about === 'plan' ? `Step ${thread.step_id ?? ''}` : `${thread.file ?? ''}:${thread.line ?? 1}`;
    const again = thread.outdated ? ' (said before, and still as it was)' : '';
    const code = thread.code.trim() === '' ? '' : `\n\n${fenced(thread.code.replace(/\s+$/, ''))}`;
    return `### ${place}${again}${code}\n\n${thread.comments.map((comment) => comment.text.trim()).join('\n\n')}`;
  });
  return [`Comments on ${threads[0]?.about === 'plan' ? 'steps of the plan' : 'lines of the change; each answers to the line above it'}:`, ...blocks].join('\n\n');
}

/** Marks the threads as given to the agent. */
export function markSent(draft: TaskExecution, about: ReviewThread['about']): void {
  for (const thread of openThreads(draft, about)) {
    thread.status = 'sent';
    thread.outdated = false;
  }
}

/**
 * The change has a new head: every thread moves with its line. One that was sent and whose line changed is resolved;
 * one whose line stayed is open again and outdated. `moved` gives the changed files between the thread's head and the new one.
 */
export function followThreads(draft: TaskExecution, head: string, moved: ReadonlyMap<string, ReadonlyMap<string, FileHunks>>): void {
  for (const thread of draft.threads ?? []) {
    const files = thread.head_sha === null ? undefined : moved.get(thread.head_sha);
    if (thread.about !== 'change' || files === undefined) continue;
    const file = thread.file === null ? undefined : files.get(thread.file);
    const at = file === undefined || file.to === null ? { changed: file !== undefined, line: thread.line ?? 1 } : followLine(file.hunks, thread.line ?? 1);
    thread.head_sha = head;
    thread.line = at.line;
    thread.file = file?.to ?? thread.file;
    if (thread.status === 'sent') {
      thread.status = at.changed ? 'resolved' : 'open';
      thread.outdated = !at.changed;
    } else if (at.changed) {
      thread.outdated = true;
    }
  }
}

/** There is a new plan: a sent thread is resolved when its step is worded anew or gone. */
export function followPlan(draft: TaskExecution, plan: Plan): void {
  for (const thread of draft.threads ?? []) {
    if (thread.about !== 'plan' || thread.status === 'resolved') continue;
    const step = plan.steps.find((one) => one.id === thread.step_id);
    const changed = step?.description.trim() !== thread.code.trim();
    if (thread.status === 'sent') thread.status = changed ? 'resolved' : 'open';
    thread.outdated = thread.status === 'open';
  }
}

/** Commits that threads stand on, other than this one: what `followThreads` needs to know the way from. */
export function threadHeads(task: Pick<TaskExecution, 'threads'>, head: string): string[] {
  return [...new Set((task.threads ?? []).flatMap((thread) => (thread.about === 'change' && thread.head_sha !== null && thread.head_sha !== head ? [thread.head_sha] : [])))];
}

function newThread(draft: TaskExecution, place: Exclude<CommentPlace, { thread_id: string }>): ReviewThread {
  const rest = { id: `t${next(draft.threads ?? [])}`, status: 'open', outdated: false, comments: [] } as const;
  if ('step_id' in place) {
    const step = draft.plan?.steps.find((one) => one.id === place.step_id);
    if (!step) throw new BatonError('not_found', `The plan of task ${draft.task_id} has no step "${place.step_id}".`);
    return { ...rest, comments: [], about: 'plan', file: null, line: null, head_sha: null, step_id: step.id, code: step.description };
  }
  const { file, line, head_sha, code } = place;
  return { ...rest, comments: [], about: 'change', file, line, head_sha, step_id: null, code };
}

/** One more than the largest number in use, so that no id is given twice. */
function next(all: readonly { readonly id: string }[]): number {
  return Math.max(0, ...all.map(({ id }) => Number(id.slice(1)) || 0)) + 1;
}

function threadOf(draft: TaskExecution, id: string): ReviewThread {
  const thread = draft.threads?.find((one) => one.id === id);
  if (!thread) throw new BatonError('not_found', `Task ${draft.task_id} has no comment thread ${id}.`);
  return thread;
}
