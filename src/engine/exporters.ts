/** What tells monitoring systems about an engine: started, restarted and ended as the configuration says, without a restart and without ever holding the loop up. */
import type { Config } from '../core/config/schema.ts';
import { BatonError, messageOf, type Problem } from '../core/errors.ts';
import type { HealthReport } from '../shared/health.ts';
import type { Snapshot } from '../shared/api.ts';
import type { Committed } from './lifecycle.ts';
import type { Disposable, Log, Sources } from './ports.ts';

/** What an exporter sees of the engine. */
export interface ExporterFeed {
  readonly repository: { readonly name: string; readonly root: string };
  snapshot(): Promise<Snapshot>;
  health(): Promise<HealthReport>;
  /** Calls back after each commit with what it changed and what it added to the metrics. */
  onCommitted(listener: (committed: Committed) => void): Disposable;
}

export interface Exporter {
  close(): Promise<void>;
}

/** Makers of the exporters; each loads its libraries when it is called, and rejects with a BatonError that says what to do. */
export interface ExporterMakers {
  /** Serves /healthz, /readyz and /metrics on the loopback interface. */
  http(settings: { readonly port: number; readonly token?: string | undefined }, feed: ExporterFeed): Promise<Exporter>;
  /** Sends spans and metrics to an OpenTelemetry collector. */
  telemetry(settings: { readonly endpoint: string; readonly headers: Readonly<Record<string, string>> }, feed: ExporterFeed, log: Log): Promise<Exporter>;
}

export interface ExportersOptions {
  readonly makers: ExporterMakers;
  readonly feed: ExporterFeed;
  readonly sources: Pick<Sources, 'locate'>;
  readonly log: Log;
  /** Called when `problems` has changed. */
  readonly changed: () => void;
}

type Kind = keyof ExporterMakers;
/** The key of the configuration that turns each of them on. */
const SWITCH: Readonly<Record<Kind, readonly [string, string]>> = { http: ['http', 'port'], telemetry: ['telemetry', 'otlp_endpoint'] };

export class Exporters {
  readonly #options: ExportersOptions;
  readonly #running = new Map<Kind, { readonly settings: string; readonly exporter: Exporter | undefined }>();
  readonly #problems = new Map<Kind, Problem>();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: ExportersOptions) {
    this.#options = options;
  }

  get problems(): Problem[] {
    return [...this.#problems.values()];
  }

  /** Makes what runs agree with the configuration; one change after another. */
  configure(config: Pick<Config, 'http' | 'telemetry'>): Promise<void> {
    const { http, telemetry } = config;
    const { makers, feed, log } = this.#options;
    const { port } = http;
    const { otlp_endpoint: endpoint, headers } = telemetry;
    this.#tail = this.#tail.then(async () => {
      await this.#follow('http', http, port === undefined ? undefined : () => makers.http({ ...http, port }, feed));
      await this.#follow('telemetry', telemetry, endpoint === undefined ? undefined : () => makers.telemetry({ endpoint, headers }, feed, log));
    });
    return this.#tail;
  }

  async close(): Promise<void> {
    await this.configure({ http: {}, telemetry: { headers: {} } });
  }

  async #follow(kind: Kind, section: object, start: (() => Promise<Exporter>) | undefined): Promise<void> {
    const settings = JSON.stringify(section);
    const before = this.#running.get(kind);
    if (start !== undefined && before?.settings === settings) return;
    this.#running.delete(kind);
    const hadProblem = this.#problems.delete(kind);
    try {
      await before?.exporter?.close();
      if (start !== undefined) this.#running.set(kind, { settings, exporter: await start() });
    } catch (error) {
      await this.#report(kind, error);
    }
    if (hadProblem || this.#problems.has(kind)) this.#options.changed();
  }

  async #report(kind: Kind, error: unknown): Promise<void> {
    const { log, sources } = this.#options;
    const message = error instanceof BatonError && error.hint !== undefined ? `${error.message} ${error.hint}` : messageOf(error);
    log.error(message, error);
    this.#problems.set(kind, { ...(await sources.locate(SWITCH[kind])), severity: 'error', source: 'config', message });
  }
}
