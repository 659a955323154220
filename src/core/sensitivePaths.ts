/** Which files of a change always need a human: those that could loosen the rules that Baton, agents or git run by. */
import picomatch from 'picomatch';
import type { ChangedFile } from './gates.ts';

export interface SensitivePath {
  readonly path: string;
  /** What the file is, for the decision's text. */
  readonly why: string;
}

const RULES: readonly { readonly why: string; readonly globs: readonly string[] }[] = [
  { why: 'configuration of Baton', globs: ['.baton/**', 'config/orchestrator.yaml', 'config/orchestrator.yml'] },
  {
    why: 'settings or instructions of a coding agent',
    globs: [
      ...['.claude/**', '.codex/**', '.gemini/**', '.opencode/**', '.cursor/**', '.agents/**', '.aider*', '.continue/**', '.roo/**', '.kiro/**', '.clinerules{,/**}'],
      ...['CLAUDE.md', 'CLAUDE.local.md', 'AGENTS.md', 'AGENTS.override.md', 'GEMINI.md', '.mcp.json', 'opencode.json{,c}', '.cursorrules', '.windsurfrules'],
      ...['.github/copilot-instructions.md', '.github/instructions/**', '.github/agents/**', '.github/prompts/**'],
    ],
  },
  { why: 'a git hook', globs: ['.husky/**', '.githooks/**', '.git-hooks/**', 'githooks/**', 'lefthook{,-local}.y{,a}ml', '.lefthook/**', '.pre-commit-config.y{,a}ml', '.lintstagedrc*'] },
  { why: 'editor settings that can run programs', globs: ['.vscode/{settings,tasks,launch,mcp,extensions}.json', '*.code-workspace', '.devcontainer/**', '.devcontainer.json'] },
];

/** Programs whose commands are defined in a file of the repository. */
const DEFINED_IN: readonly { readonly program: RegExp; readonly globs: readonly string[] }[] = [
  { program: /^(npm|pnpm|yarn|bun|npm-run-all|run-[sp])$/, globs: ['package.json'] },
  { program: /^g?make$/, globs: ['Makefile', 'makefile', 'GNUmakefile'] },
  { program: /^just$/, globs: ['justfile', '.justfile', 'Justfile'] },
  { program: /^(task|go-task)$/, globs: ['Taskfile.y{,a}ml'] },
  { program: /^(tox)$/, globs: ['tox.ini'] },
  { program: /^(nox)$/, globs: ['noxfile.py'] },
  { program: /^(gradle|gradlew)$/, globs: ['build.gradle{,.kts}', 'gradlew', 'gradlew.bat', 'gradle/wrapper/**'] },
  { program: /^(mvn|mvnw)$/, globs: ['pom.xml', 'mvnw', 'mvnw.cmd', '.mvn/**'] },
];

/**
 * The changed files that need a human before a merge, even under `auto`. Names match at any depth (a nested package may
 * have its own) and without regard to case, as on macOS and Windows. `gateCommands` are the `run` lines of the gates.
 */
export function needsHumanPaths(changes: readonly Pick<ChangedFile, 'path' | 'from'>[], gateCommands: readonly string[] = []): SensitivePath[] {
  const rules = [...RULES, { why: 'a script that a gate runs', globs: gateCommands.flatMap(scriptGlobs) }];
  const matchers = rules
    .filter((rule) => rule.globs.length > 0)
    .map((rule) => ({ why: rule.why, matches: picomatch(rule.globs.flatMap((glob) => [glob, `**/${glob}`]), { dot: true, nocase: true }) }));
  const found = new Map<string, SensitivePath>();
  for (const change of changes) {
    for (const path of change.from === undefined ? [change.path] : [change.path, change.from]) {
      const rule = matchers.find((one) => one.matches(path));
      if (rule && !found.has(path)) found.set(path, { path, why: rule.why });
    }
  }
  return [...found.values()];
}

/** The files of the repository that a command line names or whose definitions it runs. */
function scriptGlobs(command: string): string[] {
  const words = command.split(/[\s;&|()<>]+/).map((word) => word.replaceAll(/["'`]/g, ''));
  const globs: string[] = [];
  for (const word of words) {
    const path = word.replaceAll('\\', '/').replace(/^\.\//, '');
    const program = (path.split('/').pop() ?? '').replace(/\.(cmd|exe|bat)$/i, '');
    globs.push(...(DEFINED_IN.find((one) => one.program.test(program))?.globs ?? []));
    // A file of the repository: has a folder or a script's extension, and is no option, address or absolute path.
    const looksLikeFile = path.includes('/') || /\.(sh|bash|zsh|ps1|cmd|bat|[cm]?[jt]sx?|py|rb|pl|php|lua)$/i.test(path);
    if (looksLikeFile && !/^(-|\/|~|@|\$|[a-z]+:)/i.test(path) && !path.includes('..') && !/[*?[\]{}]/.test(path)) globs.push(path);
  }
  return globs;
}
