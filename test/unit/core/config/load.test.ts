import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../../src/core/config/load.ts';
import { defaultConfig } from '../../../../src/core/config/schema.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'fixtures');
const FILE = '.baton/orchestrator.yaml';
const load = (text: string, env: Record<string, string> = {}) => loadConfig(text, FILE, env);
const found = (text: string, env: Record<string, string> = {}): string[] =>
  load(text, env).problems.map((p) => `${p.line}:${p.column} ${p.severity}: ${p.message}`);

describe('The example of the requirements (rows 10, 75–101)', () => {
  const text = readFileSync(join(FIXTURES, 'orchestrator.example.yaml'), 'utf8');
  it('is valid unchanged', () => {
    const { valid, problems } = load(text);
    assert.deepEqual({ valid, problems }, { valid: true, problems: [] });
  });
  it('gives every key the value that it states, and these are the defaults but for senders and webhook', () => {
    const { config } = load(text);
    assert.deepEqual(config, {
      ...defaultConfig(),
      vip_senders: ['ceo@company.com', 'board@company.com', 'legal@company.com'],
      notifications: { ...defaultConfig().notifications, webhook_url: 'https://hooks.slack.com/services/...' },
    });
  });
  it('has its effect key by key: another value is another configuration', () => {
    const keys: readonly (readonly [string, string, (c: ReturnType<typeof defaultConfig>) => unknown, unknown])[] = [
      ['poll_interval: 30', 'poll_interval: 7', (c) => c.orchestrator.poll_interval, 7],
      ['max_concurrent_tasks: 5', 'max_concurrent_tasks: 7', (c) => c.orchestrator.max_concurrent_tasks, 7],
      ['claude_timeout: 3600', 'claude_timeout: 7', (c) => c.orchestrator.claude_timeout, 7],
      ['stop_hook_file: .claude_stop', 'stop_hook_file: HALT', (c) => c.orchestrator.stop_hook_file, 'HALT'],
      ['urgency: 0.4                   # 40% weight on urgency keywords\n  deadline: 0.3', 'urgency: 0.2\n  deadline: 0.5', (c) => [c.priority_weights.urgency, c.priority_weights.deadline], [0.2, 0.5]],
      ['- legal@company.com', '- cfo@company.com', (c) => c.vip_senders[2], 'cfo@company.com'],
      ['max_attempts: 5', 'max_attempts: 7', (c) => c.retry.max_attempts, 7],
      ['initial_backoff: 60', 'initial_backoff: 7', (c) => c.retry.initial_backoff, 7],
      ['backoff_multiplier: 2', 'backoff_multiplier: 7', (c) => c.retry.backoff_multiplier, 7],
      ['max_backoff: 3600', 'max_backoff: 7', (c) => c.retry.max_backoff, 7],
      ['metrics:\n  enabled: true', 'metrics:\n  enabled: false', (c) => c.metrics.enabled, false],
      ['retention_days: 30', 'retention_days: 7', (c) => c.metrics.retention_days, 7],
      ['aggregation_interval: 300', 'aggregation_interval: 7', (c) => c.metrics.aggregation_interval, 7],
      ['max_backlog: 20', 'max_backlog: 7', (c) => c.health_check.max_backlog, 7],
      ['max_error_rate: 0.10', 'max_error_rate: 0.5', (c) => c.health_check.max_error_rate, 0.5],
      ['max_idle_time: 3600', 'max_idle_time: 7', (c) => c.health_check.max_idle_time, 7],
      ['refresh_interval: 5', 'refresh_interval: 7', (c) => c.dashboard.refresh_interval, 7],
      ['max_recent_tasks: 10', 'max_recent_tasks: 7', (c) => c.dashboard.max_recent_tasks, 7],
      ['notifications:\n  enabled: true', 'notifications:\n  enabled: false', (c) => c.notifications.enabled, false],
      ['https://hooks.slack.com/services/...', 'https://example.org/hook', (c) => c.notifications.webhook_url, 'https://example.org/hook'],
      ['- health_degraded', '- task_completed', (c) => c.notifications.events, ['task_failed', 'task_completed', 'orchestrator_stopped']],
    ];
    for (const [from, to, read, expected] of keys) {
      assert.ok(text.includes(from), from);
      const { config, problems } = load(text.replace(from, to));
      assert.deepEqual(problems, [], to);
      assert.deepEqual(read(config), expected, to);
    }
  });
});

