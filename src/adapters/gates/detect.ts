/** Gates for a repository that configures none: those that its kind of project has set up already. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GateConfig } from '../../core/config/schema.ts';

interface Project {
  readonly root: string;
  /** Names in the root folder. */
  readonly names: ReadonlySet<string>;
  /** Text of a file in the root folder, or an empty text. */
  readonly read: (name: string) => Promise<string>;
}

/**
 * Looks at the files in the repository's root only, runs nothing, and never rejects. A tool counts when the project
 * configures it, not when it merely could be used. Several kinds in one repository give the gates of all.
 */
export async function detectGates(root: string): Promise<GateConfig[]> {
  const names = new Set(await readdir(root).catch(() => []));
  const project: Project = { root, names, read: (name) => (names.has(name) ? readFile(join(root, name), 'utf8').catch(() => '') : Promise.resolve('')) };
  const found = [await node(project), await python(project), rust(project), go(project), jvm(project), dotnet(project), await others(project)].flat();
  const gates = found.length > 0 ? found : await make(project);
  return distinct(gates);
}

async function node(project: Project): Promise<GateConfig[]> {
  if (!project.names.has('package.json')) return [];
  const manifest = parseManifest(await project.read('package.json'));
  const manager = packageManager(project.names, manifest.packageManager);
  const run = manager === 'npm' ? 'npm run --silent' : `${manager} run`;
  const execute = { npm: 'npx --no-install', pnpm: 'pnpm exec', yarn: 'yarn run', bun: 'bunx --no-install' }[manager];
  const script = (name: string): string | undefined => manifest.scripts[name];
  const gates: GateConfig[] = [];
  const test = script('test');
  // What `npm init` writes when there is no test.
  if (test !== undefined && !/no test specified/.test(test)) gates.push(gate('test', manager === 'bun' ? 'bun run test' : `${manager} test`, 900));
  const types = ['typecheck', 'type-check', 'types', 'check-types', 'tsc'].find((name) => script(name) !== undefined);
  if (types !== undefined) gates.push(gate('types', `${run} ${types}`, 300));
  else if (project.names.has('tsconfig.json') && manifest.packages.has('typescript')) gates.push(gate('types', `${execute} tsc --noEmit`, 300));
  const lint = script('lint');
  // A script that repairs would change the tree that is being judged.
  if (lint !== undefined && !/--fix\b|--write\b/.test(lint)) gates.push(gate('lint', `${run} lint`, 300));
  else if (hasAny(project.names, /^(eslint\.config\.[cm]?[jt]s|\.eslintrc(\.(c?js|json|ya?ml))?)$/)) gates.push(gate('lint', `${execute} eslint .`, 300));
  else if (hasAny(project.names, /^biome\.jsonc?$/)) gates.push(gate('lint', `${execute} biome check .`, 300));
  return gates;
}

