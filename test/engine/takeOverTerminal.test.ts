import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Terminal } from '../../src/shared/api.ts';
import { provisionClaude } from '../support/agents.ts';
import { withRealAgents } from '../support/realAgents.ts';
import { ModelServer } from '../support/modelServer/server.ts';
import { tempDir } from '../support/tmp.ts';
import { apt, canApt } from '../support/vscode/apt.ts';
import { which } from '../support/vscode/tools.ts';

/** A program in a terminal of its own (tmux), with keys and a screen. */
class Typing {
  readonly #socket = path.join(tempDir(), 'tmux');
  readonly #env: NodeJS.ProcessEnv;

  constructor({ program, args, cwd, env }: Terminal) {
    this.#env = { ...process.env, ...env, TERM: 'xterm-256color' };
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '120', '-y', '50', '-c', cwd, program, ...args);
  }

  screen(): string {
    return this.#tmux('capture-pane', '-p');
  }

  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  /** Until the screen shows it; `again` is done before each further look. */
  async until(shows: RegExp, again: () => void = () => undefined): Promise<void> {
    for (let look = 0; !shows.test(this.screen()); look += 1) {
      if (look === 80) assert.fail(`The screen does not show ${String(shows)}:\n${this.screen()}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
      again();
    }
  }

  end(): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], { encoding: 'utf8', env: this.#env });
  }
}

describe('A session of the real Claude that is taken over in a terminal', function () {
  this.timeout(120_000);
  let server: ModelServer | undefined;

  before(async function () {
    this.timeout(600_000);
    if (which('tmux') === undefined) {
      if (!canApt()) {
        console.log('      tmux is not there and this is no root on Debian, which could install it: apt-get install tmux');
        this.skip();
      }
      await apt(['tmux']);
    }
    await provisionClaude();
    server = await ModelServer.start();
  });
  after(() => server?.close());

  it('goes on there with all that was said, and handed back the agent knows what the human did (SPEC §8)', async () => {
    assert.ok(server);
    const heard: { readonly prompt: string; readonly said: string }[] = [];
    const test = await withRealAgents(
      server,
      {
        claude: ({ prompt, answers, messages }) => {
          heard.push({ prompt, said: messages.map(({ text }) => text).join('\n') });
          if (prompt.includes('Say hello')) return { text: 'HELLO-TO-ANN' };
          if (prompt.startsWith('You were interrupted')) return answers === 0 ? { tools: [{ tool: 'write', path: 'calc.js', content: '2;\n' }] } : { text: 'Mended.' };
          return answers === 0 ? { text: 'BEGUN-BY-THE-AGENT', tools: [{ tool: 'read', path: 'calc.js' }] } : { silent: true };
        },
      },
      { files: { 'calc.js': '1;\n' }, tasks: [{ id: 'calc', goal: 'Mend the calculator', workflow: 'direct' }] },
    );
    await test.engine.send({ type: 'start' });
    await test.until(() => heard.length === 2, 'the agent in the middle of its work');
    const { terminal } = await test.engine.send({ type: 'take_over', task_id: 'calc', by: 'ann' });
    assert.ok(terminal);
    // What a person who uses Claude has answered long ago: theme, key, trust.
    const settings = { hasCompletedOnboarding: true, theme: 'dark', customApiKeyResponses: { approved: [terminal.env['ANTHROPIC_API_KEY']?.slice(-20)], rejected: [] }, projects: { [terminal.cwd]: { hasTrustDialogAccepted: true } } };
    writeFileSync(path.join(terminal.env['CLAUDE_CONFIG_DIR'] ?? '', '.claude.json'), JSON.stringify(settings));
    const typing = new Typing(terminal);
    try {
      await typing.until(/BEGUN-BY-THE-AGENT/);
      // Keys that come before it reads them are lost.
      await typing.until(/❯.*Say hello/, () => typing.keys('C-u', 'Say hello'));
      await typing.until(/HELLO-TO-ANN/, () => typing.keys('Enter'));
    } finally {
      typing.end();
    }
    assert.match(heard.find(({ prompt }) => prompt.includes('Say hello'))?.said ?? '', /Mend the calculator[\s\S]*BEGUN-BY-THE-AGENT[\s\S]*Say hello/);

    await test.engine.send({ type: 'hand_back', task_id: 'calc', by: 'ann' });
    await test.untilState('calc', 'done');
    assert.match(heard.at(-1)?.said ?? '', /BEGUN-BY-THE-AGENT[\s\S]*HELLO-TO-ANN[\s\S]*Meanwhile I have worked in this session myself/);
  });
});
