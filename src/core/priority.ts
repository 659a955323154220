/** The priority score of a task and how it came about (pure: the clock and the time zone are handed in). */
import type { Config } from './config/schema.ts';
import { formatNumber } from './format.ts';
import type { TaskDefinition } from './task.ts';
import { findDeadline } from './deadline.ts';
import { findUrgency } from './urgency.ts';

/** The parts of a score: components are 1 to 5, boosts are added to the weighted sum. */
export interface PriorityBreakdown {
  readonly urgency: number;
  readonly deadline: number;
  readonly sender: number;
  readonly age_boost: number;
  readonly vip_bonus: number;
}

export interface PriorityScore extends PriorityBreakdown {
  /** What the queue sorts by: `base_score` plus the VIP bonus. */
  readonly score: number;
  /** Weighted sum plus age boost, clamped to 1 … 5. */
  readonly base_score: number;
  readonly weights: Config['priority_weights'];
  /** What each part was read from, in words. */
  readonly because: { readonly urgency: string; readonly deadline: string; readonly sender: string; readonly age: string };
  /** The whole computation, one readable line a part; see `explainScore`. */
  readonly explanation: readonly string[];
  /** Epoch ms at which the clock alone makes it another score or another explanation; Infinity when it never does. */
  readonly until: number;
  /** Epoch ms from which its age counts. */
  readonly born: number;
}

export interface PriorityContext {
  readonly config: Pick<Config, 'priority_weights' | 'vip_senders' | 'client_senders'>;
  /** Epoch ms. */
  readonly now: number;
  /** Epoch ms at which Baton first saw the task; its age counts from here where the task has no `created_at`. */
  readonly firstSeen: number;
  /**
   * Minutes that the user's wall clock is ahead of UTC (default 0, that is UTC). Only dates without a zone need it:
   * `2026-12-01` is due at the end of that day there, `2026-12-01T15:00` at 15:00 there.
   */
  readonly utcOffsetMinutes?: number;
}

const DAY_MS = 86_400_000;
const VIP_BONUS = 10;
/** [days, boost], oldest first: the first that the age reaches holds. */
const AGE_BOOSTS = [
  [30, 4],
  [14, 2],
  [7, 1],
  [3, 0.5],
  [1, 0.25],
] as const;

/**
 * Scores a task: Σ weight·component + age boost, clamped to 1 … 5 (`base_score`), then + 10 for a VIP sender (`score`).
 * With everything else equal a nearer date, an older task and a more important sender never score lower.
 */
export function scorePriority(task: TaskDefinition, context: PriorityContext): PriorityScore {
  const { config, now } = context;
  const weights = config.priority_weights;
  const urgency = findUrgency(task);
  const deadline = findDeadline(task, now, context.utcOffsetMinutes ?? 0);
  const sender = senderComponent(task.sender, config);
  const age = ageBoost(task, context);

  const sum = weights.urgency * urgency.value + weights.deadline * deadline.value + weights.sender * sender.value;
  const base_score = round(Math.min(5, Math.max(1, sum + age.value)));
  const vip_bonus = sender.vip ? VIP_BONUS : 0;
  const parts = {
    score: round(base_score + vip_bonus),
    base_score,
    urgency: urgency.value,
    deadline: deadline.value,
    sender: sender.value,
    age_boost: age.value,
    vip_bonus,
    weights,
    because: { urgency: urgency.because, deadline: deadline.because, sender: sender.because, age: age.because },
    until: Math.min(age.until, deadline.until ?? Infinity),
    born: age.born,
  };
  let explanation: readonly string[] | undefined;
  // Made when it is looked at: a queue of thousands is scored often and explained seldom.
  return {
    ...parts,
    get explanation() {
      return (explanation ??= explainScore(parts));
    },
  };
}

/** The score as lines for a tooltip or a terminal: the result first, then each part with its weight and its reason. */
export function explainScore(score: Omit<PriorityScore, 'explanation' | 'until' | 'born'>): string[] {
  const { weights, because } = score;
  const part = (name: 'urgency' | 'deadline' | 'sender'): string =>
    `${name} ${score[name]} × ${formatNumber(weights[name])} = ${formatNumber(round(score[name] * weights[name]))} (${because[name]})`;
  const sum = round(weights.urgency * score.urgency + weights.deadline * score.deadline + weights.sender * score.sender + score.age_boost);
  const head =
    score.vip_bonus > 0
      ? `score ${formatNumber(score.score)} = ${formatNumber(score.base_score)} + ${score.vip_bonus} for a VIP sender`
      : `score ${formatNumber(score.score)}`;
  const lines = [head, part('urgency'), part('deadline'), part('sender'), `age boost ${formatNumber(score.age_boost)} (${because.age})`];
  if (sum !== score.base_score) lines.push(`sum ${formatNumber(sum)}, kept between 1 and 5`);
  return lines;
}

interface SenderComponent {
  readonly value: number;
  readonly because: string;
  readonly vip: boolean;
}

/** VIP 5, client 4, the domain of a VIP 3, anybody else or nobody 2. */
function senderComponent(sender: string | undefined, config: PriorityContext['config']): SenderComponent {
  if (sender === undefined) return { value: 2, because: 'no sender', vip: false };
  const address = addressOf(sender);
  const domain = domainOf(address);
  if (config.vip_senders.some((entry) => matchesSender(entry, address, domain))) {
    return { value: 5, because: `${address} is a VIP`, vip: true };
  }
  if (config.client_senders.some((entry) => matchesSender(entry, address, domain))) {
    return { value: 4, because: `${address} is a client`, vip: false };
  }
  if (address.includes('@') && address.includes('client')) {
    return { value: 4, because: `"client" is in ${address}`, vip: false };
  }
  if (domain !== '' && config.vip_senders.some((entry) => domainOf(addressOf(entry)) === domain)) {
    return { value: 3, because: `${domain} is a VIP's domain`, vip: false };
  }
  return { value: 2, because: `${address} is neither VIP nor client`, vip: false };
}

/** `Ann <ann@example.org>` and ` ANN@example.org ` are ann@example.org. */
function addressOf(sender: string): string {
  const bracketed = /<([^<>]+)>\s*$/.exec(sender);
  return (bracketed?.[1] ?? sender).trim().toLowerCase();
}

function domainOf(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? '' : address.slice(at + 1);
}

/** An entry is an address or a name; `@example.org` stands for everybody there. */
function matchesSender(entry: string, address: string, domain: string): boolean {
  const wanted = addressOf(entry);
  if (wanted.startsWith('@')) return domain !== '' && wanted.slice(1) === domain;
  return wanted === address;
}

function ageBoost(task: TaskDefinition, context: PriorityContext): { value: number; because: string; until: number; born: number } {
  const born = bornAt(task, context.firstSeen);
  const days = (context.now - born) / DAY_MS;
  const until = born + Math.max(1, Math.floor(days) + 1) * DAY_MS;
  const boost = AGE_BOOSTS.find(([from]) => days >= from);
  if (!boost) return { value: 0, because: 'less than a day old', until, born };
  return { value: boost[1], because: `${Math.floor(days)} ${days < 2 ? 'day' : 'days'} old`, until, born };
}

/** Epoch ms from which a task's age counts: its own `created_at` where that is a time, else when it was first seen. */
export function bornAt(task: TaskDefinition, firstSeen: number): number {
  const stated = task.created_at === undefined ? Number.NaN : Date.parse(task.created_at);
  return Number.isNaN(stated) ? firstSeen : stated;
}

/** Scores are compared and shown: floating-point dust (2.0999999999999996) must do neither. */
function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
