/** The real coding-agent CLIs for tests: the pinned installation, run in a scratch home. */
import path from 'node:path';
import type { AgentRequest } from '../../src/engine/ports.ts';
import { provideClaude } from './vscode/provision.ts';

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

/** An attempt of the implementer; override what the test is about. */
export function agentRequest(cwd: string, more: Partial<AgentRequest> & Pick<AgentRequest, 'agent' | 'mark'>): AgentRequest {
  return { task_id: 'T-1', attempt_id: 'a1', number: 1, role: 'implementer', step_id: 'step-1', model: null, cwd, prompt: 'Do it.', resume: null, env: {}, ...more };
}
