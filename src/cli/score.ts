/** A score and how it came about. */
import type { TaskView } from '../shared/api.ts';

/** `3.35 = urgency 4, deadline 3, sender 2, age +0.25`. */
export function scoreText(task: Pick<TaskView, 'score' | 'components' | 'placed'>): string {
  const { urgency, deadline, sender, age_boost: age, vip_bonus: vip } = task.components;
  const parts = [`urgency ${urgency}`, `deadline ${deadline}`, `sender ${sender}`];
  if (age > 0) parts.push(`age +${age}`);
  if (vip > 0) parts.push(`VIP +${vip}`);
  const place = task.placed ? '; placed by hand, which outranks it' : '';
  return `${scoreFigure(task.score)} = ${parts.join(', ')}${place}`;
}

/** At most two decimals: 2.1, 2.35, 13. */
export function scoreFigure(score: number): string {
  return String(Math.round(score * 100) / 100);
}
