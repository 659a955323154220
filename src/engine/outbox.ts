/**
 * Tells events by webhook. The outbox is the stored stream of events itself, with a cursor that moves on when a message was taken or given up: what
 * was not told before a crash or a restart is told after it, at least once and in order. Nothing waits for it.
 */
import type { Config } from '../core/config/schema.ts';
import { messageOf, type Problem } from '../core/errors.ts';
import { notificationEvent, notificationOf, webhookBody, type NotifiableEvent } from '../core/notifications.ts';
import { executeWithRetry } from '../core/retry.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Disposable, Ports, StoredEvent } from './ports.ts';

/** One attempt's limit, as Slack and GitHub give receivers of theirs. */
const TIMEOUT_MS = 10_000;
/** Events read at once. */
const PAGE = 500;

/** Stored under `webhook` in the store's meta; absent while no webhook is configured, so that turning one on does not tell the past. */
interface StoredCursor {
  /** Events up to this seq have been dealt with. */
  readonly seq: number;
}

export interface OutboxOptions {
  readonly ports: Pick<Ports, 'store' | 'webhook' | 'clock' | 'log' | 'repository' | 'sources'>;
  readonly lifecycle: Lifecycle;
  readonly config: () => Config;
  /** Called when `problem` has changed. */
  readonly changed: () => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #subscription: Disposable;
  readonly #closing = new AbortController();
  #cursor: number | undefined;
  /** Where the stored cursor stands. */
  #saved: number | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  #problem: Problem | undefined;

  constructor(options: OutboxOptions, stored: unknown) {
    this.#options = options;
    this.#cursor = (stored as StoredCursor | undefined)?.seq;
    this.#saved = this.#cursor;
    this.#subscription = options.lifecycle.onCommitted(({ events }) => {
      if (events.some((event) => this.#wanted(event))) this.wake();
    });
  }

  /** Set while the last message could not be brought to the receiver. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Follows the configuration: a webhook that was just turned on tells what happens from now on, one that was turned off forgets where it was. */
  async configure(): Promise<void> {
    const { store, log } = this.#options.ports;
    try {
      if (this.#address() === undefined) {
        if (this.#cursor !== undefined) await store.commit({ meta: { webhook: undefined } });
        this.#cursor = undefined;
        this.#report(undefined);
      } else if (this.#cursor === undefined) {
        // A commit of nothing tells how far the stream has come.
        await this.#save(await store.commit({}));
      }
    } catch (error) {
      log.error('Where the webhook stands could not be stored', error);
    }
  }

  /** Tells what is still to be told, in the background. */
  wake(): void {
    if (this.#cursor === undefined || this.#closing.signal.aborted) return;
    if (this.#working) {
      this.#again = true;
      return;
    }
    this.#inTurn(this.#work());
  }

  /** Waits so long for what is under way, then leaves the rest to the next start. */
  async close(patienceMs: number): Promise<void> {
    this.#subscription.dispose();
    const impatience = this.#options.ports.clock.after(patienceMs, () => this.#closing.abort(new Error('Baton is closing.')));
    while (this.#working) await this.#working;
    impatience.dispose();
    this.#closing.abort(new Error('Baton is closing.'));
  }

  /** Tells something that cannot be stored any more; only as long as this process lives. */
  tellUnstored(event: NotifiableEvent): void {
    if (this.#address() === undefined || !this.#wanted(event)) return;
    const before = this.#working ?? Promise.resolve();
    this.#inTurn(before.then(() => this.#deliver(event, `${this.#options.ports.repository.key}-${event.at}`)).catch(() => undefined));
  }

  #address(): string | undefined {
    const { enabled, webhook_url } = this.#options.config().notifications;
    return enabled ? webhook_url : undefined;
  }

  #wanted(event: Pick<NotifiableEvent, 'type' | 'data'>): boolean {
    const name = notificationEvent(event);
    return name !== undefined && this.#options.config().notifications.events.includes(name);
  }

  #inTurn(work: Promise<void>): void {
    const mine: Promise<void> = work.finally(() => {
      if (this.#working !== mine) return;
      this.#working = undefined;
      if (this.#again) this.wake();
    });
    this.#working = mine;
  }

  async #work(): Promise<void> {
    const { store, log } = this.#options.ports;
    try {
      this.#again = false;
      for (let page = await this.#next(); page.length > 0; page = await this.#next()) await this.#workOff(page);
    } catch (error) {
      if (!this.#closing.signal.aborted) log.error('The webhook stumbled; the next event sets it going again', error);
    }
    // A cursor far behind would make the next start read all of that again.
    if (this.#cursor !== undefined && this.#cursor - (this.#saved ?? 0) > PAGE) await store.commit({ meta: { webhook: { seq: this.#cursor } } }).catch(() => undefined);
  }

  async #next(): Promise<readonly StoredEvent[]> {
    if (this.#cursor === undefined || this.#closing.signal.aborted) return [];
    return this.#options.ports.store.events(this.#cursor, PAGE);
  }

  async #workOff(events: readonly StoredEvent[]): Promise<void> {
    for (const event of events) {
      if (this.#cursor === undefined) return;
      if (this.#wanted(event)) {
        await this.#deliver(event, `${this.#options.ports.repository.key}-${event.seq}`);
        // Turned off meanwhile: what happens until it is turned on again is not told.
        if (this.#address() === undefined) return;
        await this.#save(event.seq);
      } else {
        this.#cursor = event.seq;
      }
    }
  }

  /** Resolves when the message was taken or is given up; rejects when Baton closes before. */
  async #deliver(event: NotifiableEvent, id: string): Promise<void> {
    const { lifecycle, config, ports } = this.#options;
    const { clock, log, webhook, repository } = ports;
    const url = this.#address();
    const notification = notificationOf(event, event.task_id === null ? undefined : lifecycle.find(event.task_id), repository.name);
    if (url === undefined || notification === undefined) return;
    const { secret } = config().notifications;
    const request = { url, id, event: notification.event, body: webhookBody(notification, url, id), ...(secret === undefined ? {} : { secret }) };
    const { signal } = this.#closing;
    let attempts = 0;
    try {
      await executeWithRetry(
        (attempt) => {
          attempts = attempt.number;
          return webhook.send({ ...request, signal: attempt.signal });
        },
        { clock, timeoutMs: TIMEOUT_MS, signal },
        { operation: 'webhook' },
      );
      this.#report(undefined);
    } catch (error) {
      signal.throwIfAborted();
      const what = `The webhook for ${notification.event}${event.task_id === null ? '' : ` of ${event.task_id}`} was given up after ${attempts === 1 ? 'one attempt' : `${attempts} attempts`}: ${messageOf(error)}`;
      log.error(what);
      const place = await ports.sources.locate(['notifications', 'webhook_url']);
      this.#report({ ...place, severity: 'warning', source: 'config', message: `${what} Check notifications.webhook_url and its receiver.` });
    }
  }

  async #save(seq: number): Promise<void> {
    this.#cursor = seq;
    await this.#options.ports.store.commit({ meta: { webhook: { seq } satisfies StoredCursor } });
    this.#saved = seq;
  }

  #report(problem: Problem | undefined): void {
    if (problem === undefined && this.#problem === undefined) return;
    this.#problem = problem;
    this.#options.changed();
  }
}