describe('A configuration file', () => {
  it('that is empty, or has empty sections, means the defaults', () => {
    for (const text of ['', '# only a remark\n', '---\n', 'orchestrator:\nagents:\nretry:\n  by_area:\nnotifications:\n  webhook_url:\n']) {
      assert.deepEqual(load(text), { config: defaultConfig(), problems: [], valid: true }, JSON.stringify(text));
    }
  });
  it('takes the added sections of the specification', () => {
    const text = readFileSync(join(FIXTURES, 'orchestrator.full.yaml'), 'utf8');
    const { config, problems, valid } = load(text);
    assert.deepEqual([valid, problems], [true, []]);
    assert.equal(config.agents['claude']?.account, 'anthropic');
    assert.deepEqual(config.gates?.map((gate) => [gate.name, gate.required]), [['test', true], ['lint', false]]);
    assert.equal(config.permissions[2]?.tool, '*');
    assert.equal(config.budget.per_day_usd, 20);
  });
  it('reports a wrong value where it stands, in words', () => {
    assert.deepEqual(found('orchestrator:\n  poll_interval: often\n'), ['2:18 error: orchestrator.poll_interval must be a number, not text']);
    assert.deepEqual(found('orchestrator:\n  max_concurrent_tasks: 0\n'), ['2:25 error: orchestrator.max_concurrent_tasks must be more than 0']);
    assert.deepEqual(found('merge: {policy: reviw}\n'), ['1:17 error: merge.policy must be one of review, auto, pr; did you mean "review"?']);
    assert.deepEqual(found('vip_senders: ceo@x\n'), ['1:14 error: vip_senders must be a list, not text']);
    assert.deepEqual(found('gates:\n  - name: test\n'), ['2:5 error: gates[0].run is missing']);
    assert.deepEqual(found('approval: {expires: soon}'), ['1:21 error: approval.expires must be a duration such as 30m, 24h or 7d']);
    assert.deepEqual(found('agents: {a: {driver: command}}\nrouting:\n  - {use: a, when: {risk: [low, hihg]}}\n'), ['3:33 error: routing[0].when.risk[1] must be one of low, medium, high; did you mean "high"?']);
    assert.deepEqual(found('vip_senders:\n  -\n  - b@x\n'), ['2:4 error: vip_senders[0] must be text, not nothing']);
    assert.deepEqual(found('roles: {planer: claude}'), ['1:9 error: roles.planer is no key that Baton knows; did you mean "planner"?']);
  });
  it('reports an unknown key at the key, with what was probably meant', () => {
    assert.deepEqual(found('orchestrator:\n  max_concurent_tasks: 3\n'), ['2:3 error: orchestrator.max_concurent_tasks is no key that Baton knows; did you mean "max_concurrent_tasks"?']);
    assert.deepEqual(found('gaets: []\nbanana: 1\n'), [
      '1:1 error: gaets is no key that Baton knows; did you mean "gates"?',
      '2:1 error: banana is no key that Baton knows',
    ]);
    assert.deepEqual(found('agents:\n  a: {driver: claude, modle: x}\n'), ['2:23 error: agents.a.modle is no key that Baton knows; did you mean "model"?']);
    assert.deepEqual(found('budjet:\n'), ['1:1 error: budjet is no key that Baton knows; did you mean "budget"?']);
  });
  it('reports all mistakes at once, and keeps what is right', () => {
    const { config, valid, problems } = load('orchestrator: {poll_interval: x, max_concurrent_tasks: 2}\nretry: {max_attempts: -1, max_backoff: 9}\nhttp: {prot: 1}\n');
    assert.equal(valid, false);
    assert.equal(problems.length, 3);
    assert.deepEqual([config.orchestrator.poll_interval, config.orchestrator.max_concurrent_tasks, config.retry.max_attempts, config.retry.max_backoff], [30, 2, 5, 9]);
  });
  it('whose weights do not sum to 1 is wrong as a section (row 82)', () => {
    const { valid, problems } = load('# weights\npriority_weights:\n  urgency: 0.9\n');
    assert.equal(valid, false);
    assert.deepEqual(problems.map((p) => [p.line, p.message]), [[3, 'priority_weights the three weights must sum to 1']]);
  });
  it('with two gates of one name keeps the first, and lets a human decide about merges', () => {
    const { config, problems } = load('merge: {policy: auto}\ngates:\n  - {name: a, run: x}\n  - {name: a, run: y}\n');
    assert.deepEqual(problems.map((p) => `${p.line}:${p.column}`), ['4:12']);
    assert.deepEqual(config.gates?.map((gate) => gate.run), ['x']);
    assert.equal(config.merge.policy, 'review');
  });
  it('leaves out a whole permission rule rather than widen it', () => {
    const { config, valid } = load('permissions:\n  - {tool: shell, pattern: 5, then: allow}\n  - {tool: read, then: allow}\n');
    assert.equal(valid, false);
    assert.deepEqual(config.permissions, [{ tool: 'read', then: 'allow' }]);
  });
  it('with a syntax error says where, and gives the defaults', () => {
    const { valid, problems, config } = load('orchestrator:\n  poll_interval: [1\nretry: {}\n');
    assert.equal(valid, false);
    assert.deepEqual(config, defaultConfig());
    assert.equal(problems[0]?.line, 3);
    assert.match(found('a: 1\na: 2\n')[0] ?? '', /^2:1 error: .*unique/);
    assert.match(found('- 1\n')[0] ?? '', /^1:1 error: A configuration is a group of keys/);
    assert.match(found('a: &a [*a, *a]\nb: *c\n')[0] ?? '', /error: /);
  });
  it('reads through anchors and aliases', () => {
    const { config, valid } = load('agents:\n  a: &a {driver: claude, model: m}\n  b: *a\n');
    assert.equal(valid, true);
    assert.equal(config.agents['b']?.model, 'm');
  });
  it('warns about an agent that nobody named', () => {
    assert.deepEqual(found('agents: {codemod: {driver: command}}\nroles: {implementer: codmod, planner: claude}\n'), ['2:22 warning: roles.implementer: no agent is named "codmod"; did you mean "codemod"?']);
  });
  it('says that a postgres store needs an address', () => {
    assert.match(found('store: {kind: postgres}')[0] ?? '', /1:8 error: store.url is missing/);
  });
});

