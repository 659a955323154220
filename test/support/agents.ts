/** The real coding-agent CLIs for tests: the pinned installation, run in a scratch home. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentRequest } from '../../src/engine/ports.ts';
import { provideClaude, provideCodex } from './vscode/provision.ts';

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

/** An attempt of the implementer; override what the test is about. */
export function agentRequest(cwd: string, more: Partial<AgentRequest> & Pick<AgentRequest, 'agent' | 'mark'>): AgentRequest {
  return { task_id: 'T-1', attempt_id: 'a1', number: 1, role: 'implementer', step_id: 'step-1', model: null, cwd, prompt: 'Do it.', resume: null, env: {}, ...more };
}
