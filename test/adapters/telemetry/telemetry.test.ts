import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createRedactor } from '../../../src/adapters/runs/redact.ts';
import { createClock } from '../../../src/adapters/system/clock.ts';
import type * as source from '../../../src/adapters/telemetry/telemetry.ts';
import type { TaskExecution } from '../../../src/core/execution.ts';
import type { TaskDefinition } from '../../../src/core/task.ts';
import { Emitter } from '../../../src/engine/emitter.ts';
import type { Committed } from '../../../src/engine/lifecycle.ts';
import type { Ports } from '../../../src/engine/ports.ts';
import { buildEngine } from '../../../src/host/engine.ts';
import { byRole, failure, makeEngine, quietLog, type EngineSetup, type TestEngine } from '../../support/engine.ts';
import { makeReceiver, type Receiver } from '../../support/receiver.ts';
import { makeRepo } from '../../support/repo.ts';
import { snapshot, SnapshotEngine } from '../../support/snapshotEngine.ts';
import { T0, task as record } from '../../support/tasks.ts';
import { tempDir } from '../../support/tmp.ts';

type Value = string | number | boolean | readonly Value[];
/** As OTLP has them in JSON. */
interface AnyValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}
interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events: readonly { readonly name: string; readonly attributes: readonly KeyValue[] }[];
  readonly status: { readonly code: number; readonly message?: string };
}
interface Traces {
  readonly resourceSpans: readonly { readonly resource: { readonly attributes: readonly KeyValue[] }; readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[] }[];
}
interface Point {
  readonly attributes: readonly KeyValue[];
  readonly asDouble?: number;
  readonly asInt?: number | string;
  readonly count?: number | string;
}
interface Metrics {
  readonly resourceMetrics: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string; readonly sum?: { readonly dataPoints: readonly Point[] }; readonly histogram?: { readonly dataPoints: readonly Point[] } }[] }[] }[];
}

const INTERNAL = 1;
const CLIENT = 3;
const ERROR = 2;

function valueOf(value: AnyValue): Value {
  if (value.arrayValue) return value.arrayValue.values.map(valueOf);
  if (value.intValue !== undefined) return Number(value.intValue);
  const known = value.stringValue ?? value.doubleValue ?? value.boolValue;
  assert.ok(known !== undefined, JSON.stringify(value));
  return known;
}
const attributesOf = (list: readonly KeyValue[]): Record<string, Value> => Object.fromEntries(list.map(({ key, value }) => [key, valueOf(value)]));
const ms = (nanos: string): number => Number(BigInt(nanos) / 1_000_000n);

interface Span {
  readonly name: string;
  readonly raw: OtlpSpan;
  readonly start: number;
  readonly end: number;
  readonly attributes: Record<string, Value>;
  readonly children: Span[];
}

const bodies = <Body>(receiver: Receiver, signal: string): Body[] => receiver.got.filter((one) => one.path.endsWith(`/v1/${signal}`)).map((one) => one.json as Body);

/** The trees of everything that came, by parent; fails for a span whose parent is missing or in another trace. */
function treesIn(receiver: Receiver): Span[] {
  const raws = bodies<Traces>(receiver, 'traces').flatMap((body) => body.resourceSpans.flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans)));
  const spans = new Map(raws.map((raw): [string, Span] => [raw.spanId, { name: raw.name, raw, start: ms(raw.startTimeUnixNano), end: ms(raw.endTimeUnixNano), attributes: attributesOf(raw.attributes), children: [] }]));
  assert.equal(spans.size, raws.length, 'a span came twice');
  for (const span of spans.values()) {
    if (!span.raw.parentSpanId) continue;
    const parent = spans.get(span.raw.parentSpanId);
    assert.ok(parent, `${span.name} has no parent`);
    assert.equal(span.raw.traceId, parent.raw.traceId);
    assert.ok(parent.start <= span.start && span.start <= span.end && span.end <= parent.end, `${span.name} ${span.start}–${span.end} is not within ${parent.name} ${parent.start}–${parent.end}`);
    parent.children.push(span);
  }
  for (const span of spans.values()) span.children.sort((a, b) => a.start - b.start);
  return [...spans.values()].filter((span) => !span.raw.parentSpanId);
}

