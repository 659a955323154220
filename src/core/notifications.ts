/** What goes out by webhook: which committed events are worth a message, in which words and in which shape. Pure. */
import type { Config } from './config/schema.ts';
import type { TaskExecution } from './execution.ts';
import { formatMoney, plural } from './format.ts';

export type NotificationEvent = Config['notifications']['events'][number];

/** A committed event as the store keeps it. */
export interface NotifiableEvent {
  /** UTC ISO 8601 with milliseconds. */
  readonly at: string;
  readonly type: string;
  readonly task_id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The JSON that a webhook receives. Keys may be added; none is renamed or removed. */
export interface Notification {
  readonly event: NotificationEvent;
  readonly at: string;
  /** Name of the repository's folder. */
  readonly repository: string;
  /** One sentence for people. */
  readonly message: string;
  readonly task?: { readonly id: string; readonly goal: string; readonly state: string; readonly total_cost_usd: number; readonly branch: string | null };
  /** The event's own facts: reason, error, decision, checks. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Events that concern the whole orchestrator and go out under the name under which they are stored. */
const ORCHESTRATOR_EVENTS: ReadonlySet<string> = new Set(['orchestrator_started', 'orchestrator_stopped', 'health_degraded', 'budget_exceeded'] satisfies NotificationEvent[]);

/** Whether an event of the store is one that webhooks tell, and which. A cancelled task has not failed. */
export function notificationEvent({ type, data }: Pick<NotifiableEvent, 'type' | 'data'>): NotificationEvent | undefined {
  if (ORCHESTRATOR_EVENTS.has(type)) return type as NotificationEvent;
  if (type === 'decision_opened') return 'human_review';
  if (type !== 'task_state') return undefined;
  if (data['to'] === 'done') return 'task_completed';
  return data['to'] === 'failed' && data['error'] !== 'cancelled' ? 'task_failed' : undefined;
}

/** The message of an event, or undefined when it is none that is told. `task` is the task's present record, where there still is one. */
export function notificationOf(event: NotifiableEvent, task: TaskExecution | undefined, repository: string): Notification | undefined {
  const name = notificationEvent(event);
  if (name === undefined) return undefined;
  return {
    event: name,
    at: event.at,
    repository,
    message: messageFor(name, event, task),
    ...(task === undefined
      ? {}
      : { task: { id: task.task_id, goal: task.task_def.goal, state: task.state, total_cost_usd: task.total_cost_usd, branch: task.branch } }),
    data: event.data,
  };
}

function messageFor(name: NotificationEvent, { task_id, data }: NotifiableEvent, task: TaskExecution | undefined): string {
  const id = task_id ?? '';
  const about = task === undefined ? id : `${id} (${task.task_def.goal})`;
  const reason = text(data['reason'] ?? data['message'] ?? data['why']);
  const because = reason === '' ? '.' : `: ${reason}`;
  switch (name) {
    case 'task_failed':
      return `Task ${about} failed${because}`;
    case 'task_completed':
      return `Task ${about} is done${task === undefined ? '' : ` for ${formatMoney(task.total_cost_usd)}${task.unpriced ? ' and unpriced calls' : ''}, after ${plural(task.attempts.length, 'attempt')}`}.`;
    case 'human_review':
      return `Task ${about} needs a human: ${text(data['question'])}`;
    case 'orchestrator_started':
      return 'Baton has started.';
    case 'orchestrator_stopped':
      return `Baton has stopped${because}`;
    case 'health_degraded':
      return `Baton is not healthy${because}`;
    case 'budget_exceeded':
      return `A budget is used up${because}`;
  }
}

const MARKS: Readonly<Record<NotificationEvent, string>> = {
  task_failed: ':x:',
  task_completed: ':white_check_mark:',
  human_review: ':raised_hand:',
  orchestrator_started: ':arrow_forward:',
  orchestrator_stopped: ':black_square_for_stop:',
  health_degraded: ':warning:',
  budget_exceeded: ':moneybag:',
};

/** The body of the request: Slack's shape where the address is one of Slack's incoming webhooks, else the notification itself. */
export function webhookBody(notification: Notification, url: string, id: string): string {
  return JSON.stringify(isSlack(url) ? slackMessage(notification) : { id, ...notification });
}

/** https://api.slack.com/messaging/webhooks; GovSlack has a domain of its own. */
function isSlack(url: string): boolean {
  return /^https:\/\/hooks\.slack(-gov)?\.com\//i.test(url);
}

/** `text` is what a phone shows; the block beneath it carries the same with its mark. */
function slackMessage({ event, repository, message }: Notification): Record<string, unknown> {
  return {
    text: slackText(`${repository}: ${message}`),
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `${MARKS[event]} *${slackText(repository)}*\n${slackText(message)}` } }],
  };
}

/** Slack's three control characters, and its limit for a text of a block (3000 characters). */
function slackText(value: string): string {
  const short = value.length > 2800 ? `${value.slice(0, 2800)}…` : value;
  return short.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
