/** The real coding-agent CLIs for tests: the pinned installation, run in a scratch home. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentRequest } from '../../src/engine/ports.ts';
import { provideClaude, provideCodex, provideCopilot, provideGemini, provideOpencode } from './vscode/provision.ts';

/** The file of the real Claude Code CLI: BATON_TEST_CLAUDE where set, else the pinned version, installed once a checkout. */
export function provisionClaude(): Promise<string> {
  const given = process.env['BATON_TEST_CLAUDE'];
  return given === undefined || given === '' ? provideClaude() : Promise.resolve(given);
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

/** The file of the real Codex CLI: BATON_TEST_CODEX where set, else the pinned version. */
export function provisionCodex(): Promise<string> {
  const given = process.env['BATON_TEST_CODEX'];
  return given === undefined || given === '' ? provideCodex() : Promise.resolve(given);
}

/** Settings and environment of a Codex that talks to a scripted model only, written into the scratch home. `more` is TOML of further settings. */
export async function codexEnvironment(home: string, baseUrl: string, more = ''): Promise<Record<string, string>> {
  const folder = path.join(home, '.codex');
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, 'config.toml'),
    `${more}
model = "gpt-5.5"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "${baseUrl}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
`,
  );
  return { HOME: home, USERPROFILE: home, CODEX_HOME: folder, SCRIPTED_KEY: 'sk-scripted-key-for-tests' };
}

/** A Gemini CLI in a scratch home that talks to a scripted model only, as an agent of the configuration. */
export async function geminiAgent(home: string, baseUrl: string): Promise<AgentRequest['agent']> {
  const settings = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
  };
  await mkdir(path.join(home, '.gemini'), { recursive: true });
  await writeFile(path.join(home, '.gemini', 'settings.json'), JSON.stringify(settings));
  const env = { HOME: home, USERPROFILE: home, GEMINI_API_KEY: 'scripted-key-for-tests', GOOGLE_GEMINI_BASE_URL: baseUrl };
  return { driver: 'acp', command: process.execPath, args: [await provideGemini(), '--acp'], model: 'gemini-2.5-pro', env };
}

/** An opencode in a scratch home that talks to a scripted model only and asks before it edits or runs. */
export async function opencodeAgent(home: string, baseUrl: string): Promise<AgentRequest['agent']> {
  const model = { name: 'Scripted', tool_call: true, limit: { context: 200_000, output: 32_000 }, cost: { input: 3, output: 15 } };
  const settings = {
    autoupdate: false,
    share: 'disabled',
    model: 'scripted/model',
    small_model: 'scripted/model',
    enabled_providers: ['scripted'],
    permission: { '*': 'allow', bash: 'ask', edit: 'ask' },
    provider: { scripted: { npm: '@ai-sdk/openai-compatible', name: 'Scripted', options: { baseURL: `${baseUrl}/v1`, apiKey: 'sk-scripted' }, models: { model } } },
  };
  const file = path.join(home, 'opencode.json');
  await writeFile(file, JSON.stringify(settings));
  const folders = Object.fromEntries(['CONFIG', 'DATA', 'STATE', 'CACHE'].map((name) => [`XDG_${name}_HOME`, path.join(home, name.toLowerCase())]));
  const quiet = { OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1', OPENCODE_DISABLE_DEFAULT_PLUGINS: '1' };
  return { driver: 'acp', command: await provideOpencode(), args: ['acp'], env: { HOME: home, USERPROFILE: home, ...folders, OPENCODE_CONFIG: file, ...quiet } };
}

/** A Copilot CLI in a scratch home that talks to a scripted model only, without an account of GitHub. */
export async function copilotAgent(home: string, baseUrl: string): Promise<AgentRequest['agent']> {
  const provider = { TYPE: 'openai', WIRE_API: 'completions', BASE_URL: `${baseUrl}/v1`, API_KEY: 'sk-scripted' };
  const env = {
    HOME: home,
    USERPROFILE: home,
    COPILOT_HOME: path.join(home, '.copilot'),
    COPILOT_OFFLINE: 'true',
    COPILOT_MODEL: 'scripted-model',
    ...Object.fromEntries(Object.entries(provider).map(([name, value]) => [`COPILOT_PROVIDER_${name}`, value])),
  };
  return { driver: 'acp', command: await provideCopilot(), args: ['--acp', '--no-auto-update', '--disable-builtin-mcps'], env };
}

/** An attempt of the implementer; override what the test is about. */
export function agentRequest(cwd: string, more: Partial<AgentRequest> & Pick<AgentRequest, 'agent' | 'mark'>): AgentRequest {
  return { task_id: 'T-1', attempt_id: 'a1', number: 1, role: 'implementer', step_id: 'step-1', model: null, cwd, prompt: 'Do it.', resume: null, env: {}, ...more };
}
