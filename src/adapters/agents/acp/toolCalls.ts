/** Tool calls of an ACP agent, whose parts come one after another in updates, in any order. */
import { object, objects, string, type Json } from '../json.ts';
import { relativeTo, shortened } from '../toolText.ts';
import type { Channel } from '../channel.ts';

export class ToolCalls {
  private readonly cwd: string;
  private readonly say: Channel['push'];
  private readonly calls = new Map<string, Json>();
  private readonly told = new Set<string>();
  private readonly ended = new Set<string>();

  constructor(cwd: string, say: Channel['push']) {
    this.cwd = cwd;
    this.say = say;
  }

  get count(): number {
    return this.told.size;
  }

  /** Takes a `tool_call` or `tool_call_update`. A call is told once it is known what it does, and its result once. */
  update(update: Json): void {
    const id = string(update['toolCallId']) ?? '';
    const call = this.merged(id, update);
    const status = string(call['status']);
    if (status === 'pending' || status === undefined) return;
    this.tell(id, call);
    if ((status !== 'completed' && status !== 'failed') || this.ended.has(id)) return;
    this.ended.add(id);
    this.say({ type: 'tool_result', id, ok: status === 'completed', output: outputOf(call, this.cwd) });
  }

  /** The call that a permission is asked for, which some agents have not told of before. */
  asked(toolCall: Json): { tool: string; title: string; input: Record<string, unknown> } {
    const id = string(toolCall['toolCallId']) ?? '';
    const call = this.merged(id, toolCall);
    this.tell(id, call);
    return describe(call, this.cwd);
  }

  /** Not every agent says of each call how it ended. */
  close(ok: boolean): void {
    for (const id of this.told) if (!this.ended.has(id)) this.say({ type: 'tool_result', id, ok, output: ok ? '' : 'It was still at work when the attempt ended.' });
    this.told.clear();
    this.calls.clear();
  }

  private merged(id: string, update: Json): Json {
    const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== null && value !== undefined && !isEmpty(value)));
    const call = { ...this.calls.get(id), ...given };
    this.calls.set(id, call);
    return call;
  }

  private tell(id: string, call: Json): void {
    if (this.told.has(id)) return;
    this.told.add(id);
    const { tool, title, input } = describe(call, this.cwd);
    this.say({ type: 'tool_call', id, name: tool, title, input });
  }
}

/** The tool is named by its kind (execute, edit, read …), which all agents share; a title says what it does. */
function describe(call: Json, cwd: string): { tool: string; title: string; input: Record<string, unknown> } {
  const tool = string(call['kind']) ?? 'other';
  const title = (string(call['title']) ?? tool).trim();
  const raw = object(call['rawInput']);
  const command = string(raw['command']) ?? (tool === 'execute' ? title : undefined);
  if (command !== undefined) return { tool, title: `${tool}: ${command.split('\n')[0] ?? ''}`, input: { command } };
  const diffs = objects(call['content']).filter((part) => part['type'] === 'diff');
  const named = [...diffs, ...objects(call['locations'])].map((one) => string(one['path'])).concat(string(raw['filePath']), string(raw['file_path']), string(raw['path']));
  const paths = [...new Set(named.filter((file) => file !== undefined).map((file) => relativeTo(cwd, file)))];
  const diff = string(raw['diff']) ?? (typeof call['rawInput'] === 'string' ? call['rawInput'] : diffs.map((one) => diffOf(one, cwd)).join(''));
  const input = { ...(paths.length === 0 ? raw : { paths }), ...(diff === '' ? {} : { diff }) };
  return { tool, title: `${tool}: ${paths.length === 0 ? title : paths.join(', ')}`, input };
}

/** ACP gives both texts; what is equal at their ends is left out. */
function diffOf(part: Json, cwd: string): string {
  const file = relativeTo(cwd, string(part['path']) ?? '');
  const before = string(part['oldText'])?.split('\n') ?? [];
  const after = (string(part['newText']) ?? '').split('\n');
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const lines = [...before.slice(start, before.length - end).map((line) => `-${line}`), ...after.slice(start, after.length - end).map((line) => `+${line}`)];
  return `--- ${part['oldText'] === null || part['oldText'] === undefined ? '/dev/null' : `a/${file}`}\n+++ b/${file}\n@@ line ${start + 1} @@\n${lines.join('\n')}\n`;
}

function outputOf(call: Json, cwd: string): string {
  const texts = objects(call['content']).map((part) => (part['type'] === 'diff' ? diffOf(part, cwd) : (string(object(part['content'])['text']) ?? '')));
  return shortened(texts.filter((text) => text !== '').join('\n').trimEnd());
}

function isEmpty(value: unknown): boolean {
  return (Array.isArray(value) && value.length === 0) || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0);
}
