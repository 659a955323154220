/** Google's Gemini API: requests in, turns out as server-sent events. */
import type { ServerResponse } from 'node:http';
import { hex, list, parts, sendEvents, type Json, type Protocol } from './protocol.ts';
import type { Conversation, Message, Turn } from './scenario.ts';
import { concreteCall } from './tools.ts';

export const gemini: Protocol = { readConversation, errorBody, writeTurn };

/** Reads the body of a `…:streamGenerateContent`. */
function readConversation(body: Json): Conversation {
  const messages = list(body['contents']).map(readMessage).filter((one) => one.text !== '' || one.results.length > 0 || one.role === 'assistant');
  const opened = messages.findLastIndex((one) => one.role === 'user' && one.results.length === 0);
  const everything = JSON.stringify(body).replaceAll('\\n', '\n');
  return {
    // The route names it.
    model: '',
    system: textOf((body['systemInstruction'] as Json | undefined)?.['parts']),
    cwd: /(?:working in the following workspace director(?:y|ies):|current working directory:?|Workspace Directories:\*\*)\s*-?\s*([^\n"<]+)/i.exec(everything)?.[1]?.trim() ?? null,
    messages,
    prompt: messages[opened]?.text ?? '',
    last: messages.at(-1)?.text ?? '',
    results: messages.at(-1)?.results ?? [],
    answers: messages.slice(opened + 1).filter((one) => one.role === 'assistant').length,
    tools: list(body['tools']).flatMap((tool) => list(tool['functionDeclarations'])).map((tool) => String(tool['name'])),
  };
}

function errorBody(error: NonNullable<Turn['error']>): unknown {
  const status = { 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 429: 'RESOURCE_EXHAUSTED' }[error.status] ?? (error.status < 500 ? 'INVALID_ARGUMENT' : 'UNAVAILABLE');
  return error.body ?? { error: { code: error.status, status, message: error.message ?? `Scripted error ${error.status}` } };
}

async function writeTurn(response: ServerResponse, turn: Turn, conversation: Conversation): Promise<void> {
  const said: Json[] = [];
  if (turn.thinking !== undefined) said.push({ text: turn.thinking, thought: true });
  for (const text of parts(turn.text ?? '')) said.push({ text });
  for (const use of turn.tools ?? []) {
    const { name, input } = concreteCall(use, conversation.tools, conversation.cwd);
    said.push(name === 'answer' ? { text: JSON.stringify(input) } : { functionCall: { id: `fc_${hex(6)}`, name, args: input } });
  }
  if (said.length === 0) said.push({ text: 'Done.' });
  const prompt = (turn.usage?.input ?? 1000) + (turn.usage?.cache_read ?? 0);
  const output = turn.usage?.output ?? 50;
  const usageMetadata = { promptTokenCount: prompt, cachedContentTokenCount: turn.usage?.cache_read ?? 0, candidatesTokenCount: output, totalTokenCount: prompt + output };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...turn.headers });
  const events = said.map((part, index) => ({
    candidates: [{ index: 0, content: { role: 'model', parts: [part] }, ...(index === said.length - 1 ? { finishReason: 'STOP' } : {}) }],
    ...(index === said.length - 1 ? { usageMetadata } : {}),
  }));
  await sendEvents(response, turn, events, () => true, false);
}

function readMessage(content: Json): Message {
  const inside = list(content['parts']);
  const results = inside.flatMap((part) => {
    const answer = part['functionResponse'] as Json | undefined;
    return answer === undefined ? [] : [{ id: String(answer['id']), ok: !JSON.stringify(answer['response']).includes('"error"'), output: JSON.stringify(answer['response']) }];
  });
  return { role: content['role'] === 'model' ? 'assistant' : 'user', text: textOf(inside.filter((part) => !/^\s*(<session_context>|This is the Gemini CLI)/.test(String(part['text'])))), results };
}

function textOf(content: unknown): string {
  return list(content)
    .filter((part) => typeof part['text'] === 'string' && part['thought'] !== true)
    .map((part) => String(part['text']))
    .join('\n')
    .trim();
}
