/** Anthropic's Messages API: requests in, turns out as JSON or server-sent events. */
import type { ServerResponse } from 'node:http';
import { hex, list, parts, sendEvents, type Json, type Protocol } from './protocol.ts';
import type { Conversation, Message, ToolResult, Turn } from './scenario.ts';
import { concreteCall } from './tools.ts';

export const anthropic: Protocol = { readConversation, errorBody, writeTurn };

/** Reads a `/v1/messages` body. */
function readConversation(body: Json): Conversation {
  const messages = list(body['messages']).map(readMessage);
  const system = textOf(body['system']);
  const everything = system + '\n' + JSON.stringify(body['messages']).replaceAll('\\n', '\n');
  const opened = messages.findLastIndex((one) => one.role === 'user' && one.results.length === 0 && one.text !== '');
  const cwd = /(?:primary )?working directory: ?([^\n<"]+)/i.exec(everything);
  return {
    model: String(body['model']),
    system,
    cwd: cwd?.[1]?.trim() ?? null,
    messages,
    prompt: messages[opened]?.text ?? '',
    last: messages.at(-1)?.text ?? '',
    results: messages.at(-1)?.results ?? [],
    answers: messages.slice(opened + 1).filter((one) => one.role === 'assistant').length,
    tools: list(body['tools']).map((tool) => String(tool['name'])),
  };
}

function errorBody(error: NonNullable<Turn['error']>): unknown {
  const type = error.type ?? { 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error', 529: 'overloaded_error' }[error.status] ?? (error.status < 500 ? 'invalid_request_error' : 'api_error');
  return error.body ?? { type: 'error', error: { type, message: error.message ?? `Scripted error ${error.status}` }, request_id: `req_${hex(8)}` };
}

async function writeTurn(response: ServerResponse, turn: Turn, conversation: Conversation, stream: boolean): Promise<void> {
  const blocks = blocksOf(turn, conversation);
  const usage = {
    input_tokens: turn.usage?.input ?? 1000,
    cache_creation_input_tokens: turn.usage?.cache_write ?? 0,
    cache_read_input_tokens: turn.usage?.cache_read ?? 0,
    cache_creation: { ephemeral_5m_input_tokens: turn.usage?.cache_write ?? 0, ephemeral_1h_input_tokens: 0 },
    service_tier: 'standard',
  };
  const output = turn.usage?.output ?? 50;
  const stopReason = blocks.some((block) => block['type'] === 'tool_use') ? 'tool_use' : 'end_turn';
  const message = { id: `msg_${hex(12)}`, type: 'message', role: 'assistant', model: conversation.model, stop_sequence: null };
  const headers = { 'request-id': `req_${hex(8)}`, ...turn.headers };
  if (!stream) {
    if (turn.cut === true) {
      response.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ ...message, content: blocks, stop_reason: stopReason, usage: { ...usage, output_tokens: output } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...headers });
  const events: Json[] = [{ type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } }];
  for (const [index, block] of blocks.entries()) events.push(...blockEvents(index, block));
  events.push({ type: 'message_delta', delta: { stop_reason: stopReason, stop_sequence: null }, usage: { ...usage, output_tokens: output } }, { type: 'message_stop' });
  await sendEvents(response, turn, events, (event) => event['type'] === 'content_block_delta');
}

function blocksOf(turn: Turn, conversation: Conversation): Json[] {
  const blocks: Json[] = [];
  if (turn.thinking !== undefined) blocks.push({ type: 'thinking', thinking: turn.thinking, signature: 'scripted-signature' });
  if (turn.text !== undefined) blocks.push({ type: 'text', text: turn.text });
  for (const use of turn.tools ?? []) blocks.push({ type: 'tool_use', id: `toolu_${hex(12)}`, ...concreteCall(use, conversation.tools, conversation.cwd) });
  if (blocks.length === 0) blocks.push({ type: 'text', text: 'Done.' });
  return blocks;
}

function blockEvents(index: number, block: Json): Json[] {
  const delta = (value: Json): Json => ({ type: 'content_block_delta', index, delta: value });
  const start = (value: Json): Json => ({ type: 'content_block_start', index, content_block: value });
  const stop = { type: 'content_block_stop', index };
  if (block['type'] === 'text') return [start({ type: 'text', text: '' }), ...parts(String(block['text'])).map((text) => delta({ type: 'text_delta', text })), stop];
  if (block['type'] === 'thinking') {
    const texts = parts(String(block['thinking'])).map((thinking) => delta({ type: 'thinking_delta', thinking }));
    return [start({ type: 'thinking', thinking: '', signature: '' }), ...texts, delta({ type: 'signature_delta', signature: block['signature'] }), stop];
  }
  return [start({ ...block, input: {} }), ...parts(JSON.stringify(block['input'])).map((json) => delta({ type: 'input_json_delta', partial_json: json })), stop];
}

function readMessage(message: Json): Message {
  const content = message['content'];
  const blocks = Array.isArray(content) ? (content as Json[]) : [{ type: 'text', text: content }];
  const results: ToolResult[] = blocks
    .filter((block) => block['type'] === 'tool_result')
    .map((block) => ({ id: String(block['tool_use_id']), ok: block['is_error'] !== true, output: spoken(textOf(block['content'])) }));
  return { role: message['role'] === 'assistant' ? 'assistant' : 'user', text: spoken(textOf(blocks)), results };
}

/** A text without what the CLI slips in for the model. */
function spoken(text: string): string {
  return text.replace(/<system-reminder>[\s\S]*?<\/system-reminder>/g, '').trim();
}

/** The texts of a string or of content blocks. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return list(content)
    .filter((block) => block['type'] === 'text')
    .map((block) => String(block['text']))
    .join('\n');
}
