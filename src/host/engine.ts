/** The composition root of an engine: every port gets its maker, by hand. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createAgents } from '../adapters/agents/discovery.ts';
import { createCommands } from '../adapters/gates/command.ts';
import { detectGates } from '../adapters/gates/detect.ts';
import { createForge } from '../adapters/forge/gh.ts';
import { GitStarter } from '../adapters/git/starter.ts';
import { createWorkspace } from '../adapters/git/workspace.ts';
import { createProcesses } from '../adapters/process/processes.ts';
import { createRunners } from '../adapters/runner/runners.ts';
import { createRedactor } from '../adapters/runs/redact.ts';
import { createRunLog } from '../adapters/runs/runLog.ts';
import { createRunFiles } from '../adapters/runs/runFiles.ts';
import { ensureBatonFolder } from '../adapters/sources/batonFolder.ts';
import { createSources } from '../adapters/sources/sources.ts';
import { checkpointWriter } from '../adapters/store/atomicFile.ts';
import { openStore } from '../adapters/store/store.ts';
import type { BatonError } from '../core/errors.ts';
import { createCrypto } from '../adapters/system/crypto.ts';
import { resolvePath } from '../adapters/system/resolvePath.ts';
import { createWebhook } from '../adapters/webhook/webhook.ts';
import { Orchestrator } from '../engine/orchestrator.ts';
import type { Clock, Log, Ports } from '../engine/ports.ts';
import { loadBundle } from './bundle.ts';
import { dataDirectory, runtimeDirectory, socketPath, storeDirectory } from './directories.ts';
import type { BuiltEngine } from './election.ts';
import type { Repository } from './repositoryKey.ts';

export interface EngineOptions {
  readonly host: 'vscode' | 'cli';
  readonly log: Log;
  readonly distDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly passive?: boolean;
  readonly only?: readonly string[];
  readonly settings?: { readonly agentPaths: Readonly<Record<string, string>> };
  /** Stands between the engine and its ports: a test watches calls here, or breaks them. */
  readonly throughPorts?: (ports: Ports) => Ports;
}

/** Opens store, sources and the rest for one repository; called with the leader's lock held. */
export async function buildEngine(repository: Repository, options: EngineOptions): Promise<BuiltEngine> {
  const { log, env, clock } = options;
  const { root, key, name } = repository;
  const batonDir = join(root, '.baton');
  const redactor = createRedactor(env);
  const sources = createSources({ root, env, log, loadCron: () => loadBundle(options.distDir, 'cron') });
  await ensureBatonFolder(root);
  const { config } = await sources.config();
  const worktrees = config.worktree.root === undefined ? join(dataDirectory(env), 'worktrees') : expandHome(config.worktree.root, root);
  const onReadOnly = (error: BatonError): void => log.error(`${error.message} Nothing more is stored until Baton is restarted. ${error.hint ?? ''}`, error.cause);
  const store = await openStore({ batonDir, dataDir: storeDirectory(key, env), workerPath: join(options.distDir, 'storeWorker.js'), log, onReadOnly });
  const starter = new GitStarter({ log });
  const commands = createCommands(redactor);
  try {
    const ports: Ports = {
      clock,
      log,
      store,
      agents: createAgents({ root, redactor, programs: options.settings?.agentPaths ?? {} }),
      forge: createForge({ root }),
      workspace: createWorkspace({ root, worktreesDir: join(worktrees, `${name}-${key}`), log, starter }),
      gates: { detect: () => detectGates(root), prepare: commands.prepare, keep: commands.keep, run: commands.run },
      processes: createProcesses(),
      sources,
      runs: createRunFiles({ batonDir }),
      runners: createRunners({ entry: join(options.distDir, 'runner.js'), key, socketPath: (id) => socketPath(runtimeDirectory(env), `r-${id}`, id), log }),
      runLog: createRunLog({ batonDir, redactor, log }),
      crypto: createCrypto(),
      webhook: createWebhook(redactor),
      repository: { root, name, key },
      resolvePath,
      writeCheckpoint: checkpointWriter(batonDir),
      exporters: {
        http: async (settings, feed) => (await loadBundle(options.distDir, 'monitoring')).serveMonitoring(settings, feed),
        telemetry: async (settings, feed, to) => (await loadBundle(options.distDir, 'telemetry')).exportTelemetry(settings, feed, to, redactor),
      },
    };
    const engine = await Orchestrator.open({
      host: options.host,
      pid: process.pid,
      passive: options.passive ?? false,
      ...(options.only === undefined ? {} : { only: options.only }),
      ports: options.throughPorts?.(ports) ?? ports,
    });
    const close = (): void => {
      starter.close();
      commands.close();
    };
    return { api: engine, close: () => engine.close().finally(close) };
  } catch (error) {
    starter.close();
    await store.close();
    throw error;
  }
}

function expandHome(path: string, root: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : resolve(root, path);
}