describe('Variables in a configuration (row 75)', () => {
  it('are replaced anywhere in a string, with defaults, and a literal is kept', () => {
    const { config, problems } = load(
      'notifications: {webhook_url: "https://${HOST}/${PATH_:-hook}"}\nvip_senders: ["${BOSS:-ceo@x}", "$${HOME}"]\nmemory: {project: "${EMPTY:-p}${EMPTY}", url: "${A:-${B:-deep}}"}\n',
      { HOST: 'example.org', EMPTY: '' },
    );
    assert.deepEqual(problems, []);
    assert.equal(config.notifications.webhook_url, 'https://example.org/hook');
    assert.deepEqual(config.vip_senders, ['ceo@x', '${HOME}']);
    assert.deepEqual([config.memory.project, config.memory.url], ['p', 'deep']);
  });
  it('may stand for figures and truth values', () => {
    const { config, problems } = load('http: {port: "${PORT}"}\nmetrics: {enabled: "${M}"}\nbudget:\n  per_day_usd: ${DAY:-20}\n', { PORT: '9464', M: 'false' });
    assert.deepEqual(problems, []);
    assert.deepEqual([config.http.port, config.metrics.enabled, config.budget.per_day_usd], [9464, false, 20]);
    assert.deepEqual(found('http: {port: "${PORT}"}', { PORT: 'secret' }), ['1:14 error: http.port must be a number, not text']);
  });
  it('are left alone in commands for a shell', () => {
    const { config, problems } = load('gates: [{name: t, run: "echo ${NOPE} $${x}"}]\nworktree: {setup: ["cp ${NOPE} ."]}\n');
    assert.deepEqual(problems, []);
    assert.equal(config.gates?.[0]?.run, 'echo ${NOPE} $${x}');
    assert.deepEqual(config.worktree.setup, ['cp ${NOPE} .']);
  });
  it('do not read values again', () => {
    assert.equal(load('memory: {url: "${A}"}', { A: '${B}', B: 'x' }).config.memory.url, '${B}');
  });
  it('that are missing are named with key, file and line', () => {
    const { problems, valid } = load('orchestrator:\n  stop_hook_file: ${STOP}\n');
    assert.equal(valid, true);
    assert.deepEqual(problems, [
      {
        file: FILE, line: 2, column: 19, severity: 'error', source: 'config',
        message: 'orchestrator.stop_hook_file needs the environment variable STOP, which is not set: its default holds. Set it, or give a default with ${STOP:-…}',
      },
    ]);
  });
  it('of a stop-hook file outside the repository is refused', () => {
    for (const file of ['/tmp/stop', 'C:/stop']) assert.match(found(`orchestrator: {stop_hook_file: ${file}}`).join(), /1:\d+ error: orchestrator.stop_hook_file must be a path within the repository/, file);
  });
  it('that name no variable are errors', () => {
    assert.deepEqual(found('memory: {url: "${1x} ${a.b} ${open"}'), [
      '1:15 error: memory.url: ${1x} names no variable; write $${ for a literal ${',
      '1:15 error: memory.url: ${a.b} names no variable; write $${ for a literal ${',
      '1:15 error: memory.url: ${open names no variable; write $${ for a literal ${',
    ]);
  });
  it('that are missing turn off only what needs them, and never allow more', () => {
    const { config, valid, problems } = load(`
agents:
  paid: {driver: claude, env: {KEY: "\${NOPE}"}}
  free: {driver: codex}
routing:
  - {use: "\${NOPE}", when: {risk: high}}
  - {use: free}
permissions:
  - {tool: write, path: "\${NOPE}/**", then: allow}
  - {tool: read, path: "\${NOPE}/**", then: deny}
notifications: {webhook_url: https://x.example, secret: "\${NOPE}"}
http: {port: 1, token: "\${NOPE}"}
budget: {per_day_usd: "\${NOPE}", per_task_usd: 3}
vip_senders: ["\${NOPE}", b@x]
gates: [{name: t, run: r, when: {paths: ["\${NOPE}"]}}]
merge: {policy: auto, target: "\${NOPE}"}
`);
    assert.equal(valid, true);
    assert.equal(problems.length, 10);
    assert.ok(problems.every((p) => p.severity === 'error' && p.message.includes('NOPE')));
    assert.deepEqual([config.agents['paid']?.enabled, config.agents['paid']?.env, config.agents['free']?.enabled], [false, {}, undefined]);
    assert.deepEqual(config.routing.map((rule) => rule.use), ['free']);
    assert.deepEqual(config.permissions, [{ tool: 'read', then: 'deny' }]);
    assert.equal(config.notifications.webhook_url, undefined);
    assert.equal(config.http.port, undefined);
    assert.deepEqual([config.budget.per_day_usd, config.budget.per_task_usd], [0.01, 3]);
    assert.deepEqual(config.vip_senders, ['b@x']);
    assert.equal(config.gates?.[0]?.when, undefined);
    assert.deepEqual([config.merge.policy, config.merge.target], ['auto', 'current']);
  });
  it('never show their values', () => {
    const { problems } = load('merge: {policy: "${SECRET}"}\nhttp: {port: "${SECRET}"}', { SECRET: 'hunter2-review' });
    assert.equal(problems.length, 2);
    assert.ok(!JSON.stringify(problems).includes('hunter2'));
  });
});
