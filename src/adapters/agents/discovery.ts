/** The Agents port: what is configured, what is installed, and what could be. */
import path from 'node:path';
import type { AgentConfig, Config } from '../../core/config/schema.ts';
import { atLeast } from '../../core/version.ts';
import type { AgentInfo, Agents } from '../../engine/ports.ts';
import { childEnvironment } from '../process/environment.ts';
import { findProgram, resolveProgram } from '../process/program.ts';
import { spawnProcess } from '../process/spawn.ts';
import type { Redactor } from '../runs/redact.ts';
import { DRIVEN, KNOWN_CLIS, type KnownCli } from './catalog.ts';

/** The slowest CLI seen takes 5 s to start; a cold disk twice that. */
const VERSION_MS = 15_000;
/** Characters of a program's answer to `--version` that are read. */
const VERSION_LENGTH = 4_096;

export interface AgentsOptions {
  /** Folder that relative programs of the configuration count from: the main checkout. */
  readonly root: string;
  /** Learns the secrets of agents' configured environments before they can say them. */
  readonly redactor?: Redactor;
  /** Folders searched after PATH, in place of those where installers put CLIs. */
  readonly places?: readonly string[];
  /** Programs by CLI name, as the user's machine settings say. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** Agents that are configured or found. */
export function createAgents(options: AgentsOptions): Agents {
  const hasDriver = (kind: AgentConfig['driver']): boolean => DRIVEN.includes(kind);
  let cached: { key: string; list: Promise<AgentInfo[]> } | undefined;
  return {
    list(config, refresh = false) {
      for (const { env } of Object.values(config.agents)) options.redactor?.learn(env);
      const key = JSON.stringify([config.agents, config.models]);
      if (refresh || cached?.key !== key) {
        const list = look(config, { root: options.root, places: options.places, programs: options.programs ?? {}, hasDriver });
        cached = { key, list };
        list.catch(() => (cached = undefined));
      }
      return cached.list;
    },
    hasDriver,
  };
}

interface Where {
  readonly root: string;
  readonly places: readonly string[] | undefined;
  readonly programs: Readonly<Record<string, string>>;
  readonly hasDriver: (kind: AgentConfig['driver']) => boolean;
}

async function look(config: Config, where: Where): Promise<AgentInfo[]> {
  const configured = await Promise.all(Object.entries(config.agents).map(([name, agent]) => describe(name, agent, config, where)));
  const taken = new Set(configured.map((one) => one.name));
  const others = KNOWN_CLIS.filter((cli) => !taken.has(cli.name));
  const found = await Promise.all(
    others.map((cli) => describe(cli.name, { driver: cli.driver, command: cli.name, args: [...cli.args], env: {} }, config, where)),
  );
  // The same program under a configured name is the user's word on it.
  const programs = new Set(configured.flatMap((one) => (one.path === null || one.config.driver === 'command' ? [] : [one.path])));
  const all = [...configured, ...found.filter((one) => one.path === null || !programs.has(one.path))];
  return [...all.filter((one) => one.available), ...all.filter((one) => !one.available)];
}

async function describe(name: string, stated: AgentConfig, config: Config, where: Where): Promise<AgentInfo> {
  const { root, places, hasDriver } = where;
  const cli = cliOf(stated);
  const agent = onThisMachine(stated, cli, where.programs);
  const command = agent.command ?? cli?.name;
  const env = childEnvironment(agent.env);
  const file = command === undefined ? undefined : await findProgram(command, env, root, places);
  // A command agent is any program: what it would do with `--version` is anybody's guess.
  const version = file === undefined || agent.driver === 'command' ? null : await versionOf(file, env, root);
  const old = version !== null && cli?.oldest !== undefined && !atLeast(version, cli.oldest.split('.').map(Number)) ? `${version} is too old: ${cli.oldest} or newer is needed` : undefined;
  const provider = (agent.model === undefined ? undefined : config.models[agent.model]?.provider) ?? cli?.provider ?? name;
  return {
    name,
    config: agent,
    available: file !== undefined && old === undefined && hasDriver(agent.driver),
    version,
    path: file ?? null,
    install: file === undefined ? (cli?.install ?? null) : old === undefined ? null : `${cli?.install ?? ''}@latest`,
    ...(old === undefined ? {} : { problem: old }),
    ...(file === undefined || cli?.signIn === undefined ? {} : { sign_in: { file, ...cli.signIn } }),
    account: agent.account ?? provider,
    provider,
  };
}

/** A machine's setting says where a CLI is, unless the repository names a program of its own. */
function onThisMachine(agent: AgentConfig, cli: KnownCli | undefined, programs: Readonly<Record<string, string>>): AgentConfig {
  const program = cli === undefined ? undefined : programs[cli.name];
  return program === undefined || (agent.command !== undefined && agent.command !== cli?.name) ? agent : { ...agent, command: program };
}

/** The known CLI behind an agent: by its program, else by its driver. */
function cliOf(agent: AgentConfig): KnownCli | undefined {
  const program = agent.command === undefined ? undefined : path.parse(agent.command).name.toLowerCase();
  const byProgram = KNOWN_CLIS.find((cli) => cli.name === program && cli.driver === agent.driver);
  return byProgram ?? (agent.driver === 'claude' || agent.driver === 'codex' ? KNOWN_CLIS.find((cli) => cli.driver === agent.driver) : undefined);
}

/** The version that a program tells, or null when it tells none in time. */
async function versionOf(file: string, env: Record<string, string>, cwd: string): Promise<string | null> {
  try {
    const program = await resolveProgram(file);
    const spawned = await spawnProcess({ file: program.file, args: [...program.args, '--version'], cwd, env: { ...env, DISABLE_AUTOUPDATER: '1' }, mark: `version/${process.pid}/${path.basename(file)}` });
    spawned.child.stdin.end();
    let text = '';
    spawned.child.stdout.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(0, VERSION_LENGTH)));
    spawned.child.stderr.resume();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, VERSION_MS)));
    const closed = new Promise<void>((resolve) => spawned.child.once('close', () => resolve()));
    await Promise.race([closed, late]);
    clearTimeout(timer);
    await spawned.killTree(0);
    return /\d+\.\d+(?:\.\d+)?(?:[-+][\w.-]+)?/.exec(text)?.[0] ?? null;
  } catch {
    return null;
  }
}
