/**
 * An engine over real parts (SQLite store, git worktrees, shell gates, process sweeps) in a temporary repository. Only the
 * task files are handed in and the agent is a function that edits the worktree, so that a test decides what it does.
 */
import { writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Channel } from '../../src/adapters/agents/channel.ts';
import { runCommand } from '../../src/adapters/gates/command.ts';
import { createForge } from '../../src/adapters/forge/gh.ts';
import { serveMonitoring } from '../../src/adapters/http/server.ts';
import { createWorkspace } from '../../src/adapters/git/workspace.ts';
import { createProcesses } from '../../src/adapters/process/processes.ts';
import { createRedactor } from '../../src/adapters/runs/redact.ts';
import { createRunLog } from '../../src/adapters/runs/runLog.ts';
import { createRunFiles } from '../../src/adapters/runs/runFiles.ts';
import { gitStarter } from './gitStarter.ts';
import { createLocalRunners } from './localRunners.ts';
import { checkpointWriter } from '../../src/adapters/store/atomicFile.ts';
import type { Watched } from '../../src/adapters/sources/watcher.ts';
import { openStore } from '../../src/adapters/store/store.ts';
import { exportTelemetry } from '../../src/adapters/telemetry/telemetry.ts';
import { createClock } from '../../src/adapters/system/clock.ts';
import { createWebhook } from '../../src/adapters/webhook/webhook.ts';
import { createCrypto } from '../../src/adapters/system/crypto.ts';
import { resolvePath } from '../../src/adapters/system/resolvePath.ts';
import { configSchema, type AgentConfig, type Config } from '../../src/core/config/schema.ts';
import type { Problem } from '../../src/core/errors.ts';
import { canonicalContent, type TaskDefinition } from '../../src/core/task.ts';
import { Orchestrator } from '../../src/engine/orchestrator.ts';
import type { AgentDriver, AgentEnd, AgentInfo, AgentMessage, AgentRequest, AgentSession, Clock, Log, PermissionAnswer, Ports, SourcedSchedule, SourcedTask } from '../../src/engine/ports.ts';
import type { Snapshot, TaskView } from '../../src/shared/api.ts';
import type { Role, TaskExecution } from '../../src/core/execution.ts';
import { makeRepo, type Files, type TestRepo } from './repo.ts';
import { beforeRemoval, tempDir } from './tmp.ts';

/** What a scripted agent may do while it works. */
export interface AgentAtWork {
  readonly request: AgentRequest;
  write(files: Files): Promise<void>;
  say(message: Exclude<AgentMessage, { type: 'end' }>): void;
  /** Asks for a permission and waits for the answer. */
  ask(tool: string, input: Record<string, unknown>, more?: { editable?: false }): Promise<PermissionAnswer>;
  /** Resolves when the engine ends the agent. */
  readonly killed: Promise<void>;
  /** Messages that the user sent to it. */
  readonly heard: string[];
}
/** Returns nothing for success, or its own end. */
export type AgentScript = (agent: AgentAtWork) => Promise<AgentEnd | undefined>;

export const failure = (kind: string, message = kind, more: Partial<NonNullable<AgentEnd['error']>> = {}): AgentEnd => ({
  ok: false,
  result: '',
  exit_code: 1,
  error: { kind, message, ...more },
});

/** A planner's or reviewer's answer, as structured output. */
export const answer = (structured: unknown): AgentEnd => ({ ok: true, result: 'answered', structured, exit_code: 0 });
/** The same as an agent without a schema gives it: somewhere in its text. */
export const spoken = (result: string): AgentEnd => ({ ok: true, result, exit_code: 0 });

/** A script by role; an implementer without one writes a file named after task, step and attempt. */
export function byRole(scripts: Partial<Record<Role, AgentScript>>): AgentScript {
  const fallback: Record<Role, AgentScript> = {
    planner: () => Promise.resolve(answer({ steps: [{ id: 'only', description: 'Do it all' }] })),
    plan_reviewer: () => Promise.resolve(answer({ status: 'approved' })),
    implementer: async (agent) => {
      const { request } = agent;
      await agent.write({ [`${request.step_id ?? ''}-${request.number}.txt`]: `${request.task_id} ${request.attempt_id}\n` });
      return undefined;
    },
    code_reviewer: () => Promise.resolve(answer({ status: 'approved' })),
  };
  return (agent) => (scripts[agent.request.role] ?? fallback[agent.request.role])(agent);
}

