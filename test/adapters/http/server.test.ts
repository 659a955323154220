import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { serveMonitoring, type MonitoringServer } from '../../../src/adapters/http/server.ts';
import { Emitter } from '../../../src/engine/emitter.ts';
import type { Committed } from '../../../src/engine/lifecycle.ts';
import type { Snapshot } from '../../../src/shared/api.ts';
import { makeEngine } from '../../support/engine.ts';
import { snapshot, SnapshotEngine } from '../../support/snapshotEngine.ts';
import { tempDir } from '../../support/tmp.ts';
import { apt, canApt } from '../../support/vscode/apt.ts';
import { which } from '../../support/vscode/tools.ts';

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(port: number, path: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, ...options }, (response) => {
      let body = '';
      response.on('data', (data) => (body += String(data)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

/** Samples of the Prometheus text format: name with labels, and value. */
function samples(text: string): Map<string, number> {
  return new Map(text.split('\n').flatMap((line): [string, number][] => (line === '' || line.startsWith('#') ? [] : [[line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]])));
}

describe('The monitoring server', () => {
  const servers: MonitoringServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function serve(picture: Snapshot = snapshot(Date.now()), token?: string): Promise<MonitoringServer> {
    const engine = new SnapshotEngine(picture);
    const committed = new Emitter<Committed>(assert.ifError);
    const feed = { repository: picture.repository, snapshot: () => engine.snapshot(), health: () => engine.health(), onCommitted: committed.event };
    const server = await serveMonitoring({ port: 0, token }, feed);
    servers.push(server);
    return server;
  }

  it('answers /healthz with the report, and with 503 when unhealthy (rows 46, 254)', async () => {
    const picture = snapshot(Date.now());
    const well = await ask((await serve(picture)).port, '/healthz');
    assert.deepEqual([well.status, JSON.parse(well.body)], [200, picture.health]);
    assert.match(well.headers['content-type'] ?? '', /^application\/json/);
    const ill = await serve({ ...picture, health: { ...picture.health, status: 'unhealthy' } });
    assert.equal((await ask(ill.port, '/healthz')).status, 503);
    const degraded = await serve({ ...picture, health: { ...picture.health, status: 'degraded' } });
    assert.equal((await ask(degraded.port, '/healthz')).status, 200);
  });

  it('answers /readyz with the reasons why nothing would be worked on (row 254)', async () => {
    const picture = snapshot(Date.now());
    const ready = await ask((await serve(picture)).port, '/readyz');
    assert.deepEqual([ready.status, JSON.parse(ready.body)], [200, { ready: true, reasons: [] }]);
    const not = await serve({ ...picture, loop: { ...picture.loop, state: 'stopped', reason: 'stopped by the user' }, agents: [] });
    const { status, body } = await ask(not.port, '/readyz');
    assert.deepEqual([status, JSON.parse(body)], [503, { ready: false, reasons: ['The loop is stopped: stopped by the user.', 'No coding agent is available.'] }]);
  });

  it('answers under loopback names only, so that a page elsewhere cannot read it', async () => {
    const { port } = await serve();
    for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) assert.equal((await ask(port, '/healthz', { headers: { host } })).status, 200, host);
    for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', '10.0.0.1']) assert.equal((await ask(port, '/healthz', { headers: { host } })).status, 403, host);
  });

  it('asks for the token where one is set', async () => {
    const { port } = await serve(undefined, 's3cret');
    const status = async (authorization?: string) => (await ask(port, '/metrics', authorization === undefined ? {} : { headers: { authorization } })).status;
    assert.deepEqual([await status(), await status('Bearer wrong'), await status('s3cret'), await status('Bearer s3cret')], [401, 401, 401, 200]);
  });

  it('knows three paths and reads only', async () => {
    const { port } = await serve();
    assert.equal((await ask(port, '/')).status, 404);
    assert.equal((await ask(port, '/healthz', { method: 'POST' })).status, 405);
    const head = await ask(port, '/healthz', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });

  it('follows the configuration without a restart, and counts what the engine commits (rows 71, 254)', async () => {
    const [first, second] = [await freePort(), await freePort()];
    const test = await makeEngine({ tasks: [{ id: 'a', goal: 'Do a', area: 'docs', workflow: 'direct' }], config: { http: { port: first } } });
    await until(() => ask(first, '/healthz').then(({ status }) => status === 200));
    await test.engine.send({ type: 'start' });
    await test.untilState('a', 'done');
    const found = samples((await ask(first, '/metrics')).body);
    const who = 'agent="agent",model="test-model",role="implementer",area="docs"';
    const expected = {
      'baton_tasks{state="done"}': 1,
      'baton_tasks_started_total': 1,
      'baton_tasks_completed_total': 1,
      'baton_tasks_failed_total': 0,
      'baton_gate_rounds_total{result="passed"}': 1,
      'baton_health_status{status="healthy"}': 1,
      'baton_task_duration_seconds_count': 1,
      [`baton_attempts_total{${who}}`]: 1,
      [`baton_cost_usd_total{${who}}`]: 0.01,
      [`baton_tokens_total{${who},kind="input"}`]: 100,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(found.get(name), value, name);

    test.setConfig({ http: { port: second } });
    await until(() => ask(second, '/healthz').then(({ status }) => status === 200));
    await assert.rejects(ask(first, '/healthz'));
    test.setConfig({});
    await until(() => ask(second, '/healthz').then(() => false, () => true));
  });

  it('says where the port is set and what to do when it is taken, and goes on without', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const log = console.error;
    console.error = () => undefined;
    try {
      const test = await makeEngine({ config: { http: { port } } });
      const { problems } = await test.until(({ problems: all }) => all.length > 0, 'a problem');
      assert.deepEqual(problems.map(({ severity, source }) => [severity, source]), [['error', 'config']]);
      assert.equal(problems[0]?.message, `Port ${port} is in use by another program, so there is no monitoring server. Set http.port to a free port, or to 0 for any, or remove it to turn the monitoring server off.`);
      test.setConfig({});
      await test.until(({ problems: all }) => all.length === 0, 'no problem');
    } finally {
      console.error = log;
      taken.close();
    }
  });

  it('serves metrics that Prometheus’ own checker finds nothing wrong with (row 71)', async function () {
    this.timeout(300_000);
    if (which('promtool') === undefined) {
      if (!canApt()) {
        console.log('      promtool is not there and this is no root on Debian, which could install it: apt-get install prometheus');
        this.skip();
      }
      await apt(['prometheus']);
    }
    const { body, headers } = await ask((await serve()).port, '/metrics');
    assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    assert.deepEqual([status, stdout, stderr], [0, '', ''], body);

    // What docs/MONITORING.md tells to write is what Prometheus takes.
    const folder = tempDir();
    const [scrape = '', rules = ''] = ['scrape_configs:', 'groups:'].map((key) => [...readFileSync('docs/MONITORING.md', 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => block).find((block) => block.startsWith(key)) ?? '');
    writeFileSync(path.join(folder, 'token'), 'secret');
    writeFileSync(path.join(folder, 'rules.yml'), rules);
    writeFileSync(path.join(folder, 'prometheus.yml'), `rule_files: [rules.yml]\n${scrape.replace('/etc/prometheus/baton.token', path.join(folder, 'token'))}`);
    const config = spawnSync('promtool', ['check', 'config', path.join(folder, 'prometheus.yml')], { encoding: 'utf8' });
    assert.equal(config.status, 0, config.stderr);
    assert.match(config.stdout, /SUCCESS: 3 rules found/);
    const asked = [...rules.matchAll(/\b(baton_\w+)/g)].map(([, name = '']) => name);
    assert.deepEqual(asked.filter((name) => !body.includes(`# TYPE ${name} `)), []);
  });
});

/** Below those that the system hands out: a server that another test opens in the meantime does not get it. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('docs/grafana-dashboard.json', () => {
  it('asks only for metrics that are served', async () => {
    const picture = snapshot(Date.now());
    const engine = new SnapshotEngine(picture);
    const server = await serveMonitoring({ port: 0 }, { repository: picture.repository, snapshot: () => engine.snapshot(), health: () => engine.health(), onCommitted: new Emitter<Committed>(assert.ifError).event });
    try {
      const { body } = await ask(server.port, '/metrics');
      const served = new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
      const asked = [...readFileSync('docs/grafana-dashboard.json', 'utf8').matchAll(/\b(baton_\w+)/g)].map(([, name = '']) => name.replace(/_bucket$/, ''));
      assert.ok(asked.length > 10);
      assert.deepEqual(asked.filter((name) => !served.has(name)), []);
    } finally {
      await server.close();
    }
  });
});
