/** The priority score of a task and how it came about. */

/** The parts of a score: components are 1 to 5, boosts are added to the weighted sum. */
export interface PriorityBreakdown {
  readonly urgency: number;
  readonly deadline: number;
  readonly sender: number;
  readonly age_boost: number;
  readonly vip_bonus: number;
}
