/** How urgent a task says it is. */
import type { Priority, TaskDefinition } from './task.ts';

/** A component of the score (1 to 5) and what it was read from. */
export interface Component {
  readonly value: number;
  readonly because: string;
  /** Epoch ms at which the clock alone makes it another one; absent when it never does. */
  readonly until?: number;
}

const BY_PRIORITY: Readonly<Record<Priority, number>> = { urgent: 5, high: 4, medium: 3, low: 2 };
const BADGES = [
  ['🔴', 5],
  ['🟠', 4],
  ['🟡', 3],
  ['🟢', 2],
] as const;
const KEYWORDS = [
  ['urgent', 5],
  ['asap', 4],
  ['high priority', 4],
  ['low priority', 2],
  ['whenever', 1],
  ['no rush', 1],
] as const;
const VALUE_OF: ReadonlyMap<string, number> = new Map(KEYWORDS);

/** Whole words: letters, digits and "_" around a keyword make it another word (insurgent, urgent_queue). */
const KEYWORD = new RegExp(
  `(?<![\\p{L}\\p{N}_])(?:${KEYWORDS.map(([word]) => word.replace(' ', '[\\s-]+')).join('|')})(?![\\p{L}\\p{N}_])`,
  'giu',
);

/** Says quickly that a text has nothing to offer, as most have. */
const MAY_HAVE_ANY = /urgent|asap|priority|whenever|rush|[🔴🟠🟡🟢]/iu;

/**
 * A negation directly before a keyword, with nothing but the usual fillers between ("not urgent", "isn't really that
 * urgent", "non-urgent"). A sentence end between them breaks the bond ("I said no. Urgent!").
 */
const NEGATED =
  /(?<![\p{L}\p{N}_])(?:not|no|non|never|nothing|hardly|neither|nor|without|cannot|[a-z]+n['’]?t)(?:[\s-]+(?:a|an|the|at|all|any|be|being|is|it|this|that|so|very|too|really|particularly|especially|terribly|exactly|necessarily|considered|marked|as|super|of))*[\s-]+$/iu;

/** The component of SPEC §5: `priority` wins, else the highest keyword or badge in goal and description, else 3. */
export function findUrgency(task: Pick<TaskDefinition, 'goal' | 'description' | 'priority'>): Component {
  if (task.priority !== undefined) return { value: BY_PRIORITY[task.priority], because: `priority: ${task.priority}` };
  let best: Component | undefined;
  for (const text of [task.goal, task.description ?? '']) {
    for (const found of urgenciesIn(text)) if (!best || found.value > best.value) best = found;
  }
  return best ?? { value: 3, because: 'no urgency words' };
}

function* urgenciesIn(text: string): Generator<Component> {
  if (!MAY_HAVE_ANY.test(text)) return;
  for (const [badge, value] of BADGES) if (text.includes(badge)) yield { value, because: `badge ${badge}` };
  for (const match of text.matchAll(KEYWORD)) {
    if (isNegated(text, match.index)) continue;
    const value = VALUE_OF.get(match[0].toLowerCase().replace(/[\s-]+/g, ' '));
    if (value !== undefined) yield { value, because: `"${match[0]}"` };
  }
}

/** True when a negation stands directly before `index`. Also used for deadline words. */
export function isNegated(text: string, index: number): boolean {
  return NEGATED.test(text.slice(Math.max(0, index - 60), index));
}
