/** One running `codex app-server` with one thread: its protocol on one side, agent messages on the other. */
import { BatonError, messageOf } from '../../../core/errors.ts';
import type { AgentRequest, AgentSession, PermissionAnswer } from '../../../engine/ports.ts';
import type { Spawned } from '../../process/spawn.ts';
import type { Channel } from '../channel.ts';
import { follow } from '../follow.ts';
import { refuseEdit } from '../editable.ts';
import { object, string, type Json } from '../json.ts';
import { METHOD_NOT_FOUND, Rpc, RpcError, type RequestId } from '../rpc.ts';
import { Narrator } from './narrator.ts';
import { closedUntil, endOf, errorOf, errorOfTurn, infoOf, SIGN_IN, type AgentError, type Evidence } from './outcome.ts';
import { pendingOf, type Pending } from './requests.ts';
import { confinementOf } from './sandbox.ts';
import { toStrict } from './schema.ts';
import { UsageMeter } from './usage.ts';

/** Milliseconds that a CLI gets to exit after its last turn. */
const EXIT_MS = 5_000;
/** A CLI at work without anything worth saying is shown to live at least this often. */
const PULSE_MS = 15_000;
/** The first refusal may be a token that is just being renewed; the second is meant. */
const REFUSALS = 2;

export interface SessionOptions {
  /** Milliseconds that Codex may wait in silence after a 429 before it counts as a limit: it would sleep for as long as the provider says, hours if need be. */
  readonly patienceMs: number;
}

export class CodexSession implements AgentSession {
  readonly messages: Channel;
  private readonly request: AgentRequest;
  private readonly spawned: Spawned;
  private readonly options: SessionOptions;
  private readonly evidence: Evidence = { said: '' };
  private readonly meter = new UsageMeter();
  private readonly rpc: Rpc;
  private readonly narrator: Narrator;
  private readonly pending = new Map<string, Pending>();
  private readonly ourTurns = new Set<string>();
  /** Messages of the user that no turn has taken yet, and how many are on their way into one. */
  private readonly queued: string[] = [];
  private delivering = 0;
  private thread = '';
  /** The turn that is at work. */
  private turn: string | undefined;
  private refusals = 0;
  private closing = false;
  private lastSaid = 0;
  private timer: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;

  constructor(request: AgentRequest, spawned: Spawned, channel: Channel, options: SessionOptions) {
    this.request = request;
    this.spawned = spawned;
    this.options = options;
    this.messages = channel;
    this.narrator = new Narrator(request.cwd, (message) => this.say(message));
    this.rpc = new Rpc(
      (line) => {
        if (spawned.child.stdin.writable) spawned.child.stdin.write(line);
      },
      {
        notified: (method, params) => this.onNotification(method, params),
        asked: (id, method, params) => this.onRequest(id, method, params),
        noise: (line) => this.messages.push({ type: 'log', text: line }),
      },
      false,
    );
    channel.push({ type: 'started', session_id: request.resume, model: request.model, process: spawned.identity });
    void this.follow();
    void this.begin();
  }

  async answer(requestId: string, answer: PermissionAnswer): Promise<void> {
    const pending = this.pending.get(requestId);
    if (!pending) throw new BatonError('not_found', 'The agent no longer waits for this answer.', { hint: 'It was withdrawn or answered already.' });
    refuseEdit(pending.message, answer);
    this.pending.delete(requestId);
    if (answer.behavior === 'allow') this.rpc.respond(pending.id, pending.allow(answer.input));
    else if (pending.denyWith) this.rpc.respond(pending.id, pending.denyWith(answer.message));
    else {
      // Before the denial, so that the model has the reason when it goes on.
      await this.steer(pending.thread, pending.turn, `${pending.message.title} was denied: ${answer.message}`).catch((error: unknown) => this.messages.push({ type: 'log', text: messageOf(error) }));
      this.rpc.respond(pending.id, pending.deny);
    }
  }

  send(text: string): Promise<void> {
    if (this.closing || this.messages.isEnded) return Promise.reject(new BatonError('conflict', 'The agent has finished and takes no more messages.', { hint: 'Request changes instead.' }));
    this.messages.push({ type: 'user', text });
    void this.deliver(text);
    return Promise.resolve();
  }

  async kill(reason: string): Promise<void> {
    if (!this.closing) this.evidence.killed ??= reason;
    await this.spawned.killTree();
  }

  // ------------------------------------------------------------ the process

