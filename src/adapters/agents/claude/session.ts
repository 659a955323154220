/** One running Claude Code process: its control protocol on one side, agent messages on the other. */
import { randomUUID } from 'node:crypto';
import { BatonError, messageOf } from '../../../core/errors.ts';
import type { AgentRequest, AgentSession, PermissionAnswer } from '../../../engine/ports.ts';
import type { Spawned } from '../../process/spawn.ts';
import type { Channel } from '../channel.ts';
import { follow } from '../follow.ts';
import { kindOfStatus } from '../httpStatus.ts';
import { number, object, objects, parseLine, string, type Json } from '../json.ts';
import { Paragraphs } from '../paragraphs.ts';
import { closedUntil, endOf, errorOf, type Evidence } from './outcome.ts';
import { toolOutput, toolTitle } from './tools.ts';
import { UsageMeter } from './usage.ts';

/** Milliseconds that a CLI gets to exit after its last result. */
const EXIT_MS = 5_000;
/** Milliseconds after a result in which the CLI must begin with a message that it has not taken up yet. */
const NEXT_TURN_MS = 5_000;
/** A CLI at work without anything worth saying is shown to live at least this often. */
const PULSE_MS = 15_000;
/** The first refusal may be a token that is just being renewed; the second is meant. */
const REFUSALS = 2;

export class ClaudeSession implements AgentSession {
  readonly messages: Channel;
  private readonly request: AgentRequest;
  private readonly spawned: Spawned;
  private readonly evidence: Evidence = {};
  private readonly meter = new UsageMeter();
  private readonly text = new Paragraphs();
  private readonly thinking = new Paragraphs();
  /** Input of the permission requests that wait for an answer. */
  private readonly pending = new Map<string, Json>();
  private readonly questions = new Set<string>();
  private sent = 0;
  private taken = 0;
  private closing = false;
  private lastSaid = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(request: AgentRequest, spawned: Spawned, sessionId: string, channel: Channel) {
    this.request = request;
    this.spawned = spawned;
    this.messages = channel;
    channel.push({ type: 'started', session_id: sessionId, model: request.model, process: spawned.identity });
    void this.follow();
    this.write({ type: 'control_request', request_id: randomUUID(), request: { subtype: 'initialize', hooks: null } });
    this.writeUser(request.prompt);
  }

  answer(requestId: string, answer: PermissionAnswer): Promise<void> {
    const input = this.pending.get(requestId);
    if (!input) return Promise.reject(new BatonError('not_found', 'The agent no longer waits for this answer.', { hint: 'It was withdrawn or answered already.' }));
    this.pending.delete(requestId);
    const response = answer.behavior === 'allow' ? { behavior: 'allow', updatedInput: answer.input ?? input } : { behavior: 'deny', message: answer.message, interrupt: false };
    this.write({ type: 'control_response', response: { subtype: 'success', request_id: requestId, response } });
    return Promise.resolve();
  }

  send(text: string): Promise<void> {
    if (this.closing || this.messages.isEnded) return Promise.reject(new BatonError('conflict', 'The agent has finished and takes no more messages.', { hint: 'Request changes instead.' }));
    this.writeUser(text);
    this.messages.push({ type: 'user', text });
    return Promise.resolve();
  }

  async kill(reason: string): Promise<void> {
    if (!this.closing) this.evidence.killed ??= reason;
    await this.spawned.killTree();
  }

  private async follow(): Promise<void> {
    const { exit, stderr } = await follow(this.spawned, this.messages, (line) => this.receive(line), () => {
      clearTimeout(this.timer);
      this.closing = true;
    });
    this.messages.end(endOf(this.evidence, exit, stderr, this.request.output_schema !== undefined));
  }

  private receive(line: string): void {
    const message = parseLine(line);
    if (!message) {
      if (line.trim() !== '') this.messages.push({ type: 'log', text: line });
      return;
    }
    this.dispatch(message);
    if (performance.now() - this.lastSaid > PULSE_MS) this.sayUsage();
  }

