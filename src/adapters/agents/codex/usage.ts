/** What an attempt has used so far: Codex tells totals of each thread after every request, never money. */
import { emptyUsage, type Usage } from '../../../core/execution.ts';
import { number, object, type Json } from '../json.ts';

export class UsageMeter {
  private readonly threads = new Map<string, { readonly before: Usage; total: Usage }>();
  /** Requests of the main thread. */
  turns = 0;

  get total(): Usage {
    return [...this.threads.values()].map(({ before, total }) => minus(total, before)).reduce(plus, emptyUsage());
  }

  /** Takes a `thread/tokenUsage/updated`; says whether the totals changed. `ours` is false for what a resumed thread tells of its past. */
  updated(thread: string, usage: Json, main: boolean, ours: boolean): boolean {
    const total = read(object(usage['total']));
    const known = this.threads.get(thread);
    if (!ours) {
      this.threads.set(thread, { before: total, total });
      return false;
    }
    const before = known?.before ?? minus(total, read(object(usage['last'])));
    if (known && same(known.total, total)) return false;
    this.threads.set(thread, { before, total });
    if (main) this.turns += 1;
    return true;
  }
}

/** Codex counts cached tokens among the input; Baton counts them apart. */
function read(usage: Json): Usage {
  const cacheRead = number(usage['cachedInputTokens']) ?? 0;
  const cacheWrite = number(usage['cacheWriteInputTokens']) ?? 0;
  return {
    input_tokens: Math.max(0, (number(usage['inputTokens']) ?? 0) - cacheRead - cacheWrite),
    output_tokens: number(usage['outputTokens']) ?? 0,
    cache_read_tokens: cacheRead,
    cache_write_tokens: cacheWrite,
  };
}

function combine(a: Usage, b: Usage, how: (a: number, b: number) => number): Usage {
  return {
    input_tokens: how(a.input_tokens, b.input_tokens),
    output_tokens: how(a.output_tokens, b.output_tokens),
    cache_read_tokens: how(a.cache_read_tokens, b.cache_read_tokens),
    cache_write_tokens: how(a.cache_write_tokens, b.cache_write_tokens),
  };
}

const plus = (a: Usage, b: Usage): Usage => combine(a, b, (x, y) => x + y);
const minus = (a: Usage, b: Usage): Usage => combine(a, b, (x, y) => Math.max(0, x - y));
const same = (a: Usage, b: Usage): boolean => Object.entries(a).every(([key, value]) => b[key as keyof Usage] === value);