const outline = (span: Span): unknown => (span.children.length === 0 ? label(span) : [label(span), ...span.children.map(outline)]);
function label({ name, attributes }: Span): string {
  const which = attributes['baton.step.id'] ?? attributes['baton.role'] ?? attributes['baton.gate.round'] ?? attributes['baton.task.id'];
  return `${name} ${String(which)} ${String(attributes['baton.outcome'])}`;
}
const all = (span: Span): Span[] => [span, ...span.children.flatMap(all)];

function pointsOf(receiver: Receiver): Map<string, Point[]> {
  const last = bodies<Metrics>(receiver, 'metrics').at(-1);
  assert.ok(last, 'no metrics came');
  const metrics = last.resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((scope) => scope.metrics));
  return new Map(metrics.map((metric) => [metric.name, [...(metric.sum?.dataPoints ?? metric.histogram?.dataPoints ?? [])]]));
}

describe('Telemetry', function () {
  this.timeout(60_000);

  const to = (url: string): Record<string, unknown> => ({ telemetry: { otlp_endpoint: url, headers: { 'x-key': 's3cret' } } });
  const make = (receiver: Receiver, { config, ...setup }: EngineSetup): Promise<TestEngine> => makeEngine({ ...setup, config: { ...config, ...to(receiver.url) } });
  const task = (id: string, more: Partial<TaskDefinition> = {}): TaskDefinition => ({ id, goal: `Do ${id}`, area: 'docs', workflow: 'direct', ...more });

  /** Runs the tasks to the end and lets everything be sent. */
  async function run(receiver: Receiver, setup: EngineSetup, ...states: ('done' | 'failed')[]): Promise<TaskExecution[]> {
    const test = await make(receiver, setup);
    await test.engine.send({ type: 'start' });
    const records = await Promise.all((setup.tasks ?? []).map((one, index) => test.untilState(one.id, states[index] ?? 'done')));
    await test.close();
    return records;
  }

  it('sends a task as spans task.run > step.run > llm.call with its gate rounds, in the times of the record (row 181)', async () => {
    const receiver = await makeReceiver();
    const agents = { author: { driver: 'claude', model: 'author-1' }, judge: { driver: 'claude', model: 'judge-1' } };
    const roles = { planner: 'author', plan_reviewer: 'judge', implementer: 'author', code_reviewer: 'judge' };
    const scripts = byRole({ implementer: (agent) => agent.write({ [`${agent.request.step_id ?? ''}.txt`]: 'x\n' }).then(() => undefined) });
    const [record] = await run(receiver, { tasks: [task('a', { workflow: 'reviewed', risk: 'low' })], agent: scripts, config: { agents, roles, gates: [{ name: 'check', run: 'test ! -e only.txt || test -e fix-1.txt' }] } });
    assert.ok(record);
    const [tree, ...others] = treesIn(receiver);
    assert.ok(tree);
    assert.deepEqual(others, []);
    assert.deepEqual(outline(tree), [
      'task.run a done',
      'llm.call planner succeeded',
      'llm.call plan_reviewer succeeded',
      ['step.run only completed', 'llm.call implementer succeeded', 'llm.call code_reviewer succeeded'],
      'quality_gate.run 1 failed',
      ['step.run fix-1 completed', 'llm.call implementer succeeded', 'llm.call code_reviewer succeeded'],
      'quality_gate.run 2 passed',
    ]);
    assert.equal(tree.start, Date.parse(record.started_at ?? ''));
    assert.equal(tree.end, Date.parse(record.completed_at ?? ''));
    const calls = all(tree).filter((span) => span.name === 'llm.call');
    assert.deepEqual(calls.map(({ start, end }) => [start, end]), record.attempts.map((attempt) => [Date.parse(attempt.started_at), Date.parse(attempt.ended_at ?? '')]));
    const gates = all(tree).filter((span) => span.name === 'quality_gate.run');
    assert.deepEqual(gates.map(({ start, end }) => [start, end]), record.quality_gate_results.map((round) => [Date.parse(round.started_at ?? ''), Date.parse(round.at)]));
    assert.deepEqual(gates.map(({ raw }) => [raw.status.code, raw.status.message]), [[ERROR, 'check failed'], [0, undefined]]);
    assert.deepEqual(gates[0]?.raw.events.map((event) => [event.name, attributesOf(event.attributes)['baton.gate.exit_code']]), [['gate', 1]]);
    assert.deepEqual(all(tree).map(({ name, raw }) => raw.kind === (name === 'llm.call' ? CLIENT : INTERNAL)).every(Boolean), true);
    for (const { headers } of receiver.got) assert.equal(headers['x-key'], 's3cret');
    const resource = attributesOf(bodies<Traces>(receiver, 'traces')[0]?.resourceSpans[0]?.resource.attributes ?? []);
    assert.deepEqual([resource['service.name'], resource['vcs.repository.name']], ['baton', 'sample']);
  });

  it('names what a call used by the conventions for generative AI, and counts it (row 254)', async () => {
    const receiver = await makeReceiver();
    const [record] = await run(receiver, { driver: 'claude', tasks: [task('a')] });
    const call = treesIn(receiver).flatMap(all).find((span) => span.name === 'llm.call');
    const attempt = record?.attempts[0];
    assert.ok(call && attempt);
    const { usage } = attempt;
    const { attributes } = call;
    assert.deepEqual(attributes, {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'agent',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'test-model',
      'gen_ai.conversation.id': attempt.session_id,
      'gen_ai.usage.input_tokens': usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
      'gen_ai.usage.cache_read.input_tokens': usage.cache_read_tokens,
      'gen_ai.usage.cache_creation.input_tokens': usage.cache_write_tokens,
      'gen_ai.usage.output_tokens': usage.output_tokens,
      'baton.cost_usd': 0.01,
      'baton.attempt.id': 'a1',
      'baton.attempt.number': 1,
      'baton.role': 'implementer',
      'baton.outcome': 'succeeded',
      'baton.turns': attempt.turns,
    });
    assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0);
    const points = pointsOf(receiver);
    const number = (point: Point | undefined): number => Number(point?.asDouble ?? point?.asInt ?? point?.count);
    const tokens = points.get('baton.tokens')?.map((point): [Value | undefined, number] => [attributesOf(point.attributes)['gen_ai.token.type'], number(point)]);
    assert.deepEqual(tokens, [['input', usage.input_tokens], ['output', usage.output_tokens], ['cache_read', usage.cache_read_tokens], ['cache_write', usage.cache_write_tokens]]);
    assert.deepEqual(['baton.tasks.completed', 'baton.task.duration', 'baton.cost'].map((name) => number(points.get(name)?.[0])), [1, 1, 0.01]);
    assert.equal(points.has('baton.tasks.failed'), false);
  });

  it('marks what failed as an error with its kind, and no secret in its message', async () => {
    const receiver = await makeReceiver();
    await run(receiver, { tasks: [task('a')], agent: () => Promise.resolve(failure('authentication_failed', 'Not logged in to https://me:hunter22@host')) }, 'failed');
    const [tree] = treesIn(receiver);
    assert.ok(tree);
    const failed = all(tree).filter((span) => span.raw.status.code === ERROR);
    assert.deepEqual([tree.attributes['baton.outcome'], tree.raw.status.code], ['failed', ERROR]);
    const call = failed.find((span) => span.name === 'llm.call');
    assert.deepEqual([call?.attributes['error.type'], call?.attributes['baton.outcome']], ['authentication_failed', 'failed']);
    assert.match(call?.raw.status.message ?? '', /^Not logged in to https:\/\/me:/);
    for (const { body } of receiver.got) assert.doesNotMatch(body, /hunter22/);
    assert.equal(Number(pointsOf(receiver).get('baton.tasks.failed')?.[0]?.asDouble), 1);
  });

  it('tells a task that a restart came into once, at its end, with what was before', async () => {
    const receiver = await makeReceiver();
    const test = await make(receiver, {
      tasks: [task('a')],
      agent: async (agent) => {
        if (test.requests.length === 1) await agent.killed;
        await agent.write({ 'a.txt': 'a\n' });
        return undefined;
      },
    });
    await test.engine.send({ type: 'start' });
    await test.until((snapshot) => snapshot.tasks[0]?.attempt_id === 'a1');
    await test.restart();
    assert.deepEqual(treesIn(receiver), []);
    await test.untilState('a', 'done');
    await test.restart();
    await test.close();
    assert.deepEqual(treesIn(receiver).map(outline), [['task.run a done', ['step.run implement completed', 'llm.call implementer interrupted', 'llm.call implementer succeeded'], 'quality_gate.run 1 passed']]);
  });

  it('tells of a task that is run again only what is new', async () => {
    const receiver = await makeReceiver();
    let broken = true;
    const test = await make(receiver, {
      tasks: [task('a')],
      agent: (agent) => (broken ? Promise.resolve(failure('authentication_failed', 'Not logged in')) : agent.write({ 'a.txt': 'a\n' }).then(() => undefined)),
    });
    await test.engine.send({ type: 'start' });
    const first = await test.untilState('a', 'failed');
    broken = false;
    await test.engine.send({ type: 'retry', task_id: 'a' });
    const second = await test.untilState('a', 'done');
    await test.close();
    const trees = treesIn(receiver);
    assert.deepEqual(trees.map((tree) => [tree.attributes['baton.outcome'], all(tree).filter((span) => span.name === 'llm.call').length]), [['failed', first.attempts.length], ['done', second.attempts.length - first.attempts.length]]);
    assert.notEqual(trees[0]?.raw.traceId, trees[1]?.raw.traceId);
    assert.ok((trees[0]?.end ?? 0) <= (trees[1]?.start ?? 0));
  });

  it('follows the configuration without a restart', async () => {
    const [first, second] = [await makeReceiver(), await makeReceiver()];
    const test = await make(first, { tasks: [task('a')] });
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    test.setConfig(to(second.url));
    await first.until(2);
    test.setTasks([task('a'), task('b')]);
    await test.untilState('b', 'done');
    test.setConfig({});
    await second.until(2);
    test.setTasks([task('a'), task('b'), task('c')]);
    await test.untilState('c', 'done');
    await test.close();
    assert.deepEqual([first, second].map((receiver) => treesIn(receiver).map((tree) => tree.attributes['baton.task.id'])), [['a'], ['b']]);
  });

  /** Works two tasks off and ends; the engine's warnings of telemetry. */
  async function runWithout(endpoint: string): Promise<string[]> {
    const warnings: string[] = [];
    const throughPorts = (ports: Ports): Ports => ({ ...ports, log: { ...ports.log, warn: (message) => (message.startsWith('Spans') ? warnings.push(message) : undefined) } });
    const test = await makeEngine({ tasks: [task('a'), task('b')], config: to(endpoint), throughPorts });
    await test.engine.send({ type: 'start' });
    await Promise.all([test.untilState('a', 'done'), test.untilState('b', 'done')]);
    await test.close();
    return warnings;
  }

  it('says once that nothing listens, and neither tasks nor the end wait for it', async () => {
    const port = await closedPort();
    const warnings = await runWithout(`http://127.0.0.1:${port}`);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', new RegExp(`^Spans and metrics do not reach http://127\\.0\\.0\\.1:${port}/: .+ Tasks go on without; see telemetry\\.otlp_endpoint`));
  });

  it('waits for a collector that takes requests and answers none no longer than it must', async () => {
    const receiver = await makeReceiver();
    receiver.answer = () => undefined;
    const warnings = await runWithout(receiver.url);
    assert.deepEqual(warnings.map((message) => /no answer within 1\.5 s|timed out/.test(message)), [true], warnings.join('\n'));
  });

  it('says once that a collector refuses, without the password of its address', async () => {
    const receiver = await makeReceiver();
    receiver.answer = (response) => void response.writeHead(401, 'Unauthorized').end('{}');
    const warnings = await runWithout(receiver.url.replace('http://', 'http://user:pa55@'));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /Unauthorized/);
    assert.doesNotMatch(warnings[0] ?? '', /pa55/);
  });

  it('names the place and the remedy where the endpoint is no address, and goes on without', async () => {
    const test = await makeEngine({ tasks: [task('a')], config: to('collector:4318'), throughPorts: (ports) => ({ ...ports, log: { ...ports.log, error: () => undefined } }) });
    const { problems } = await test.until((snapshot) => snapshot.problems.length > 0);
    assert.deepEqual(problems.map(({ severity, source, message }) => [severity, source, message]), [
      ['error', 'config', 'telemetry.otlp_endpoint is no address of HTTP, so nothing is sent. Set it to the collector’s address for OTLP over HTTP, for example http://127.0.0.1:4318.'],
    ]);
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
  });

  it('sends from the bundle that ships what it sends from its source', async () => {
    const receiver = await makeReceiver();
    const { exportTelemetry } = createRequire(import.meta.url)(path.resolve('dist/telemetry.js')) as typeof source;
    const committed = new Emitter<Committed>(assert.ifError);
    const picture = snapshot(T0);
    const engine = new SnapshotEngine(picture);
    const feed = { repository: picture.repository, snapshot: () => engine.snapshot(), health: () => engine.health(), onCommitted: committed.event };
    const exporter = await exportTelemetry({ endpoint: `${receiver.url}/`, headers: {} }, feed, quietLog(), createRedactor());
    const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();
    const history = [{ from: 'new' as const, to: 'implementing' as const, at: at(1), why: '' }, { from: 'quality_gate' as const, to: 'done' as const, at: at(9), why: '' }];
    const done = record('a', { state: 'done', started_at: at(1), completed_at: at(9), history });
    committed.fire({
      task: done,
      events: [{ at: at(9), type: 'task_state', task_id: 'a', data: { from: 'quality_gate', to: 'done' } }],
      seq: 1,
      metrics: { rollups: [], costs: [], endings: [{ at: T0 + 9000, task_id: 'a', completed: true, seconds: 8, retried: false, human: false, first_pass: null }] },
    });
    await exporter.close();
    assert.deepEqual(treesIn(receiver).map(({ name, start, end }) => [name, start - T0, end - T0]), [['task.run', 1000, 9000]]);
    assert.equal(Number(pointsOf(receiver).get('baton.tasks.completed')?.[0]?.asDouble), 1);
  });

  it('loads its libraries only where an endpoint is set', async () => {
    const distDir = path.resolve('dist');
    const bundle = path.join(distDir, 'telemetry.js');
    const { cache } = createRequire(import.meta.url);
    const loaded = (): boolean => bundle in cache;
    Reflect.deleteProperty(cache, bundle);
    const receiver = await makeReceiver();
    const { root } = await makeRepo({ 'README.md': '# Sample\n' });
    const home = tempDir();
    const env = { PATH: process.env['PATH'], HOME: home, XDG_DATA_HOME: path.join(home, 'data'), XDG_RUNTIME_DIR: path.join(home, 'run') };
    const configure = (text: string): void => {
      mkdirSync(path.join(root, '.baton'), { recursive: true });
      writeFileSync(path.join(root, '.baton/orchestrator.yaml'), text);
    };
    const open = async (text: string): Promise<boolean> => {
      configure(text);
      const engine = await buildEngine({ root, commonDir: path.join(root, '.git'), key: 'k'.repeat(12), name: 'sample' }, { host: 'cli', log: quietLog(), distDir, env, clock: createClock() });
      await engine.close();
      return loaded();
    };
    assert.equal(await open('telemetry: {headers: {x-key: s3cret}}\n'), false);
    assert.equal(await open(`telemetry: {otlp_endpoint: "${receiver.url}"}\n`), true);
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