  private dispatch(message: Json): void {
    switch (message['type']) {
      case 'control_request':
        this.onControlRequest(message);
        break;
      case 'control_cancel_request':
        this.onControlCancel(message);
        break;
      case 'control_response':
        this.onControlResponse(message);
        break;
      case 'system':
        this.onSystem(message);
        break;
      case 'stream_event':
        this.onStreamEvent(message);
        break;
      case 'assistant':
        this.onAssistant(message);
        break;
      case 'user':
        this.onUser(message);
        break;
      case 'rate_limit_event':
        this.onLimit(message);
        break;
      case 'result':
        this.onResult(message);
        break;
    }
  }

  // ------------------------------------------------------------ from the CLI

  private onControlRequest(message: Json): void {
    const id = string(message['request_id']) ?? '';
    const request = object(message['request']);
    if (request['subtype'] !== 'can_use_tool') {
      this.write({ type: 'control_response', response: { subtype: 'error', request_id: id, error: 'Baton does not answer this request.' } });
      return;
    }
    const input = object(request['input']);
    const tool = string(request['tool_name']) ?? 'unknown';
    this.pending.set(id, input);
    const reason = string(request['decision_reason']) ?? string(request['description']) ?? null;
    this.say({ type: 'permission', request_id: id, tool, title: toolTitle(tool, input, this.request.cwd), input, reason });
  }

  private onControlCancel(message: Json): void {
    const id = string(message['request_id']) ?? '';
    if (this.pending.delete(id)) this.say({ type: 'permission_withdrawn', request_id: id });
  }

  private onControlResponse(message: Json): void {
    const response = object(message['response']);
    if (!this.questions.delete(string(response['request_id']) ?? '')) return;
    if (this.meter.quoted(string(object(response['response'])['text']) ?? '')) this.sayUsage();
  }

  private onSystem(message: Json): void {
    if (message['subtype'] === 'init') {
      this.evidence.started = true;
      if (!this.closing) clearTimeout(this.timer);
      delete this.evidence.result; // another turn: its own result counts
      this.say({ type: 'started', session_id: string(message['session_id']) ?? null, model: string(message['model']) ?? null, process: this.spawned.identity });
    } else if (message['subtype'] === 'api_retry') this.onRetry(message);
    else if (message['subtype'] === 'model_fallback' || message['subtype'] === 'informational') this.say({ type: 'log', text: string(message['content']) ?? '' });
  }

  private onRetry(message: Json): void {
    const status = number(message['error_status']) ?? null;
    const attempt = number(message['attempt']) ?? 1;
    const delay = number(message['retry_delay_ms']) ?? null;
    const error = string(message['error']) ?? 'unknown';
    // Left alone the CLI would go on being refused for minutes.
    if ((status === 401 || status === 403) && attempt >= REFUSALS) {
      this.settle({ kind: kindOfStatus(status), message: `The provider refused the sign-in (${status} ${error}). Sign in again with \`claude\`, or check its API key.`, status });
      return;
    }
    const what = status === null ? 'The connection to the provider broke' : `The provider answered ${status} (${error})`;
    const when = delay === null ? '' : ` in ${(delay / 1000).toFixed(1)} s`;
    this.say({ type: 'retrying', message: `${what}; trying again${when}, ${attempt} of ${number(message['max_retries']) ?? '?'}`, status, delay_ms: delay });
  }

  private onStreamEvent(message: Json): void {
    const event = object(message['event']);
    const main = message['parent_tool_use_id'] === null;
    if (this.meter.streamed(event, main)) this.sayUsage();
    if (event['type'] === 'message_stop') this.ask('get_session_cost');
    if (!main) return;
    if (event['type'] === 'content_block_start') {
      this.text.reset();
      this.thinking.reset();
    } else if (event['type'] === 'content_block_delta') {
      const delta = object(event['delta']);
      const text = this.text.add(string(delta['text']) ?? '');
      if (text !== undefined) this.say({ type: 'text', text });
      const thinking = this.thinking.add(string(delta['thinking']) ?? '');
      if (thinking !== undefined) this.say({ type: 'thinking', text: thinking });
    }
  }

