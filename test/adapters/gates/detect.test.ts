import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { detectGates } from '../../../src/adapters/gates/detect.ts';
import { configSchema } from '../../../src/core/config/schema.ts';
import { tempDir } from '../../support/tmp.ts';

async function detected(files: Record<string, string>): Promise<string[]> {
  const root = tempDir();
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
  const gates = await detectGates(root);
  // What is found must be a valid configuration, unique names included.
  configSchema.parse({ gates });
  return gates.map((gate) => `${gate.name}: ${gate.run}`);
}

const manifest = (scripts: Record<string, string>, devDependencies: Record<string, string> = {}, more: object = {}): string => JSON.stringify({ scripts, devDependencies, ...more });

describe('gates found by the kind of project', () => {
  it('Node: test script, tsc and eslint where they are configured', async () => {
    assert.deepEqual(await detected({ 'package.json': manifest({ test: 'mocha' }, { typescript: '^5' }), 'tsconfig.json': '{}', 'eslint.config.mjs': '' }), [
      'test: npm test',
      'types: npx --no-install tsc --noEmit',
      'lint: npx --no-install eslint .',
    ]);
  });

  it('Node: not the test script that npm init writes, nor tools that are not set up', async () => {
    assert.deepEqual(await detected({ 'package.json': manifest({ test: 'echo "Error: no test specified" && exit 1' }), 'tsconfig.json': '{}' }), []);
  });

  it('Node: the project’s own scripts for types and lint come first, but none that repairs', async () => {
    assert.deepEqual(await detected({ 'package.json': manifest({ typecheck: 'tsc -b', lint: 'eslint src' }), 'tsconfig.json': '{}' }), ['types: npm run --silent typecheck', 'lint: npm run --silent lint']);
    assert.deepEqual(await detected({ 'package.json': manifest({ lint: 'eslint --fix .' }), 'eslint.config.js': '' }), ['lint: npx --no-install eslint .']);
  });

  for (const [lock, test] of [
    ['pnpm-lock.yaml', 'pnpm test'],
    ['yarn.lock', 'yarn test'],
    ['bun.lock', 'bun run test'],
    ['package-lock.json', 'npm test'],
  ] as const) {
    it(`Node: the package manager of ${lock}`, async () => assert.deepEqual(await detected({ 'package.json': manifest({ test: 'x' }), [lock]: '' }), [`test: ${test}`]));
  }

  it('Node: the declared package manager outranks lock files', async () => {
    assert.deepEqual(await detected({ 'package.json': manifest({ test: 'x' }, {}, { packageManager: 'pnpm@9.1.0' }), 'package-lock.json': '' }), ['test: pnpm test']);
  });

  it('Node: a broken package.json gives nothing instead of an error', async () => assert.deepEqual(await detected({ 'package.json': '{ not json' }), []));

  it('Python: pytest, mypy and ruff when configured (row 180)', async () => {
    assert.deepEqual(await detected({ 'pyproject.toml': '[project]\nname = "x"\n[tool.pytest.ini_options]\n[tool.mypy]\nstrict = true\n[tool.ruff]\nline-length = 100\n' }), [
      'pytest: pytest -q',
      'mypy: mypy .',
      'ruff: ruff check .',
    ]);
    assert.deepEqual(await detected({ 'pyproject.toml': '[project]\nname = "x"\n' }), []);
  });

  it('Python: by the environment’s runner, and mypy with its own list of files', async () => {
    assert.deepEqual(await detected({ 'pyproject.toml': '[dependency-groups]\ndev = ["pytest>=8"]\n[tool.mypy]\nfiles = ["src"]\n', 'uv.lock': '' }), ['pytest: uv run pytest -q', 'mypy: uv run mypy']);
  });

  it('Python: requirements, setup.cfg and Django', async () => {
    assert.deepEqual(await detected({ 'requirements.txt': 'flask\npytest==8.0\n', 'setup.cfg': '[flake8]\nmax-line-length = 100\n' }), ['pytest: pytest -q', 'flake8: flake8']);
    assert.deepEqual(await detected({ 'requirements.txt': 'django\n', 'manage.py': '' }), ['test: python manage.py test']);
  });

  it('Rust and Go', async () => {
    assert.deepEqual(await detected({ 'Cargo.toml': '', 'clippy.toml': '' }), ['cargo test: cargo test --quiet', 'clippy: cargo clippy --quiet --all-targets -- -D warnings']);
    assert.deepEqual(await detected({ 'go.mod': 'module x' }), ['go test: go test ./...', 'go vet: go vet ./...']);
  });

  it('Gradle and Maven by their wrappers, .NET, Ruby', async function () {
    if (process.platform === 'win32') this.skip();
    assert.deepEqual(await detected({ 'build.gradle.kts': '', gradlew: '' }), ['gradle check: ./gradlew check --console=plain']);
    assert.deepEqual(await detected({ 'pom.xml': '' }), ['maven verify: mvn --batch-mode --no-transfer-progress verify']);
    assert.deepEqual(await detected({ 'App.sln': '' }), ['dotnet test: dotnet test --nologo']);
    assert.deepEqual(await detected({ Gemfile: "gem 'rspec'", '.rubocop.yml': '' }), ['rspec: bundle exec rspec', 'rubocop: bundle exec rubocop']);
  });

  it('Make only where nothing more telling is there', async () => {
    assert.deepEqual(await detected({ Makefile: 'all:\n\ttrue\ntest: all\n\ttrue\n' }), ['make test: make test']);
    assert.deepEqual(await detected({ Makefile: 'test := 1\nbuild:\n' }), []);
    assert.deepEqual(await detected({ Makefile: 'test:\n', 'go.mod': '' }), ['go test: go test ./...', 'go vet: go vet ./...']);
  });

  it('several kinds in one repository give the gates of all, with names of their own', async () => {
    assert.deepEqual(await detected({ 'package.json': manifest({ test: 'x' }), 'requirements.txt': 'django', 'manage.py': '' }), ['test: npm test', 'test 2: python manage.py test']);
  });

  it('an empty folder, or none, has no gates', async () => {
    assert.deepEqual(await detected({}), []);
    assert.deepEqual(await detectGates(path.join(tempDir(), 'nowhere')), []);
  });
});
