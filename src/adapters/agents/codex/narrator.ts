/** The items of a thread as they happen, told as agent messages: text, thinking, tool calls with their results. */
import type { Channel } from '../channel.ts';
import { string, type Json } from '../json.ts';
import { Paragraphs } from '../paragraphs.ts';
import { toolOutcome, toolUse } from './items.ts';

type Say = Channel['push'];

export class Narrator {
  private readonly cwd: string;
  private readonly say: Say;
  private readonly text = new Paragraphs();
  /** Calls without a result so far, by item. */
  private readonly open = new Map<string, Json>();

  constructor(cwd: string, say: Say) {
    this.cwd = cwd;
    this.say = say;
  }

  /** The item that is at work under this id. */
  item(id: string): Json | undefined {
    return this.open.get(id);
  }

  started(item: Json): void {
    if (item['type'] === 'agentMessage') this.text.reset();
    const use = toolUse(item, this.cwd);
    const id = string(item['id']) ?? '';
    if (use === undefined || this.open.has(id)) return;
    this.open.set(id, item);
    this.say({ type: 'tool_call', id, ...use });
  }

  delta(part: string): void {
    const text = this.text.add(part);
    if (text !== undefined) this.say({ type: 'text', text });
  }

  /** Takes a finished item; returns the text of a message. */
  completed(item: Json): string | undefined {
    switch (item['type']) {
      case 'agentMessage': {
        const whole = string(item['text']) ?? '';
        const text = this.text.rest(whole).trim();
        if (text !== '') this.say({ type: 'text', text });
        return whole;
      }
      case 'reasoning': {
        const text = thoughts(item['summary']) || thoughts(item['content']);
        if (text !== '') this.say({ type: 'thinking', text });
        return undefined;
      }
      case 'contextCompaction':
        this.say({ type: 'log', text: 'Codex shortened the conversation, which had grown too long.' });
        return undefined;
      default:
        this.result(item);
        return undefined;
    }
  }

  /** What is still at work when the attempt ends has no result of its own. */
  close(): void {
    for (const id of this.open.keys()) this.say({ type: 'tool_result', id, ok: false, output: 'It was still at work when the attempt ended.' });
    this.open.clear();
  }

  private result(item: Json): void {
    if (toolUse(item, this.cwd) === undefined) return;
    this.started(item);
    const id = string(item['id']) ?? '';
    this.open.delete(id);
    this.say({ type: 'tool_result', id, ...toolOutcome(item) });
  }
}

function thoughts(parts: unknown): string {
  return Array.isArray(parts) ? parts.filter((part) => typeof part === 'string').join('\n\n').trim() : '';
}
