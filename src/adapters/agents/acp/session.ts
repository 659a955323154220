/** One running ACP agent with one session: the protocol on one side, agent messages on the other. */
import { BatonError, messageOf } from '../../../core/errors.ts';
import type { AgentMessage, AgentRequest, AgentSession, PermissionAnswer } from '../../../engine/ports.ts';
import type { Spawned } from '../../process/spawn.ts';
import type { Channel } from '../channel.ts';
import { follow } from '../follow.ts';
import { refuseEdit } from '../editable.ts';
import { object, objects, string, type Json } from '../json.ts';
import { Paragraphs } from '../paragraphs.ts';
import { Rpc, type RequestId } from '../rpc.ts';
import { endOf, errorOf, type Evidence } from './outcome.ts';
import { modelRequest, modeRequest, whenLoadable } from './setUp.ts';
import { ToolCalls } from './toolCalls.ts';
import { UsageMeter } from './usage.ts';

/** Milliseconds that an agent gets to exit after its last turn. */
const EXIT_MS = 5_000;
/** An agent at work without anything worth saying is shown to live at least this often. */
const PULSE_MS = 15_000;
const PROTOCOL = 1;
/** Tells its provider's errors as its own words and then that all went well; an answer that cost no token is none. */
const TALKS_OF_ERRORS: ReadonlySet<string> = new Set(['Copilot']);

interface Pending {
  readonly id: RequestId;
  readonly message: Extract<AgentMessage, { type: 'permission' }>;
  readonly options: readonly Json[];
}

export class AcpSession implements AgentSession {
  readonly messages: Channel;
  private readonly request: AgentRequest;
  private readonly spawned: Spawned;
  private readonly rpc: Rpc;
  private readonly evidence: Evidence = { said: '' };
  private readonly meter = new UsageMeter();
  private readonly calls: ToolCalls;
  private readonly text = new Paragraphs();
  private block = '';
  private thought = '';
  private readonly pending = new Map<string, Pending>();
  /** What the next prompt says: messages of the user, and denials that ended a turn. */
  private readonly queued: string[] = [];
  /** A denial after which the agent has not said anything yet. */
  private denial: string | undefined;
  private session = '';
  private agent = '';
  private signIn = 'Sign in with the agent’s own command.';
  private listening = false;
  private closing = false;
  private lastSaid = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(request: AgentRequest, spawned: Spawned, channel: Channel) {
    this.request = request;
    this.spawned = spawned;
    this.messages = channel;
    this.calls = new ToolCalls(request.cwd, (message) => this.say(message));
    this.rpc = new Rpc(
      (line) => {
        if (spawned.child.stdin.writable) spawned.child.stdin.write(line);
      },
      {
        notified: (method, params) => {
          if (method === 'session/update' && this.listening) this.onUpdate(object(params['update']));
        },
        asked: (id, method, params) => this.onRequest(id, method, params),
        noise: (line) => this.messages.push({ type: 'log', text: line }),
      },
      true,
    );
    channel.push({ type: 'started', session_id: request.resume, model: request.model, process: spawned.identity });
    void this.follow();
    void this.work();
  }

  answer(requestId: string, answer: PermissionAnswer): Promise<void> {
    return Promise.resolve().then(() => this.reply(requestId, answer));
  }

  /** The protocol takes no word while a turn is at work: the message is the next prompt. */
  send(text: string): Promise<void> {
    if (this.closing || this.messages.isEnded) return Promise.reject(new BatonError('conflict', 'The agent has finished and takes no more messages.', { hint: 'Request changes instead.' }));
    this.messages.push({ type: 'user', text });
    this.queued.push(text);
    return Promise.resolve();
  }

  async kill(reason: string): Promise<void> {
    if (!this.closing) this.evidence.killed ??= reason;
    await this.spawned.killTree();
  }

