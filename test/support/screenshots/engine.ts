/** A dist/engine.js that shows the recorded snapshot: for looking at the views in every state at once. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Session } from '../../../src/host/session.ts';
import type { FileChangeView } from '../../../src/shared/api.ts';
import { newExecution, type TaskExecution } from '../../../src/core/execution.ts';
import type { EngineModule } from '../../../src/vscode/engine.ts';
import { DASHBOARD_SCENES, sceneMetrics, sceneSnapshot } from '../dashboardScenes.ts';
import { SnapshotEngine, SnapshotSession, everyState, snapshot } from '../snapshotEngine.ts';

export const openRepository: EngineModule['openRepository'] = ({ folder }) => {
  const now = Date.now();
  const scene = existsSync(path.join(folder, '.baton/scene')) ? readFileSync(path.join(folder, '.baton/scene'), 'utf8').trim() : 'all';
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  const base = git('rev-parse', 'main');
  const head = scene === 'all' ? git('rev-parse', 'baton/pricing-fix') : base;
  const tasks = scene === 'all' ? everyState(now).map((task) => ({ ...task, base_sha: task.base_sha && base, head_sha: task.head_sha && head, decisions: task.decisions.map((one) => ({ ...one, head_sha: one.head_sha && head })) })) : [];
  const agents = scene === 'no_agent' ? [{ name: 'claude', driver: 'claude', available: false, version: null, install: 'npm install -g @anthropic-ai/claude-code', account: 'anthropic' }] : snapshot(now).agents;
  const loop = { ...snapshot(now).loop, ...(scene === 'never_started' ? { state: 'never_started', desired: 'stopped' } as const : {}) };
  const dashboardScene = DASHBOARD_SCENES.find((one) => one === scene);
  const engine = new SnapshotEngine(dashboardScene !== undefined ? { ...sceneSnapshot(dashboardScene, now), repository: { root: folder, name: path.basename(folder) } } : snapshot(now, tasks, { agents, loop, repository: { root: folder, name: path.basename(folder) } }));
  engine.figures = (query) => sceneMetrics(dashboardScene ?? 'busy', query, Date.now());
  engine.view = { base_sha: base, head_sha: head, worktree: null, files: changed(git('diff', '--numstat', '--no-renames', base, head), git('diff', '--name-status', '--no-renames', base, head)) };
  engine.execution = execution(now, base, head);
  const run = path.join(folder, '.baton/runs/flaky-test/a1');
  mkdirSync(run, { recursive: true });
  const file = path.join(run, 'transcript.jsonl');
  const entry = (type: string, fields: object) => `${JSON.stringify({ at: new Date().toISOString(), type, ...fields })}\n`;
  writeFileSync(file, entry('text', { text: 'I look at the failing test first.' }) + entry('tool_call', { id: 't1', name: 'Bash', title: 'npm test', input: { command: 'npm test' } }) + entry('tool_result', { id: 't1', ok: false, output: '1 failing' }));
  setInterval(() => appendFileSync(file, entry('text', { text: `Still at it: ${new Date().toISOString()}` })), 1500).unref();
  const session: Session = new SnapshotSession(folder, engine);
  return Promise.resolve(session);
};

export const initRepository: EngineModule['initRepository'] = (folder) => {
  mkdirSync(path.join(folder, '.baton'), { recursive: true });
  writeFileSync(path.join(folder, '.baton/orchestrator.yaml'), 'gates: []\n');
  return Promise.resolve({ root: folder, created: ['.baton/orchestrator.yaml'], kept: [] });
};

function changed(numstat: string, names: string): FileChangeView[] {
  const status = new Map(names.split('\n').map((line) => line.split('\t')).map(([letter, name]) => [name, letter]));
  return numstat.split('\n').filter(Boolean).map((line) => {
    const [added = '', removed = '', name = ''] = line.split('\t');
    const letter = status.get(name);
    return { path: name, status: letter === 'A' ? 'added' : letter === 'D' ? 'deleted' : 'modified', added: Number(added), removed: Number(removed) };
  });
}

function execution(now: number, base: string, head: string): TaskExecution {
  const at = new Date(now).toISOString();
  const check = (name: string, status: 'passed' | 'failed') => ({ name, status, required: true, command: `npm run ${name}`, exit_code: status === 'passed' ? 0 : 1, seconds: 3.2, message: status === 'passed' ? 'exit code 0' : '1 test failed', details: status === 'passed' ? '' : '  1) rounds half to even\n     expected 2 to equal 3', log: null, tree_sha: head });
  return {
    ...newExecution({ id: 'pricing-fix', goal: 'Round prices half to even', description: 'Totals differ by a cent from the accounting system.' }, 'f'.repeat(64), at),
    state: 'awaiting_human_review',
    branch: 'baton/pricing-fix',
    target_branch: 'main',
    base_sha: base,
    head_sha: head,
    total_cost_usd: 0.31,
    quality_gate_results: [
      { round: 1, subject: 'branch', checks: [check('test', 'failed'), check('lint', 'passed')], passed: false, can_merge: false, tree_sha: head, base_sha: base, at },
      { round: 2, subject: 'branch', checks: [check('test', 'passed'), check('lint', 'passed')], passed: true, can_merge: true, tree_sha: head, base_sha: base, at },
    ],
    decisions: everyState(now).flatMap((task) => task.decisions),
  };
}
