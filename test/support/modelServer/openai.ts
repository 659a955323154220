/** OpenAI's Responses API: requests in, turns out as server-sent events. */
import type { ServerResponse } from 'node:http';
import { hex, list, parts, sendEvents, type Json, type Protocol } from './protocol.ts';
import type { Conversation, Message, ToolResult, Turn } from './scenario.ts';
import { concreteCall } from './tools.ts';

export const openai: Protocol = { readConversation, errorBody, writeTurn };

/** Reads a `/v1/responses` body. */
function readConversation(body: Json): Conversation {
  const input = list(body['input']);
  const messages = messagesOf(input);
  const opened = messages.findLastIndex((one) => one.role === 'user' && one.results.length === 0 && one.text !== '');
  const everything = input.map((item) => textOf(item['content'])).join('\n');
  return {
    model: String(body['model']),
    system: [textOf(body['instructions']), ...input.filter((item) => item['role'] === 'developer').map((item) => textOf(item['content']))].join('\n'),
    cwd: /<cwd>([^<]+)<\/cwd>/.exec(everything)?.[1]?.trim() ?? null,
    messages,
    prompt: messages[opened]?.text ?? '',
    last: messages.at(-1)?.text ?? '',
    results: messages.at(-1)?.results ?? [],
    answers: messages.slice(opened + 1).filter((one) => one.role === 'assistant').length,
    tools: toolsOf(body, input),
  };
}

function errorBody(error: NonNullable<Turn['error']>): unknown {
  const type = error.type ?? { 401: 'invalid_request_error', 404: 'invalid_request_error', 429: 'rate_limit_exceeded' }[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'server_error');
  const code = { 401: 'invalid_api_key', 404: 'model_not_found', 429: 'rate_limit_exceeded' }[error.status] ?? null;
  return error.body ?? { error: { type, code, param: null, message: error.message ?? `Scripted error ${error.status}` } };
}

async function writeTurn(response: ServerResponse, turn: Turn, conversation: Conversation): Promise<void> {
  const items = itemsOf(turn, conversation);
  const cached = turn.usage?.cache_read ?? 0;
  const input = (turn.usage?.input ?? 1000) + cached;
  const output = turn.usage?.output ?? 50;
  const usage = { input_tokens: input, input_tokens_details: { cached_tokens: cached }, output_tokens: output, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: input + output };
  const id = `resp_${hex(12)}`;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-request-id': `req_${hex(8)}`, ...turn.headers });
  const events: Json[] = [{ type: 'response.created', response: { id, model: conversation.model } }];
  for (const [index, item] of items.entries()) events.push(...itemEvents(index, item));
  events.push({ type: 'response.completed', response: { id, model: conversation.model, status: 'completed', output: items, usage } });
  await sendEvents(response, turn, events, (event) => String(event['type']).endsWith('.delta'));
}

function itemsOf(turn: Turn, conversation: Conversation): Json[] {
  const items: Json[] = [];
  if (turn.thinking !== undefined) items.push({ type: 'reasoning', id: `rs_${hex(12)}`, summary: [{ type: 'summary_text', text: turn.thinking }], encrypted_content: null });
  if (turn.text !== undefined) items.push(message(turn.text));
  for (const use of turn.tools ?? []) {
    const { name, input } = concreteCall(use, conversation.tools, conversation.cwd);
    if (name === 'answer') items.push(message(JSON.stringify(input)));
    else if (typeof input === 'string') items.push({ type: 'custom_tool_call', id: `ctc_${hex(12)}`, call_id: `call_${hex(12)}`, name, input, status: 'completed' });
    else items.push({ type: 'function_call', id: `fc_${hex(12)}`, call_id: `call_${hex(12)}`, name, arguments: JSON.stringify(input), status: 'completed' });
  }
  return items.length === 0 ? [message('Done.')] : items;
}

function message(text: string): Json {
  return { type: 'message', id: `msg_${hex(12)}`, role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] };
}

function itemEvents(index: number, item: Json): Json[] {
  const at = { output_index: index, item_id: item['id'] };
  const done = { type: 'response.output_item.done', output_index: index, item };
  if (item['type'] === 'message') {
    const texts = parts(textOf(item['content'])).map((delta) => ({ type: 'response.output_text.delta', ...at, content_index: 0, delta }));
    return [{ type: 'response.output_item.added', output_index: index, item: { ...item, status: 'in_progress', content: [] } }, ...texts, done];
  }
  if (item['type'] === 'reasoning') {
    const texts = parts(textOf(item['summary'])).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...at, summary_index: 0, delta }));
    const added = { type: 'response.output_item.added', output_index: index, item: { ...item, summary: [] } };
    return [added, { type: 'response.reasoning_summary_part.added', ...at, summary_index: 0, part: { type: 'summary_text', text: '' } }, ...texts, done];
  }
  return [{ type: 'response.output_item.added', output_index: index, item }, done];
}

/** Items in a row that one answer, or one round of tool results, is made of become one message. */
function messagesOf(input: readonly Json[]): Message[] {
  const messages: { role: 'user' | 'assistant'; text: string; results: ToolResult[] }[] = [];
  for (const item of input) {
    const type = String(item['type']);
    const last = messages.at(-1);
    if (type.endsWith('_call_output')) {
      const result = { id: String(item['call_id']), ok: item['success'] !== false, output: outputOf(item['output']) };
      if (last?.role === 'user' && last.results.length > 0) last.results.push(result);
      else messages.push({ role: 'user', text: '', results: [result] });
    } else if (type === 'message' && item['role'] === 'user') {
      const text = spoken(item['content']);
      if (text !== '') messages.push({ role: 'user', text, results: [] });
    } else if ((type === 'message' && item['role'] === 'assistant') || type.endsWith('_call')) {
      const text = type === 'message' ? textOf(item['content']) : '';
      if (last?.role === 'assistant') last.text = [last.text, text].filter((one) => one !== '').join('\n');
      else messages.push({ role: 'assistant', text, results: [] });
    }
  }
  return messages;
}

/** A user's words without what the CLI slips in for the model. */
function spoken(content: unknown): string {
  const own = list(content).filter((part) => !/^\s*(<environment_context>|<user_instructions>|# AGENTS\.md instructions|<turn_aborted>)/.test(String(part['text'])));
  return textOf(own).trim();
}

function outputOf(output: unknown): string {
  if (typeof output === 'string') return output;
  return Array.isArray(output) ? textOf(output) : JSON.stringify(output ?? '');
}

/** Names of the tools, in whichever place this model's requests carry them. */
function toolsOf(body: Json, input: readonly Json[]): string[] {
  const groups = [list(body['tools']), ...input.filter((item) => item['type'] === 'additional_tools').map((item) => list(item['tools']))];
  return groups.flat().flatMap((tool) => (tool['type'] === 'namespace' ? list(tool['tools']) : [tool])).map((tool) => String(tool['name'] ?? tool['type']));
}

/** The texts of a string or of content parts. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .filter((part) => typeof part['text'] === 'string')
    .map((part) => String(part['text']))
    .join('\n');
}