  private reply(requestId: string, answer: PermissionAnswer): void {
    const pending = this.pending.get(requestId);
    if (!pending) throw new BatonError('not_found', 'The agent no longer waits for this answer.', { hint: 'It was withdrawn or answered already.' });
    refuseEdit(pending.message, answer);
    this.pending.delete(requestId);
    const option = optionOf(pending.options, answer.behavior === 'allow' ? 'allow' : 'reject');
    if (answer.behavior === 'deny') this.denial = `${pending.message.title} was denied: ${answer.message}`;
    this.rpc.respond(pending.id, { outcome: option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option } });
  }

  private async follow(): Promise<void> {
    const { exit, stderr } = await follow(this.spawned, this.messages, (line) => this.receive(line), () => {
      clearTimeout(this.timer);
      this.closing = true;
    });
    this.rpc.close();
    this.endBlock();
    this.calls.close(false);
    this.messages.end(endOf(this.evidence, exit, stderr, this.request.output_schema !== undefined));
  }

  private receive(line: string): void {
    this.rpc.receive(line);
    if (performance.now() - this.lastSaid > PULSE_MS) this.sayUsage();
  }

  private async work(): Promise<void> {
    try {
      await this.begin();
      for (let prompt: string | undefined = this.request.prompt; prompt !== undefined && !this.closing; prompt = this.nextPrompt()) await this.turn(prompt);
      this.finish();
    } catch (error) {
      if (this.closing) return;
      const failed = errorOf(error, this.signIn);
      if (failed.kind === 'rate_limit' || failed.kind === 'usage_limit' || failed.kind === 'usageLimitExceeded') this.say({ type: 'limit', message: failed.message, resets_at: null });
      this.evidence.fatal ??= failed;
      this.finish();
    }
  }

  private async begin(): Promise<void> {
    const { request } = this;
    const capabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
    const greeting = await this.rpc.request('initialize', { protocolVersion: PROTOCOL, clientInfo: { name: 'baton', title: 'Baton', version: '1' }, clientCapabilities: capabilities });
    this.agent = string(object(greeting['agentInfo'])['name']) ?? '';
    const ways = objects(greeting['authMethods']).map((one) => string(one['description']) ?? string(one['name'])).filter((one) => one !== undefined);
    if (ways.length > 0) this.signIn = `Ways to sign in: ${ways.join('; ')}.`;
    const set = await this.open(request.resume, object(greeting['agentCapabilities'])['loadSession'] === true);
    this.evidence.started = true;
    const model = modelRequest(this.session, set, request.agent.model === undefined ? null : request.model);
    if (model) await this.rpc.request(model.method, model.params);
    const mode = modeRequest(this.session, set, request);
    if (mode) await this.rpc.request(mode.method, mode.params);
    this.say({ type: 'started', session_id: this.session, model: request.model, process: this.spawned.identity });
  }

  private async open(resume: string | null, canLoad: boolean): Promise<Json> {
    const common = { cwd: this.request.cwd, mcpServers: [] };
    if (resume === null) {
      const set = await this.rpc.request('session/new', common);
      this.session = string(set['sessionId']) ?? '';
      return set;
    }
    if (!canLoad) {
      this.evidence.fatal = { kind: 'session_not_found', message: 'This agent cannot go on with a session.' };
      throw new BatonError('unsupported', this.evidence.fatal.message);
    }
    await whenLoadable(this.agent, (text) => this.say({ type: 'log', text }));
    this.session = resume;
    try {
      return await this.rpc.request('session/load', { sessionId: resume, ...common });
    } catch (error) {
      if (!this.closing) this.evidence.fatal ??= { kind: 'session_not_found', message: `The agent does not know the session any more: ${messageOf(error)}` };
      throw error;
    }
  }

  private async turn(prompt: string): Promise<void> {
    // What is told before the first prompt is the past of a session, or about its setting up.
    this.listening = true;
    this.denial = undefined;
    const calls = this.calls.count;
    const result = await this.rpc.request('session/prompt', { sessionId: this.session, prompt: [{ type: 'text', text: prompt }] });
    this.endBlock();
    const called = this.calls.count > calls;
    this.calls.close(true);
    const spent = this.meter.answered(result);
    this.sayUsage();
    this.evidence.stopReason = string(result['stopReason']) ?? 'end_turn';
    if (!spent && !called && TALKS_OF_ERRORS.has(this.agent)) this.evidence.fatal = { kind: 'unknown', message: this.evidence.said === '' ? 'The agent gave no answer.' : this.evidence.said };
  }

  /** A denial that ended the turn is told, so that the agent goes on without what it may not do; then the user's messages. */
  private nextPrompt(): string | undefined {
    const denied = this.denial === undefined ? [] : [`${this.denial}\n\nGo on without it, as far as you can.`];
    const parts = [...denied, ...this.queued.splice(0)];
    return parts.length === 0 || this.evidence.fatal !== undefined ? undefined : parts.join('\n\n');
  }

  // ------------------------------------------------------------ from the agent

  private onRequest(id: RequestId, method: string, params: Json): void {
    if (method !== 'session/request_permission') {
      // Files and terminals are the agent's own; those that ask all the same do without.
      this.rpc.refuse(id, `"Method not found": ${method}`);
      return;
    }
    this.endBlock();
    const { tool, title, input } = this.calls.asked(object(params['toolCall']));
    const message = { type: 'permission', request_id: String(id), tool, title, input, reason: null, editable: false } as const;
    this.pending.set(String(id), { id, message, options: objects(params['options']) });
    this.say(message);
  }

  private onUpdate(update: Json): void {
    const content = string(object(update['content'])['text']) ?? '';
    switch (update['sessionUpdate']) {
      case 'agent_message_chunk': {
        if (this.thought !== '') this.endBlock();
        this.denial = undefined;
        this.block += content;
        const text = this.text.add(content);
        if (text !== undefined) this.say({ type: 'text', text });
        return;
      }
      case 'agent_thought_chunk':
        if (this.block !== '') this.endBlock();
        this.thought += content;
        return;
      case 'tool_call':
        this.endBlock();
        this.denial = undefined;
        this.calls.update(update);
        return;
      case 'tool_call_update':
        this.calls.update(update);
        return;
      case 'usage_update':
        this.meter.updated(update);
        this.sayUsage();
        return;
    }
  }

  /** The protocol has no end of a message: what comes next ends it. */
  private endBlock(): void {
    const thought = this.thought.trim();
    this.thought = '';
    if (thought !== '') this.say({ type: 'thinking', text: thought });
    const whole = this.block;
    this.block = '';
    if (whole.trim() !== '') this.evidence.said = whole.trim();
    const rest = this.text.rest(whole).trim();
    if (rest !== '') this.say({ type: 'text', text: rest });
  }

  // ------------------------------------------------------------ ends

  /** Lets the agent go: it exits when its input ends, and is ended when it does not. */
  private finish(): void {
    if (this.closing) return;
    this.closing = true;
    this.spawned.child.stdin.end();
    this.timer = setTimeout(() => {
      this.spawned.killTree().catch((error: unknown) => this.messages.push({ type: 'log', text: messageOf(error) }));
    }, EXIT_MS);
  }

  private say(message: Parameters<Channel['push']>[0]): void {
    this.lastSaid = performance.now();
    this.messages.push(message);
  }

  private sayUsage(): void {
    this.say({ type: 'usage', usage: this.meter.total, cost_usd: this.meter.costUsd, turns: this.meter.turns });
  }
}

/** The option for this once; what holds for longer only where nothing else is offered. */
function optionOf(options: readonly Json[], kind: 'allow' | 'reject'): string | undefined {
  const found = options.find((one) => one['kind'] === `${kind}_once`) ?? (kind === 'reject' ? options.find((one) => one['kind'] === 'reject_always') : undefined);
  return string(found?.['optionId']);
}