async function python(project: Project): Promise<GateConfig[]> {
  const isPython = hasAny(project.names, /^(pyproject\.toml|setup\.(py|cfg)|requirements.*\.txt|Pipfile|tox\.ini|pytest\.ini|uv\.lock|poetry\.lock|manage\.py)$/);
  if (!isPython) return [];
  const [toml, cfg, tox, requirements] = await Promise.all(['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements-dev.txt'].map(project.read));
  const all = `${toml ?? ''}\n${requirements ?? ''}\n${await project.read('requirements.txt')}`;
  const prefix = project.names.has('uv.lock') ? 'uv run ' : project.names.has('poetry.lock') ? 'poetry run ' : project.names.has('Pipfile') ? 'pipenv run ' : '';
  const uses = (tool: string): boolean => new RegExp(`^\\s*["']?${tool}\\b|["']${tool}[\\[<>=~!"' ;]`, 'm').test(all);
  const gates: GateConfig[] = [];
  const pytest = /\[tool\.pytest/.test(toml ?? '') || project.names.has('pytest.ini') || project.names.has('conftest.py') || /\[(tool:)?pytest\]/.test(`${cfg ?? ''}\n${tox ?? ''}`) || uses('pytest');
  if (pytest) gates.push(gate('pytest', `${prefix}pytest -q`, 900));
  else if (project.names.has('manage.py')) gates.push(gate('test', `${prefix}python manage.py test`, 900));
  const mypy = /\[tool\.mypy/.test(toml ?? '') || hasAny(project.names, /^\.?mypy\.ini$/) || /\[mypy\]/.test(cfg ?? '');
  // Without a configured list of files mypy wants one.
  const files = /^\s*(files|packages|modules)\s*=/m.test(`${section(toml ?? '', 'tool.mypy')}\n${section(cfg ?? '', 'mypy')}\n${await project.read('mypy.ini')}\n${await project.read('.mypy.ini')}`);
  if (mypy) gates.push(gate('mypy', `${prefix}mypy${files ? '' : ' .'}`, 300));
  if (/\[tool\.ruff/.test(toml ?? '') || hasAny(project.names, /^\.?ruff\.toml$/)) gates.push(gate('ruff', `${prefix}ruff check .`, 120));
  else if (project.names.has('.flake8') || /\[flake8\]/.test(`${cfg ?? ''}\n${tox ?? ''}`)) gates.push(gate('flake8', `${prefix}flake8`, 120));
  return gates;
}

function rust(project: Project): GateConfig[] {
  if (!project.names.has('Cargo.toml')) return [];
  const clippy = hasAny(project.names, /^\.?clippy\.toml$/);
  return [gate('cargo test', 'cargo test --quiet', 1800), ...(clippy ? [gate('clippy', 'cargo clippy --quiet --all-targets -- -D warnings', 900)] : [gate('cargo check', 'cargo check --quiet --all-targets', 900)])];
}

function go(project: Project): GateConfig[] {
  if (!project.names.has('go.mod')) return [];
  const lint = hasAny(project.names, /^\.golangci\.(ya?ml|toml|json)$/);
  return [gate('go test', 'go test ./...', 900), gate('go vet', 'go vet ./...', 300), ...(lint ? [gate('golangci-lint', 'golangci-lint run', 300)] : [])];
}

function jvm(project: Project): GateConfig[] {
  const windows = process.platform === 'win32';
  const wrapper = (name: string, plain: string): string => (project.names.has(name) ? (windows ? `.\\${name}${name === 'mvnw' ? '.cmd' : '.bat'}` : `./${name}`) : plain);
  if (hasAny(project.names, /^(build|settings)\.gradle(\.kts)?$/)) return [gate('gradle check', `${wrapper('gradlew', 'gradle')} check --console=plain`, 1800)];
  return project.names.has('pom.xml') ? [gate('maven verify', `${wrapper('mvnw', 'mvn')} --batch-mode --no-transfer-progress verify`, 1800)] : [];
}

function dotnet(project: Project): GateConfig[] {
  return hasAny(project.names, /\.(sln|slnx|csproj|fsproj)$/) ? [gate('dotnet test', 'dotnet test --nologo', 1800)] : [];
}

async function others(project: Project): Promise<GateConfig[]> {
  const gates: GateConfig[] = [];
  if (hasAny(project.names, /^deno\.jsonc?$/)) gates.push(gate('deno test', 'deno test', 600), gate('deno lint', 'deno lint', 120));
  if (project.names.has('mix.exs')) gates.push(gate('mix test', 'mix test', 900));
  if (project.names.has('Package.swift')) gates.push(gate('swift test', 'swift test', 1800));
  if (project.names.has('composer.json') && hasAny(project.names, /^phpunit\.(dist\.)?xml(\.dist)?$/)) gates.push(gate('phpunit', 'vendor/bin/phpunit', 900));
  const gemfile = await project.read('Gemfile');
  if (gemfile !== '') {
    if (project.names.has('.rspec') || /['"]rspec/.test(gemfile)) gates.push(gate('rspec', 'bundle exec rspec', 900));
    else if (project.names.has('Rakefile')) gates.push(gate('rake test', 'bundle exec rake test', 900));
    if (project.names.has('.rubocop.yml')) gates.push(gate('rubocop', 'bundle exec rubocop', 300));
  }
  return gates;
}

/** Only where nothing more telling is there: most Makefiles wrap the tools above. */
async function make(project: Project): Promise<GateConfig[]> {
  const name = ['GNUmakefile', 'makefile', 'Makefile'].find((one) => project.names.has(one));
  if (name === undefined) return [];
  const text = await project.read(name);
  const target = ['check', 'test', 'tests'].find((one) => new RegExp(`^${one}\\s*:(?!=)`, 'm').test(text));
  return target === undefined ? [] : [gate(`make ${target}`, `make ${target}`, 900)];
}

function gate(name: string, run: string, timeout: number): GateConfig {
  return { name, run, timeout, required: true, parallel: true };
}

/** Two kinds of project may both have a "test". */
function distinct(gates: readonly GateConfig[]): GateConfig[] {
  const seen = new Map<string, number>();
  return gates.map((one) => {
    const count = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, count);
    return count === 1 ? one : { ...one, name: `${one.name} ${count}` };
  });
}

function hasAny(names: ReadonlySet<string>, pattern: RegExp): boolean {
  return [...names].some((name) => pattern.test(name));
}

type Manager = 'npm' | 'pnpm' | 'yarn' | 'bun';

function packageManager(names: ReadonlySet<string>, declared: string): Manager {
  const known = (['pnpm', 'yarn', 'bun', 'npm'] as const).find((one) => declared.startsWith(one));
  if (known !== undefined) return known;
  if (names.has('pnpm-lock.yaml')) return 'pnpm';
  if (names.has('yarn.lock')) return 'yarn';
  return names.has('bun.lock') || names.has('bun.lockb') ? 'bun' : 'npm';
}

/** What matters of a package.json; a broken one has no scripts. */
function parseManifest(text: string): { scripts: Record<string, string>; packages: Set<string>; packageManager: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const record = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});
  const manifest = record(parsed);
  const scripts = Object.fromEntries(Object.entries(record(manifest['scripts'])).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  const packages = new Set([...Object.keys(record(manifest['dependencies'])), ...Object.keys(record(manifest['devDependencies']))]);
  return { scripts, packages, packageManager: typeof manifest['packageManager'] === 'string' ? manifest['packageManager'] : '' };
}

/** The lines of one section of a TOML or INI text. */
function section(text: string, name: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `[${name}]`);
  if (start < 0) return '';
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\s*\[/.test(line));
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}
