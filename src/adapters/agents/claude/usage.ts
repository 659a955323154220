/** What an attempt has used so far, live, so that an attempt that is killed has its numbers too. */
import { emptyUsage, type Usage } from '../../../core/execution.ts';
import { number, object, string, type Json } from '../json.ts';

/**
 * Totals of one process. The CLI reports them only with a `result`; until then they are those of the last result plus
 * the requests since, whose own numbers come with the stream (input at its start, output at its end).
 */
export class UsageMeter {
  private settled = emptyUsage();
  private readonly open = new Map<string, Usage>();
  private current = '';
  private cost: number | null = null;
  private unpriced = false;
  /** Requests of the main thread. */
  turns = 0;

  get total(): Usage {
    return [...this.open.values()].reduce(add, this.settled);
  }

  /** Dollars by the CLI's own prices; null while it named none. */
  get costUsd(): number | null {
    return this.cost;
  }

  /** Takes a `stream_event`'s event; says whether the totals changed. */
  streamed(event: Json, main: boolean): boolean {
    if (event['type'] === 'message_start') {
      const message = object(event['message']);
      this.current = string(message['id']) ?? `request ${this.open.size}`;
      this.open.set(this.current, readUsage(object(message['usage'])));
      if (main) this.turns += 1;
      return true;
    }
    const usage = object(event['usage']);
    if (event['type'] !== 'message_delta' || number(usage['output_tokens']) === undefined) return false;
    const before = this.open.get(this.current) ?? emptyUsage();
    const after = readUsage(usage);
    // The end of a stream may leave out what its start has said.
    this.open.set(this.current, {
      input_tokens: Math.max(before.input_tokens, after.input_tokens),
      output_tokens: after.output_tokens,
      cache_read_tokens: Math.max(before.cache_read_tokens, after.cache_read_tokens),
      cache_write_tokens: Math.max(before.cache_write_tokens, after.cache_write_tokens),
    });
    return true;
  }

  /** Takes the answer to `get_session_cost`, which is made for people: rounded, and the only word on money before a result. */
  quoted(text: string): boolean {
    const amount = /cost:\s*\$(\d+(?:\.\d+)?)/i.exec(text)?.[1];
    if (/unknown model/i.test(text)) this.unpriced = true;
    return amount !== undefined && this.price(Math.max(Number(amount), this.cost ?? 0));
  }

  /** Takes a `result`, whose `modelUsage` and `total_cost_usd` are totals of the process. */
  concluded(result: Json): void {
    const models = Object.values(object(result['modelUsage'])).map(object);
    if (models.length > 0) {
      this.settled = models.map(readModelUsage).reduce(add, emptyUsage());
      this.open.clear();
      if (models.some((model) => model['costBasis'] === 'unknown')) this.unpriced = true;
    }
    const cost = number(result['total_cost_usd']);
    if (cost !== undefined) this.price(cost);
  }

  /** A model that the CLI has no price for gets one that it made up, or none; unpriced is neither that nor free. */
  private price(cost: number): boolean {
    const { input_tokens: input, output_tokens: output } = this.total;
    const before = this.cost;
    this.cost = this.unpriced || (cost === 0 && input + output > 0) ? null : cost;
    return this.cost !== before;
  }
}

function readUsage(usage: Json): Usage {
  return {
    input_tokens: number(usage['input_tokens']) ?? 0,
    output_tokens: number(usage['output_tokens']) ?? 0,
    cache_read_tokens: number(usage['cache_read_input_tokens']) ?? 0,
    cache_write_tokens: number(usage['cache_creation_input_tokens']) ?? 0,
  };
}

function readModelUsage(usage: Json): Usage {
  return {
    input_tokens: number(usage['inputTokens']) ?? 0,
    output_tokens: number(usage['outputTokens']) ?? 0,
    cache_read_tokens: number(usage['cacheReadInputTokens']) ?? 0,
    cache_write_tokens: number(usage['cacheCreationInputTokens']) ?? 0,
  };
}

function add(a: Usage, b: Usage): Usage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
  };
}
