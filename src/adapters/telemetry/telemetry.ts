/** Spans and metrics to an OpenTelemetry collector (OTLP over HTTP, JSON). A bundle of its own, loaded when an endpoint is configured. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Tracer } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { isTerminal, type TaskState } from '../../core/states.ts';
import { BatonError } from '../../core/errors.ts';
import type { Exporter, ExporterFeed } from '../../engine/exporters.ts';
import type { Committed } from '../../engine/lifecycle.ts';
import type { Log } from '../../engine/ports.ts';
import type { Redactor } from '../runs/redact.ts';
import { createInstruments } from './instruments.ts';
import { spansOf, type SpanTree } from './spans.ts';

export interface TelemetrySettings {
  /** Without the paths of the signals: `/v1/traces` and `/v1/metrics` are added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** ms for one request with its retries. */
const PATIENCE_MS = 3000;
/** ms that the end of an engine waits for what is left to send. */
const CLOSING_MS = 1500;

/** Rejects with `invalid_config` when the endpoint is no address. */
export function exportTelemetry(settings: TelemetrySettings, feed: ExporterFeed, log: Log, redactor: Pick<Redactor, 'redact'>): Promise<Exporter> {
  return Promise.resolve().then(() => start(settings, feed, log, redactor));
}

function start({ endpoint, headers }: TelemetrySettings, feed: ExporterFeed, log: Log, redactor: Pick<Redactor, 'redact'>): Exporter {
  const address = addressOf(endpoint);
  const link = new Link(address, log);
  const to = (signal: string): { url: string; headers: Record<string, string>; timeoutMillis: number } => ({ url: signalUrl(address, signal), headers: { ...headers }, timeoutMillis: PATIENCE_MS });
  const resource = resourceFromAttributes({ 'service.name': 'baton', 'vcs.repository.name': feed.repository.name });
  const traces = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter: link.through(new OTLPTraceExporter(to('traces'))) })] });
  const meters = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({ exporter: link.through(new OTLPMetricExporter(to('metrics'))) })] });
  const tracer = traces.getTracer('baton');
  const instruments = createInstruments(meters.getMeter('baton'));
  const subscription = feed.onCommitted((committed) => {
    if (committed.metrics) instruments.add(committed.metrics);
    const tree = hasEnded(committed) && committed.task ? spansOf(committed.task) : undefined;
    if (tree) emit(tracer, tree, ROOT_CONTEXT, redactor);
  });
  return {
    close: async () => {
      subscription.dispose();
      // Where nothing arrives, nothing is waited for.
      if (link.broken) link.close();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSING_MS)));
      const sent = Promise.allSettled([traces.shutdown(), meters.shutdown()]).then(() => true);
      if ((await Promise.race([sent, patience])) !== true) link.giveUp(`no answer within ${CLOSING_MS / 1000} s`);
      clearTimeout(timer);
      link.close();
    },
  };
}

function hasEnded({ events }: Committed): boolean {
  return events.some(({ type, data }) => type === 'task_state' && isTerminal(data['to'] as TaskState));
}

function emit(tracer: Tracer, tree: SpanTree, parent: Context, redactor: Pick<Redactor, 'redact'>): void {
  const { attributes, error } = tree;
  const span = tracer.startSpan(tree.name, { startTime: tree.start, kind: tree.client ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes }, parent);
  for (const event of tree.events) span.addEvent(event.name, event.attributes, event.at);
  if (error !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: redactor.redact(error) });
  for (const child of tree.children) emit(tracer, child, trace.setSpan(parent, span), redactor);
  span.end(tree.end);
}

interface Sender<Items> {
  export(items: Items, done: (result: ExportResult) => void): void;
}

/** What all signals know of the way to the collector: a failure is told once, until something has arrived again. */
class Link {
  readonly #address: URL;
  readonly #log: Log;
  #broken = false;
  #closed = false;

  constructor(address: URL, log: Log) {
    this.#address = address;
    this.#log = log;
  }

  /** Whether the latest request failed. */
  get broken(): boolean {
    return this.#broken;
  }

  /** From now on nothing is sent. */
  close(): void {
    this.#closed = true;
  }

  /** Tells of a request that is waited for no longer. */
  giveUp(why: string): void {
    this.#heard({ code: ExportResultCode.FAILED, error: new Error(why) });
  }

  /** The same exporter, which tells how its requests end. */
  through<Items, Exporting extends Sender<Items>>(exporter: Exporting & Sender<Items>): Exporting {
    const send = exporter.export.bind(exporter);
    exporter.export = (items: Items, done: (result: ExportResult) => void): void => {
      if (this.#closed) {
        done({ code: ExportResultCode.FAILED });
        return;
      }
      send(items, (result) => {
        this.#heard(result);
        done(result);
      });
    };
    return exporter;
  }

  #heard({ code, error }: ExportResult): void {
    const failed = code !== ExportResultCode.SUCCESS;
    if (failed === this.#broken || this.#closed) return;
    this.#broken = failed;
    const where = `${this.#address.origin}${this.#address.pathname}`;
    if (failed) this.#log.warn(`Spans and metrics do not reach ${where}: ${reasonOf(error)}. Tasks go on without; see telemetry.otlp_endpoint and whether the collector runs.`);
    else this.#log.info(`Spans and metrics reach ${where} again.`);
  }
}

/** A refused connection to a name with several addresses has a code and no message. */
function reasonOf(error: Error | undefined): string {
  if (error === undefined) return 'no reason was given';
  const code = 'code' in error ? String(error.code) : error.name;
  return error.message === '' ? code : error.message;
}

function addressOf(endpoint: string): URL {
  const address = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (address && (address.protocol === 'http:' || address.protocol === 'https:')) return address;
  throw new BatonError('invalid_config', 'telemetry.otlp_endpoint is no address of HTTP, so nothing is sent.', { hint: 'Set it to the collector’s address for OTLP over HTTP, for example http://127.0.0.1:4318.' });
}

function signalUrl(address: URL, signal: string): string {
  const url = new URL(address);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`;
  return url.href;
}
