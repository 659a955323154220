import assert from 'node:assert/strict';
import { needsHumanPaths } from '../../../src/core/sensitivePaths.ts';

describe('paths that always need a human', () => {
  const one = (path: string, gates: string[] = []): string | undefined => needsHumanPaths([{ path }], gates)[0]?.why;

  for (const path of [
    ...['.baton/orchestrator.yaml', '.baton/tasks/a.md', '.claude/settings.json', 'CLAUDE.md', 'packages/one/CLAUDE.md', 'AGENTS.md', '.codex/config.toml', '.gemini/settings.json'],
    ...['GEMINI.md', '.mcp.json', '.cursor/rules/a.mdc', '.github/copilot-instructions.md', '.husky/pre-commit', '.githooks/pre-push', 'lefthook.yml', '.pre-commit-config.yaml'],
    ...['.vscode/settings.json', '.vscode/tasks.json', 'sub/.vscode/tasks.json', '.devcontainer/devcontainer.json', 'opencode.json', 'config/orchestrator.yaml', '.Claude/Settings.json', 'agents.MD'],
  ]) {
    it(`has ${path}`, () => assert.notEqual(one(path), undefined));
  }

  for (const path of ['src/a.ts', 'README.md', 'docs/claude.txt', 'src/agents.ts', '.vscode/snippets.code-snippets', 'baton/a.ts', 'my.baton/a', 'package.json', 'Makefile']) {
    it(`does not have ${path}`, () => assert.equal(one(path), undefined));
  }

  it('has the old name of a file that was moved away', () => {
    assert.deepEqual(needsHumanPaths([{ path: 'x.md', from: 'CLAUDE.md' }]), [{ path: 'CLAUDE.md', why: 'settings or instructions of a coding agent' }]);
  });

  for (const [path, command] of [
    ['scripts/check.sh', './scripts/check.sh --all'],
    ['scripts/check.mjs', 'node "scripts/check.mjs" && echo ok'],
    ['ci/test', 'cd . && ci/test'],
    ['tools/run.ps1', 'powershell -File tools\\run.ps1'],
    ['check.py', 'python check.py'],
    ['package.json', 'npm test'],
    ['packages/one/package.json', 'pnpm run lint'],
    ['Makefile', 'make check'],
    ['justfile', 'just test'],
    ['gradlew', './gradlew check'],
  ] as const) {
    it(`has ${path} when a gate runs "${command}"`, () => assert.equal(one(path, [command]), 'a script that a gate runs'));
  }

  it('does not take options, addresses and globs of a gate for scripts', () => {
    assert.deepEqual(needsHumanPaths([{ path: 'src/a.ts' }, { path: 'etc/passwd' }], ['npx eslint --config=x/y src/**/*.ts', 'curl https://a.b/c', 'cat /etc/passwd']), []);
  });
});
