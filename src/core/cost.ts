/** What usage costs by the configured prices, and what calls cost together. */
import type { Config, ModelConfig } from './config/schema.ts';
import { emptyUsage, type AttemptOutcome, type Usage } from './execution.ts';
import type { AttemptRow } from './history.ts';

const PER_MTOK = 1_000_000;

/**
 * Dollars for a usage by a model's prices per million tokens; null when the model has no price, which is never 0.
 * Cache reads and writes without a price of their own count as input.
 */
export function costOf(usage: Usage, model: ModelConfig | undefined): number | null {
  const { input_per_mtok: input, output_per_mtok: output } = model ?? {};
  if (input === undefined || output === undefined) return null;
  const cacheRead = model?.cache_read_per_mtok ?? input;
  const cacheWrite = model?.cache_write_per_mtok ?? input;
  return (
    (usage.input_tokens * input +
      usage.output_tokens * output +
      usage.cache_read_tokens * cacheRead +
      usage.cache_write_tokens * cacheWrite) /
    PER_MTOK
  );
}

/** Dollars of a call as far as it has come: as its agent reports, else by the model's price; null without either. */
export function callCost(reported: number | null, usage: Usage, model: string | null, config: Pick<Config, 'models'>): number | null {
  return reported ?? costOf(usage, model === null ? undefined : config.models[model]);
}

/** What some calls cost together. */
export interface Spending {
  /** Dollars; a lower bound where some call had no price. */
  readonly cost_usd: number;
  readonly unpriced: boolean;
  readonly usage: Usage;
}

/** A call that runs may still report its price, so only one that has ended is unpriced. */
export interface Call {
  readonly cost_usd: number | null;
  readonly usage: Usage;
  readonly outcome?: AttemptOutcome;
}

/** The one sum of calls behind every total: of a step, a task, a run, a day. */
export function spendingOf(calls: Iterable<Call>): Spending {
  let cost_usd = 0;
  let unpriced = false;
  const usage = emptyUsage();
  for (const call of calls) {
    cost_usd += call.cost_usd ?? 0;
    unpriced ||= call.cost_usd === null && call.outcome !== 'running';
    usage.input_tokens += call.usage.input_tokens;
    usage.output_tokens += call.usage.output_tokens;
    usage.cache_read_tokens += call.usage.cache_read_tokens;
    usage.cache_write_tokens += call.usage.cache_write_tokens;
  }
  // Sums of binary fractions: what is beyond a billionth of a dollar is noise.
  return { cost_usd: Math.round(cost_usd * 1e9) / 1e9, unpriced, usage };
}

export type SpendRow = Pick<AttemptRow, 'at' | 'agent' | 'model' | 'role' | 'area' | 'cost_usd' | 'usage'>;

export interface SpendShare extends Spending {
  readonly name: string;
  readonly attempts: number;
}

/** Today's spending divided four ways, and the latest days, oldest first. */
export interface SpendShares {
  readonly agent: readonly SpendShare[];
  readonly model: readonly SpendShare[];
  readonly role: readonly SpendShare[];
  readonly area: readonly SpendShare[];
  readonly day: readonly SpendShare[];
}

/** Shares by agent, model, role, area or day (UTC), the dearest first; days in their order. */
export function spendingBy(rows: Iterable<SpendRow>, by: 'agent' | 'model' | 'role' | 'area' | 'day'): SpendShare[] {
  const groups = new Map<string, SpendRow[]>();
  for (const row of rows) {
    const name = by === 'day' ? row.at.slice(0, 10) : (row[by] ?? 'default');
    const group = groups.get(name);
    if (group) group.push(row);
    else groups.set(name, [row]);
  }
  const shares = [...groups].map(([name, group]) => ({ name, attempts: group.length, ...spendingOf(group) }));
  return by === 'day' ? shares.sort((a, b) => (a.name < b.name ? -1 : 1)) : shares.sort((a, b) => b.cost_usd - a.cost_usd || (a.name < b.name ? -1 : 1));
}