  private async follow(): Promise<void> {
    const { exit, stderr } = await follow(this.spawned, this.messages, (line) => this.receive(line), () => {
      clearTimeout(this.timer);
      clearTimeout(this.patience);
      this.closing = true;
    });
    this.rpc.close();
    this.narrator.close();
    this.messages.end(endOf(this.evidence, exit, stderr, this.request.output_schema));
  }

  private receive(line: string): void {
    this.rpc.receive(line);
    if (performance.now() - this.lastSaid > PULSE_MS) this.sayUsage();
  }

  private async begin(): Promise<void> {
    const { request } = this;
    try {
      await this.rpc.request('initialize', { clientInfo: { name: 'baton', title: 'Baton', version: '1' }, capabilities: { experimentalApi: true, requestAttestation: false } });
      this.rpc.notify('initialized');
      // Left alone it would ask a provider that must refuse it, again and again.
      const account = await this.rpc.request('account/read', { refreshToken: false });
      if (account['requiresOpenaiAuth'] === true && account['account'] === null) {
        this.settle({ kind: 'authentication', message: `Codex is not signed in. ${SIGN_IN}` });
        return;
      }
      const common = { cwd: request.cwd, ...confinementOf(request), ...(request.model === null ? {} : { model: request.model }) };
      const set = request.resume === null ? await this.rpc.request('thread/start', common) : await this.rpc.request('thread/resume', { threadId: request.resume, excludeTurns: true, ...common });
      this.thread = string(object(set['thread'])['id']) ?? '';
      this.evidence.started = true;
      this.say({ type: 'started', session_id: this.thread, model: string(set['model']) ?? null, process: this.spawned.identity });
      await this.startTurn(request.prompt);
    } catch (error) {
      if (!this.closing) this.settle(refusal(error, request.resume !== null && this.evidence.started !== true));
    }
  }

  private async startTurn(text: string): Promise<void> {
    const { output_schema: schema } = this.request;
    const started = await this.rpc.request('turn/start', { threadId: this.thread, input: input(text), ...(schema === undefined ? {} : { outputSchema: toStrict(schema) }) });
    const turn = string(object(started['turn'])['id']) ?? '';
    this.ourTurns.add(turn);
    // A turn may be over before its start is answered.
    if (this.evidence.turn?.['id'] !== turn) this.turn = turn;
    for (const message of this.queued.splice(0)) void this.deliver(message);
  }

  /** Brings a message into the turn that is at work; without one it waits for the next. */
  private async deliver(text: string): Promise<void> {
    if (this.turn === undefined) {
      this.queued.push(text);
      return;
    }
    this.delivering += 1;
    try {
      await this.steer(this.thread, this.turn, text);
    } catch {
      this.queued.push(text);
    }
    this.delivering -= 1;
    this.afterTurn();
  }

  private async steer(thread: string, turn: string, text: string): Promise<void> {
    await this.rpc.request('turn/steer', { threadId: thread, expectedTurnId: turn, input: input(text) });
  }

  // ------------------------------------------------------------ from the CLI

  private onRequest(id: RequestId, method: string, params: Json): void {
    const pending = pendingOf(id, method, params, this.narrator.item(string(params['itemId']) ?? ''), this.request.cwd);
    if (!pending) {
      this.messages.push({ type: 'log', text: `Codex asks for something that Baton does not give: ${method}` });
      this.rpc.refuse(id, 'Baton does not answer this request.');
      return;
    }
    this.pending.set(String(id), pending);
    this.say(pending.message);
  }

  private onNotification(method: string, params: Json): void {
    const main = string(params['threadId']) === this.thread;
    if (method.startsWith('item/') || method.startsWith('turn/')) clearTimeout(this.patience);
    switch (method) {
      case 'item/started':
        if (main) this.onItem(object(params['item']));
        return;
      case 'item/agentMessage/delta':
        if (main) this.narrator.delta(string(params['delta']) ?? '');
        return;
      case 'item/completed':
        if (main) this.evidence.said = this.narrator.completed(object(params['item'])) ?? this.evidence.said;
        return;
      case 'thread/tokenUsage/updated':
        if (this.meter.updated(string(params['threadId']) ?? '', object(params['tokenUsage']), main, !main || this.isOurs(string(params['turnId'])))) this.sayUsage();
        return;
      case 'account/rateLimits/updated': {
        const until = closedUntil(object(params['rateLimits']));
        if (until !== undefined) this.evidence.resetsAt = until;
        return;
      }
      case 'serverRequest/resolved':
        if (this.pending.delete(String(params['requestId']))) this.say({ type: 'permission_withdrawn', request_id: String(params['requestId']) });
        return;
      case 'error':
        if (main && params['willRetry'] === true) this.onRetry(object(params['error']));
        return;
      case 'turn/started':
        if (main) this.ourTurns.add(string(object(params['turn'])['id']) ?? '');
        return;
      case 'turn/completed':
        if (main) this.onTurnCompleted(object(params['turn']));
        return;
      case 'warning':
      case 'configWarning':
      case 'guardianWarning':
        this.messages.push({ type: 'log', text: string(params['message']) ?? string(params['summary']) ?? '' });
        return;
    }
  }