  private onAssistant(message: Json): void {
    const failed = string(message['error']);
    if (failed !== undefined) this.evidence.apiError = failed;
    const main = message['parent_tool_use_id'] === null;
    for (const block of objects(object(message['message'])['content'])) {
      if (block['type'] === 'tool_use') {
        const name = string(block['name']) ?? 'unknown';
        const input = object(block['input']);
        this.say({ type: 'tool_call', id: string(block['id']) ?? '', name, title: toolTitle(name, input, this.request.cwd), input });
      } else if (block['type'] === 'text') this.sayText(main, string(block['text']) ?? '');
      else if (block['type'] === 'thinking' && main) {
        const text = this.thinking.rest(string(block['thinking']) ?? '').trim();
        if (text !== '') this.say({ type: 'thinking', text });
      }
    }
  }

  private onUser(message: Json): void {
    if (message['isReplay'] === true) {
      this.taken += 1;
      return;
    }
    for (const block of objects(object(message['message'])['content'])) {
      if (block['type'] === 'tool_result') this.say({ type: 'tool_result', id: string(block['tool_use_id']) ?? '', ok: block['is_error'] !== true, output: toolOutput(block['content']) });
    }
  }

  private onLimit(message: Json): void {
    const until = closedUntil(message);
    if (until === undefined) return;
    if (until !== null) this.evidence.resetsAt = until;
    this.say({ type: 'limit', message: 'The usage limit of this account is reached.', resets_at: until });
  }

  private onResult(message: Json): void {
    this.evidence.result = message;
    this.meter.concluded(message);
    this.sayUsage();
    const error = errorOf(message, this.evidence);
    if (!error && this.taken < this.sent) {
      // A message that came late is taken up as a turn of its own.
      this.timer = setTimeout(() => this.finish(), NEXT_TURN_MS);
      return;
    }
    const limited = error && (error.kind === 'usage_limit' || error.kind === 'rate_limit');
    if (limited && this.evidence.resetsAt === undefined) this.say({ type: 'limit', message: error.message, resets_at: null });
    this.finish();
  }

  // ------------------------------------------------------------ to the CLI

  /** Lets the CLI go: it exits when its input ends, and is ended when it does not. */
  private finish(): void {
    if (this.closing) return;
    this.closing = true;
    this.spawned.child.stdin.end();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.endTree(), EXIT_MS);
  }

  private settle(error: NonNullable<Evidence['fatal']>): void {
    this.evidence.fatal ??= error;
    this.closing = true;
    this.endTree();
  }

  private endTree(): void {
    this.spawned.killTree().catch((error: unknown) => this.messages.push({ type: 'log', text: messageOf(error) }));
  }

  private ask(subtype: string): void {
    if (this.closing) return;
    const id = randomUUID();
    this.questions.add(id);
    this.write({ type: 'control_request', request_id: id, request: { subtype } });
  }

  private writeUser(text: string): void {
    this.sent += 1;
    this.write({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] }, parent_tool_use_id: null, session_id: '' });
  }

  private write(message: unknown): void {
    if (this.spawned.child.stdin.writable) this.spawned.child.stdin.write(JSON.stringify(message) + '\n');
  }

  // ------------------------------------------------------------ to the engine

  private say(message: Parameters<Channel['push']>[0]): void {
    this.lastSaid = performance.now();
    this.messages.push(message);
  }

  private sayText(main: boolean, whole: string): void {
    const text = (main ? this.text.rest(whole) : whole).trim();
    if (text !== '') this.say(main ? { type: 'text', text } : { type: 'log', text: `Subagent: ${text}` });
  }

  private sayUsage(): void {
    this.say({ type: 'usage', usage: this.meter.total, cost_usd: this.meter.costUsd, turns: this.meter.turns });
  }
}
