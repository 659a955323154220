/** GitHub issues, as its own command line gives them, become tasks. Pure: text in, tasks out. */
import { BatonError } from './errors.ts';
import type { NewTask, Priority } from './task.ts';
import { isRecord } from './yamlText.ts';

export interface Issue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly url: string;
  /** Login of who wrote it; empty where GitHub names nobody. */
  readonly author: string;
}

/** Arguments of `gh` that list open issues, newest first. */
export function listArguments(options: { readonly limit: number; readonly label?: string | undefined }): string[] {
  return ['issue', 'list', '--state', 'open', '--limit', String(options.limit), ...(options.label === undefined ? [] : ['--label', options.label]), '--json', FIELDS];
}

/** Arguments of `gh` that show one issue. */
export function viewArguments(number: number): string[] {
  return ['issue', 'view', String(number), '--json', FIELDS];
}

const FIELDS = 'number,title,body,labels,url,author';

/** Reads what `gh` printed for either; throws `unsupported` when it is something else. */
export function parseIssues(stdout: string): Issue[] {
  try {
    const value = JSON.parse(stdout) as unknown;
    return (Array.isArray(value) ? (value as unknown[]) : [value]).map(issueOf);
  } catch (cause) {
    throw new BatonError('unsupported', 'What gh printed is no list of issues.', { cause, hint: 'Update the GitHub command line: https://cli.github.com' });
  }
}

function issueOf(value: unknown): Issue {
  if (!isRecord(value) || typeof value['number'] !== 'number' || typeof value['title'] !== 'string' || typeof value['url'] !== 'string') throw new Error('no issue');
  const { number, title, url, body, labels, author } = value;
  return {
    number,
    title,
    url,
    body: typeof body === 'string' ? body.replace(/\r\n/g, '\n') : '',
    labels: Array.isArray(labels) ? labels.flatMap((label: unknown) => (isRecord(label) && typeof label['name'] === 'string' ? [label['name']] : [])) : [],
    author: isRecord(author) && typeof author['login'] === 'string' ? author['login'] : '',
  };
}

/** What went wrong with `gh`, and what to do about it. `code` is null when it could not be started. */
export function ghFailure({ code, stderr }: { readonly code: number | null; readonly stderr: string }): BatonError {
  if (code === null) return new BatonError('not_found', 'The GitHub command line (gh) is not installed.', { hint: 'Install it from https://cli.github.com, then run "gh auth login".' });
  const said = stderr.trim().split('\n')[0] ?? '';
  const hint = /auth|login|token/i.test(stderr) ? 'Sign in with "gh auth login".' : 'Run "gh issue list" here to see more.';
  return new BatonError('unsupported', `gh could not read the issues${said === '' ? '' : `: ${said}`}.`, { hint });
}

/**
 * The task of an issue. Its `source` is the issue's address, by which it is queued only once. Others wrote its text, so that a human starts it
 * unless `trusted`.
 */
export function taskFromIssue(issue: Issue, options: { readonly trusted: boolean }): NewTask {
  const priority = issue.labels.map(priorityOf).find((one) => one !== undefined);
  const from = `From ${issue.url}${issue.author === '' ? '' : ` by @${issue.author}`}.`;
  return {
    goal: issue.title.replace(/\s+/g, ' ').trim(),
    description: issue.body.trim() === '' ? from : `${issue.body.trim()}\n\n${from}`,
    ...(priority === undefined ? {} : { priority }),
    ...(issue.labels.length === 0 ? {} : { labels: [...issue.labels] }),
    ...(issue.author === '' ? {} : { sender: issue.author }),
    ...(options.trusted ? {} : { requires_approval: true }),
    source: issue.url,
  };
}

/** `P0` … `P3`, `urgent`, `priority: high`, `prio/low` and the like. */
function priorityOf(label: string): Priority | undefined {
  const name = label.toLowerCase().replace(/^prio(rity)?[\s:/_-]*/, '');
  const named: Readonly<Record<string, Priority>> = { p0: 'urgent', critical: 'urgent', urgent: 'urgent', p1: 'high', high: 'high', p2: 'medium', medium: 'medium', p3: 'low', low: 'low' };
  return named[name];
}
