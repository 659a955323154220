/** The opt-in monitoring server: health, readiness and Prometheus metrics on the loopback interface. A bundle of its own, loaded when a port is configured. */
import * as crypto from 'node:crypto';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { BatonError, messageOf } from '../../core/errors.ts';
import type { Exporter, ExporterFeed } from '../../engine/exporters.ts';
import type { Snapshot } from '../../shared/api.ts';
import { createPrometheus, type Prometheus } from './prometheus.ts';

export interface MonitoringServer extends Exporter {
  /** The port that was given, or the one that was found for 0. */
  readonly port: number;
}

/** Rejects with `conflict` when the port is taken, `refused` when it may not be used. */
export async function serveMonitoring(settings: { readonly port: number; readonly token?: string | undefined }, feed: ExporterFeed): Promise<MonitoringServer> {
  const prometheus = createPrometheus(feed);
  const server = http.createServer((request, response) => {
    answer(request, settings.token, feed, prometheus).then(
      ({ status, type, body, headers = {} }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers });
        response.end(request.method === 'HEAD' ? undefined : body);
      },
      (error: unknown) => {
        response.writeHead(500, { 'content-type': JSON_TYPE });
        response.end(JSON.stringify({ error: messageOf(error) }));
      },
    );
  });
  server.requestTimeout = 10_000;
  try {
    await new Promise<void>((resolve, reject) => {
      // For good: a connection that cannot be accepted later (no more file descriptors) must not end the process.
      server.on('error', reject);
      server.listen(settings.port, '127.0.0.1', resolve);
    });
  } catch (error) {
    prometheus.dispose();
    throw listenError(error, settings.port);
  }
  // Neither the server nor an open connection keeps a command alive that is done.
  server.unref();
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        prometheus.dispose();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const json = (status: number, value: unknown, headers?: Readonly<Record<string, string>>): Answer => ({ status, type: JSON_TYPE, body: `${JSON.stringify(value)}\n`, ...(headers && { headers }) });

async function answer(request: http.IncomingMessage, token: string | undefined, feed: ExporterFeed, prometheus: Prometheus): Promise<Answer> {
  // A page in a browser that had its own name point here must not read what is served.
  if (!isLoopback(request.headers.host)) return json(403, { error: 'This server answers to localhost and 127.0.0.1 only.' });
  if (token !== undefined && !isBearer(request.headers.authorization, token)) return json(401, { error: 'A bearer token is needed (http.token).' }, { 'www-authenticate': 'Bearer' });
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'Only GET and HEAD.' }, { allow: 'GET, HEAD' });
  switch (new URL(request.url ?? '/', 'http://localhost').pathname) {
    case '/healthz': {
      const report = await feed.health();
      return json(report.status === 'unhealthy' ? 503 : 200, report);
    }
    case '/readyz': {
      const reasons = notReady(await feed.snapshot());
      return json(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
    }
    case '/metrics':
      return { status: 200, ...(await prometheus.scrape()) };
    default:
      return json(404, { error: 'There is /healthz, /readyz and /metrics.' });
  }
}

/** Why no task that is queued now would be worked on, one sentence each. */
function notReady({ loop, health, agents }: Snapshot): string[] {
  return [
    ...(loop.state === 'running' ? [] : [`The loop is ${loop.state === 'never_started' ? 'not started' : loop.state}${loop.reason === null ? '' : `: ${loop.reason}`}.`]),
    ...(health.checks.scheduler_alive.ok ? [] : [`${health.checks.scheduler_alive.message}.`]),
    ...(agents.some((agent) => agent.available) ? [] : ['No coding agent is available.']),
  ];
}


const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.has(host.replace(/:\d+$/, '').toLowerCase());
}

/** In constant time, so that a wrong token tells nothing of the right one. */
function isBearer(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => crypto.createHash('sha256').update(text).digest();
  return crypto.timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}

function listenError(error: unknown, port: number): BatonError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const hint = 'Set http.port to a free port, or to 0 for any, or remove it to turn the monitoring server off.';
  if (code === 'EADDRINUSE') return new BatonError('conflict', `Port ${port} is in use by another program, so there is no monitoring server.`, { cause: error, hint });
  return new BatonError('refused', `The monitoring server cannot listen on port ${port}: ${messageOf(error)}.`, { cause: error, hint });
}