export interface EngineSetup {
  readonly files?: Files;
  readonly config?: Record<string, unknown>;
  readonly tasks?: TaskDefinition[];
  readonly agent?: AgentScript;
  readonly driver?: 'claude' | 'command';
  readonly clock?: Clock;
  readonly passive?: boolean;
  readonly schedules?: () => { schedules: SourcedSchedule[]; problems: Problem[] };
  /** `cli` when absent. */
  readonly host?: 'vscode' | 'cli';
  /** Stands between the engine and its ports, also after a restart. */
  readonly throughPorts?: (ports: Ports) => Ports;
  /** The agent says nothing by itself but that it was spawned. */
  readonly mute?: boolean;
  /** Milliseconds that a snapshot is waited for; 45 s when absent. */
  readonly patience?: number;
}

export interface TestEngine {
  readonly repo: TestRepo;
  readonly batonDir: string;
  readonly worktreesDir: string;
  engine: Orchestrator;
  /** Those of the engine that runs now. */
  readonly ports: Ports;
  /** Attempts that were started, in order. */
  readonly requests: AgentRequest[];
  /** Most agents at work at the same time so far. */
  readonly peak: () => number;
  script: AgentScript;
  setTasks(tasks: TaskDefinition[]): void;
  setConfig(config: Record<string, unknown>): void;
  /** The user's own prompt of a role, as in `.baton/prompts/<role>.md`. */
  setPrompt(role: Role, text: string): void;
  setStopHook(present: boolean): void;
  /** The next snapshot for which the test holds; rejects with the last one when none comes. */
  until(test: (snapshot: Snapshot) => boolean, what?: string): Promise<Snapshot>;
  untilState(taskId: string, ...states: TaskView['state'][]): Promise<TaskExecution>;
  record(taskId: string): Promise<TaskExecution>;
  /** A new engine on the same repository, as after a restart. */
  restart(options?: { passive?: boolean }): Promise<void>;
  close(): Promise<void>;
}

const ZERO = { input_tokens: 0, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0 };
/** Fast retries and a gate that looks at a file; tests override what they are about. */
const QUICK = { retry: { initial_backoff: 0.02, max_backoff: 0.1 }, merge: { policy: 'auto' }, gates: [{ name: 'check', run: 'test ! -e broken' }] };

const open: TestEngine[] = [];

