/** The real coding-agent CLIs for tests: installed once into the repository's ignored cache, run in a scratch home. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentRequest } from '../../src/engine/ports.ts';

const CACHE = path.join(import.meta.dirname, '..', '..', '.vscode-test', 'agents');
const CLAUDE_VERSION = '2.1.328';
/** A download of 100 MB on a slow line. */
const INSTALL_MS = 10 * 60_000;

let claude: Promise<string> | undefined;

/**
 * The file of the real Claude Code CLI: BATON_TEST_CLAUDE where set, else the pinned version from the npm registry,
 * installed once per checkout (about 360 MB on disk).
 */
export function provisionClaude(): Promise<string> {
  claude ??= provide();
  return claude;
}

/** Environment of a Claude that talks to a scripted model only and keeps its files in the scratch home. */
export function claudeEnvironment(home: string, baseUrl: string): Record<string, string> {
  return {
    HOME: home,
    USERPROFILE: home,
    CLAUDE_CONFIG_DIR: path.join(home, '.claude'),
    ANTHROPIC_BASE_URL: baseUrl,
    ANTHROPIC_API_KEY: 'sk-ant-scripted-key-for-tests',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  };
}

/** An attempt of the implementer; override what the test is about. */
export function agentRequest(cwd: string, more: Partial<AgentRequest> & Pick<AgentRequest, 'agent' | 'mark'>): AgentRequest {
  return { task_id: 'T-1', attempt_id: 'a1', number: 1, role: 'implementer', step_id: 'step-1', model: null, cwd, prompt: 'Do it.', resume: null, env: {}, ...more };
}

async function provide(): Promise<string> {
  const given = process.env['BATON_TEST_CLAUDE'];
  if (given !== undefined && given !== '') {
    await output(given, ['--version'], 30_000);
    return given;
  }
  const folder = path.join(CACHE, `claude-${CLAUDE_VERSION}`);
  await mkdir(CACHE, { recursive: true });
  if (!existsSync(folder)) await locked(`${folder}.lock`, () => install(folder));
  const file = await nativeProgram(folder);
  const version = await output(file, ['--version'], 30_000);
  if (!version.startsWith(CLAUDE_VERSION)) throw new Error(`${file} says it is version "${version.trim()}", not ${CLAUDE_VERSION}. Remove ${folder} and run the tests again.`);
  return file;
}

/** The program comes in a package of its own per platform, so no install script has to run. */
async function nativeProgram(folder: string): Promise<string> {
  const scope = path.join(folder, 'node_modules', '@anthropic-ai');
  for (const name of await readdir(scope)) {
    for (const file of ['claude', 'claude.exe']) {
      const candidate = path.join(scope, name, file);
      if (name !== 'claude-code' && existsSync(candidate)) return candidate;
    }
  }
  throw new Error(`Claude Code has no program for ${process.platform}-${process.arch} in ${scope}. Set BATON_TEST_CLAUDE to the file of an installed CLI.`);
}

async function install(folder: string): Promise<void> {
  if (existsSync(folder)) return; // another process was quicker
  const temporary = `${folder}.${process.pid}.part`;
  console.log(`Installing Claude Code ${CLAUDE_VERSION} for the tests into ${folder} …`);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await writeFile(path.join(temporary, 'package.json'), '{"private": true}\n');
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', `@anthropic-ai/claude-code@${CLAUDE_VERSION}`];
    const npm = process.env['npm_execpath'];
    await (npm === undefined ? output('npm', args, INSTALL_MS, temporary) : output(process.execPath, [npm, ...args], INSTALL_MS, temporary));
    await nativeProgram(temporary);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw new Error(`Claude Code ${CLAUDE_VERSION} could not be installed from the npm registry. Set BATON_TEST_CLAUDE to the file of an installed CLI, or see to the network.`, { cause: error });
  }
}

/** Runs the body while no other process does; a lock whose holder died is broken. */
async function locked(lock: string, body: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + INSTALL_MS;
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isAbandoned(lock)) await rm(lock, { recursive: true, force: true });
      else if (Date.now() > deadline) throw new Error(`Another process has held ${lock} for ten minutes. Remove it if none is running.`, { cause: error });
      else await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
  try {
    await writeFile(path.join(lock, 'pid'), String(process.pid));
    await body();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function isAbandoned(lock: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(path.join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    // No pid yet: its holder is about to write it, or died before it could.
    const made = await stat(lock).catch(() => undefined);
    return made !== undefined && Date.now() - made.mtimeMs > 10_000;
  }
}

function output(file: string, args: readonly string[], timeoutMs: number, cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: timeoutMs, encoding: 'utf8', ...(cwd === undefined ? {} : { cwd }) }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file} ${args.join(' ')} failed: ${stderr.trim() || error.message}`, { cause: error }));
      else resolve(stdout);
    });
  });
}
