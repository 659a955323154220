/** What usage costs by the configured prices. */
import type { ModelConfig } from './config/schema.ts';
import type { Usage } from './execution.ts';

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