export async function makeEngine(setup: EngineSetup = {}): Promise<TestEngine> {
  const repo = await makeRepo({ 'README.md': '# Sample\n', '.gitignore': '.baton/\n', ...setup.files });
  const batonDir = path.join(repo.root, '.baton');
  await mkdir(batonDir, { recursive: true });
  const worktreesDir = tempDir();
  const { patience = 45_000 } = setup;
  const state = {
    config: parse({ ...QUICK, ...setup.config }),
    tasks: setup.tasks ?? [],
    stopHook: false,
    script: setup.agent ?? ((agent: AgentAtWork) => agent.write({ [`${agent.request.task_id}.txt`]: 'done\n' }).then(() => undefined)),
    prompts: {} as Partial<Record<Role, string>>,
    working: 0,
    peak: 0,
  };
  const listeners = new Set<(what: Watched) => void>();
  const requests: AgentRequest[] = [];
  const crypto = createCrypto();
  const log: Log = quietLog();

  const info: AgentInfo = {
    name: 'agent',
    config: parse({ agents: { agent: { driver: setup.driver ?? 'command', command: 'agent' } } }).agents['agent'] as AgentInfo['config'],
    available: true,
    version: '1',
    path: 'agent',
    install: null,
    account: 'account',
    provider: 'test',
  };
  const agents = (config: Config): AgentInfo[] => {
    const named = Object.entries(config.agents).map(([name, one]) => ({
      ...info,
      name,
      config: one,
      account: one.account ?? name,
      provider: (one.model === undefined ? undefined : config.models[one.model]?.provider) ?? name,
    }));
    return named.length > 0 ? named : [info];
  };
  const start = (request: AgentRequest): Promise<AgentSession> => {
    requests.push(request);
    state.working += 1;
    state.peak = Math.max(state.peak, state.working);
    return Promise.resolve(
      session(request, (agent) => state.script(agent), setup.mute ?? false, () => {
        state.working -= 1;
      }),
    );
  };
  const driver = (kind: AgentConfig['driver']): AgentDriver => ({ kind, start });
  const through = setup.throughPorts ?? ((ports: Ports) => ports);
  const makePorts = async (): Promise<Ports> => through({
    clock: setup.clock ?? createClock(),
    log,
    store: await openStore({ batonDir, workerPath: path.resolve('src/adapters/store/worker.ts'), log }),
    agents: { list: (config) => Promise.resolve(agents(config)), hasDriver: () => true },
    runners: createLocalRunners(driver, setup.clock ?? createClock()),
    forge: createForge({ root: repo.root }),
    workspace: createWorkspace({ root: repo.root, worktreesDir, log, starter: gitStarter }),
    gates: { detect: () => Promise.resolve([]), prepare: () => undefined, keep: () => undefined, run: (request) => runCommand(request) },
    processes: createProcesses(),
    sources: {
      tasks: () => Promise.resolve({ tasks: state.tasks.map((one, index) => sourced(one, index, (text) => crypto.hash(text))), problems: [] as Problem[] }),
      config: () => Promise.resolve({ config: state.config, problems: [], valid: true }),
      locate: () => Promise.resolve({ file: '.baton/orchestrator.yaml', line: 1, column: 1 }),
      prompt: (role) => Promise.resolve(state.prompts[role]),
      schedules: () => Promise.resolve(setup.schedules?.() ?? { schedules: [], problems: [] }),
      stopRequested: () => Promise.resolve(state.stopHook),
      addTask: (one) => {
        state.tasks.push(one);
        return Promise.resolve(`.baton/tasks/${one.id}.md`);
      },
      addPermission: (rule) => {
        state.config = { ...state.config, permissions: [rule, ...state.config.permissions] };
        return Promise.resolve('.baton/orchestrator.yaml');
      },
      removeTask: (taskId) => {
        state.tasks = state.tasks.filter((one) => one.id !== taskId);
        return Promise.resolve('.baton/tasks.yaml');
      },
      watch: (listener) => {
        listeners.add(listener);
        return { dispose: () => void listeners.delete(listener) };
      },
    },
    runs: createRunFiles({ batonDir }),
    runLog: createRunLog({ batonDir, redactor: createRedactor(), log }),
    crypto,
    webhook: createWebhook(createRedactor()),
    repository: { root: repo.root, name: 'sample', key: crypto.hash(repo.root).slice(0, 12) },
    resolvePath,
    writeCheckpoint: checkpointWriter(batonDir),
    exporters: { http: serveMonitoring, telemetry: (settings, feed, to) => exportTelemetry(settings, feed, to, createRedactor()) },
  });
  let ports = await makePorts();
  const engine = await Orchestrator.open({ ports, host: setup.host ?? 'cli', pid: process.pid, passive: setup.passive ?? false });
  const fire = (what: Watched): void => {
    for (const listener of listeners) listener(what);
  };

  const test: TestEngine = {
    repo,
    batonDir,
    worktreesDir,
    engine,
    get ports() {
      return ports;
    },
    requests,
    peak: () => state.peak,
    get script() {
      return state.script;
    },
    set script(script) {
      state.script = script;
    },
    setTasks: (tasks) => {
      state.tasks = tasks;
      fire('tasks');
    },
    setConfig: (config) => {
      state.config = parse({ ...QUICK, ...config });
      fire('config');
    },
    setPrompt: (role, text) => {
      state.prompts[role] = text;
    },
    setStopHook: (present) => {
      state.stopHook = present;
      fire('stop');
    },
    until: (matches, what) => until(test.engine, patience, matches, what),
    untilState: async (taskId, ...states) => {
      await until(test.engine, patience, (snapshot) => snapshot.tasks.some((one) => one.id === taskId && states.includes(one.state)), `${taskId} ${states.join('|')}`);
      return test.record(taskId);
    },
    record: async (taskId) => {
      const record = await test.engine.task(taskId);
      if (!record) throw new Error(`no record of ${taskId}`);
      return record;
    },
    restart: async (options = {}) => {
      await test.engine.close();
      ports = await makePorts();
      test.engine = await Orchestrator.open({ ports, host: setup.host ?? 'cli', pid: process.pid, passive: options.passive ?? false });
    },
    close: () => test.engine.close(),
  };
  open.push(test);
  return test;
}

