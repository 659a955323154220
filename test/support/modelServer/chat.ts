/** OpenAI's chat completions, as gateways of every kind speak them: requests in, turns out as server-sent events. */
import type { ServerResponse } from 'node:http';
import { openai } from './openai.ts';
import { hex, list, parts, sendEvents, type Json, type Protocol } from './protocol.ts';
import type { Conversation, Message, ToolResult, Turn } from './scenario.ts';
import { concreteCall } from './tools.ts';

export const chat: Protocol = { readConversation, errorBody: openai.errorBody, writeTurn };

/** Reads the body of a `/v1/chat/completions`. */
function readConversation(body: Json): Conversation {
  const all = list(body['messages']);
  const messages = messagesOf(all);
  const opened = messages.findLastIndex((one) => one.role === 'user' && one.results.length === 0);
  const system = all.filter((one) => one['role'] === 'system' || one['role'] === 'developer').map((one) => textOf(one['content'])).join('\n');
  return {
    model: String(body['model']),
    system,
    cwd: /working directory: ?([^\n<"]+)/i.exec(system)?.[1]?.trim() ?? null,
    messages,
    prompt: messages[opened]?.text ?? '',
    last: messages.at(-1)?.text ?? '',
    results: messages.at(-1)?.results ?? [],
    answers: messages.slice(opened + 1).filter((one) => one.role === 'assistant').length,
    tools: list(body['tools']).map((tool) => String((tool['function'] as Json | undefined)?.['name'])),
  };
}

async function writeTurn(response: ServerResponse, turn: Turn, conversation: Conversation): Promise<void> {
  const id = `chatcmpl-${hex(8)}`;
  const chunk = (delta: Json, finish: string | null = null): Json => ({ id, object: 'chat.completion.chunk', created: 0, model: conversation.model, choices: [{ index: 0, delta, finish_reason: finish }] });
  const events: Json[] = [chunk({ role: 'assistant', content: '' })];
  if (turn.thinking !== undefined) events.push(chunk({ reasoning_content: turn.thinking }));
  const uses = (turn.tools ?? []).map((use) => concreteCall(use, conversation.tools, conversation.cwd));
  const spoken = [turn.text ?? '', ...uses.filter((use) => use.name === 'answer').map((use) => JSON.stringify(use.input))].join('');
  for (const content of parts(spoken === '' && uses.length === 0 ? 'Done.' : spoken)) events.push(chunk({ content }));
  const calls = uses.filter((use) => use.name !== 'answer');
  for (const [index, { name, input }] of calls.entries()) events.push(chunk({ tool_calls: [{ index, id: `call_${hex(8)}`, type: 'function', function: { name, arguments: JSON.stringify(input) } }] }));
  const cached = turn.usage?.cache_read ?? 0;
  const input = (turn.usage?.input ?? 1000) + cached;
  const output = turn.usage?.output ?? 50;
  events.push(chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'));
  events.push({ id, object: 'chat.completion.chunk', created: 0, model: conversation.model, choices: [], usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, prompt_tokens_details: { cached_tokens: cached } } });
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...turn.headers });
  await sendEvents(response, turn, events, () => true, false, 'data: [DONE]\n\n');
}

function messagesOf(all: readonly Json[]): Message[] {
  const messages: { role: 'user' | 'assistant'; text: string; results: ToolResult[] }[] = [];
  for (const one of all) {
    const text = textOf(one['content']);
    const last = messages.at(-1);
    if (one['role'] === 'tool') {
      const result = { id: String(one['tool_call_id']), ok: true, output: text };
      if (last?.role === 'user' && last.results.length > 0) last.results.push(result);
      else messages.push({ role: 'user', text: '', results: [result] });
    } else if (one['role'] === 'user' || one['role'] === 'assistant') messages.push({ role: one['role'], text, results: [] });
  }
  return messages;
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .filter((part) => typeof part['text'] === 'string')
    .map((part) => String(part['text']))
    .join('\n');
}