  private onItem(item: Json): void {
    const { max_turns: most } = this.request.agent;
    if (most !== undefined && this.meter.turns >= most && item['type'] !== 'userMessage') {
      this.settle({ kind: 'max_turns', message: `Reached the maximum number of turns (${most}).` });
    } else this.narrator.started(item);
  }

  private onRetry(error: Json): void {
    this.evidence.retried = error;
    const { status } = infoOf(error);
    const told = string(error['additionalDetails']) ?? string(error['message']) ?? '';
    if (status === 401 || status === 403) {
      this.refusals += 1;
      // Left alone it would go on being refused.
      if (this.refusals >= REFUSALS) {
        this.settle(errorOf({ ...error, message: told }, this.evidence));
        return;
      }
    }
    const what = status === undefined ? 'The connection to the provider broke' : `The provider answered ${status}`;
    this.say({ type: 'retrying', message: `${what}; trying again: ${told}`, status: status ?? null, delay_ms: null });
    clearTimeout(this.patience);
    if (status === 429) this.patience = setTimeout(() => this.limited({ kind: 'rate_limit', message: `The provider is asked too often: ${told}`, status }), this.options.patienceMs);
  }

  private onTurnCompleted(turn: Json): void {
    this.evidence.turn = turn;
    this.turn = undefined;
    this.sayUsage();
    const error = errorOfTurn(turn, this.evidence);
    if (error && (error.kind === 'usage_limit' || error.kind === 'rate_limit')) this.sayLimit(error);
    if (error) this.finish();
    else this.afterTurn();
  }

  /** Ends the session, unless messages came that no turn has taken up: they get one of their own. */
  private afterTurn(): void {
    if (this.turn !== undefined || this.evidence.turn === undefined || this.delivering > 0 || this.closing) return;
    const late = this.queued.splice(0).join('\n\n');
    if (late === '') this.finish();
    else this.startTurn(late).catch((error: unknown) => this.settle(refusal(error, false)));
  }

  private isOurs(turn: string | undefined): boolean {
    return turn !== undefined && this.ourTurns.has(turn);
  }

  // ------------------------------------------------------------ to the CLI

  /** Lets the CLI go: it exits when its input ends, and is ended when it does not. */
  private finish(): void {
    if (this.closing) return;
    this.closing = true;
    this.spawned.child.stdin.end();
    this.timer = setTimeout(() => this.endTree(), EXIT_MS);
  }

  private limited(error: AgentError): void {
    this.sayLimit(error);
    this.settle(error);
  }

  private settle(error: AgentError): void {
    this.evidence.fatal ??= error;
    this.closing = true;
    this.endTree();
  }

  private endTree(): void {
    this.spawned.killTree().catch((error: unknown) => this.messages.push({ type: 'log', text: messageOf(error) }));
  }

  // ------------------------------------------------------------ to the engine

  private say(message: Parameters<Channel['push']>[0]): void {
    this.lastSaid = performance.now();
    this.messages.push(message);
  }

  private sayUsage(): void {
    this.say({ type: 'usage', usage: this.meter.total, cost_usd: null, turns: this.meter.turns });
  }

  private sayLimit(error: AgentError): void {
    this.say({ type: 'limit', message: error.message, resets_at: error.resets_at ?? null });
  }
}

function input(text: string): Json[] {
  return [{ type: 'text', text, text_elements: [] }];
}

/** Why the session could not be set up. The protocol has one code for all refusals, so a lost session is told by its words. */
function refusal(error: unknown, resuming: boolean): AgentError {
  const message = messageOf(error);
  if (resuming && /no rollout|invalid (session|thread) id|not found/i.test(message)) return { kind: 'session_not_found', message: `Codex does not know the session any more: ${message}` };
  if (error instanceof RpcError && error.code === METHOD_NOT_FOUND) return { kind: 'unsupported', message: `This version of Codex cannot be driven: ${message}. Update it with: npm install -g @openai/codex@latest` };
  return { kind: 'unknown', message: `Codex refused to begin: ${message}` };
}