beforeRemoval(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function parse(config: Record<string, unknown>): Config {
  return configSchema.parse(config);
}

function sourced(definition: TaskDefinition, index: number, hash: (text: string) => string): SourcedTask {
  return { definition, file: '.baton/tasks.yaml', line: index + 2, dependencies_at: [], hash: hash(canonicalContent(definition)), modified_at: new Date(0).toISOString() };
}

function until(engine: Orchestrator, patience: number, matches: (snapshot: Snapshot) => boolean, what = 'the expected snapshot'): Promise<Snapshot> {
  return new Promise<Snapshot>((resolve, reject) => {
    let last: Snapshot | undefined;
    const timer = setTimeout(() => {
      const tasks = (last?.tasks ?? []).map((one) => `${one.id}: ${one.state} (${one.why})${one.error ? ` ${one.error}` : ''}`).join('\n');
      end(() => reject(new Error(`${what} did not come in ${patience} ms; loop ${last?.loop.state ?? 'unknown'}\n${tasks}`)));
    }, patience);
    const look = (snapshot: Snapshot): void => {
      last = snapshot;
      if (matches(snapshot)) end(() => resolve(snapshot));
    };
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      subscription.dispose();
      settle();
    };
    // Before the first look: nothing that changes meanwhile is missed.
    const subscription = engine.onSnapshot(look);
    engine.snapshot().then(look).catch((error: unknown) => end(() => reject(new Error(`${what} could not be looked for`, { cause: error }))));
  });
}

function session(request: AgentRequest, script: AgentScript, mute: boolean, onEnd: () => void): AgentSession {
  const messages = new Channel();
  const waiting = new Map<string, (answer: PermissionAnswer) => void>();
  const heard: string[] = [];
  let killed: () => void = () => undefined;
  const whenKilled = new Promise<void>((resolve) => {
    killed = resolve;
  });
  let over = false;
  const finish = (end: AgentEnd): void => {
    if (over) return;
    over = true;
    onEnd();
    messages.end(end);
  };
  let asked = 0;
  const agent: AgentAtWork = {
    request,
    heard,
    killed: whenKilled,
    say: (message) => messages.push(message),
    write: async (files) => {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(request.cwd, name)), { recursive: true });
        await writeFile(path.join(request.cwd, name), text);
      }
    },
    ask: (tool, input, more) => {
      asked += 1;
      const id = `p${asked}`;
      messages.push({ type: 'permission', request_id: id, tool, title: typeof input['command'] === 'string' ? input['command'] : tool, input, reason: null, ...more });
      return new Promise((resolve) => waiting.set(id, resolve));
    },
  };
  messages.push({ type: 'started', session_id: request.role === 'implementer' ? `session-${request.task_id}` : `session-${request.task_id}-${request.role}-${request.attempt_id}`, model: request.model ?? 'test-model', process: null });
  if (!mute) messages.push({ type: 'usage', usage: { ...ZERO, input_tokens: 100, output_tokens: 10 }, cost_usd: 0.01, turns: 1 });
  script(agent).then(
    (end) => finish(end ?? { ok: true, result: 'done', exit_code: 0 }),
    (error: unknown) => finish(failure('crashed', String(error))),
  );
  return {
    messages,
    answer: (id, answer) => {
      waiting.get(id)?.(answer);
      waiting.delete(id);
      return Promise.resolve();
    },
    send: (text) => {
      heard.push(text);
      messages.push({ type: 'user', text });
      return Promise.resolve();
    },
    kill: () => {
      killed();
      finish(failure('interrupted'));
      return Promise.resolve();
    },
  };
}

/** Errors still reach the console: a test that provokes one says so. */
export function quietLog(): Log {
  const nothing = (): void => undefined;
  return { debug: nothing, info: nothing, warn: nothing, error: (message, cause) => console.error(message, cause ?? '') };
}
