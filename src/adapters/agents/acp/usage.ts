/** What an ACP agent says of tokens and money: by turn, by the session's total, or not at all. */
import { emptyUsage, type Usage } from '../../../core/execution.ts';
import { number, object, string, type Json } from '../json.ts';

export class UsageMeter {
  total: Usage = emptyUsage();
  /** Dollars by the agent's own word; null while it named none. */
  costUsd: number | null = null;
  /** Prompts answered: ACP does not tell requests to the model. */
  turns = 0;

  /** Takes the result of a prompt; says whether it told of any token. */
  answered(result: Json): boolean {
    this.turns += 1;
    const usage = object(result['usage']);
    const quota = object(object(object(result['_meta'])['quota'])['token_count']);
    const cached = number(usage['cachedReadTokens']) ?? 0;
    const input = number(usage['inputTokens']) ?? number(quota['input_tokens']) ?? 0;
    const output = number(usage['outputTokens']) ?? number(quota['output_tokens']) ?? 0;
    this.total = {
      input_tokens: this.total.input_tokens + input,
      output_tokens: this.total.output_tokens + output,
      cache_read_tokens: this.total.cache_read_tokens + cached,
      cache_write_tokens: this.total.cache_write_tokens + (number(usage['cachedWriteTokens']) ?? 0),
    };
    return input + output > 0;
  }

  /** Takes a `usage_update`, whose cost is the session's so far. A model without a price costs "0", which is no price. */
  updated(update: Json): void {
    const cost = object(update['cost']);
    const amount = number(cost['amount']);
    if (amount !== undefined && amount > 0 && string(cost['currency']) === 'USD') this.costUsd = amount;
  }
}
