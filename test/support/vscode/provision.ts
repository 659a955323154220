/** The large parts of the end-to-end tests, from the npm registry and Debian's packages alone. */
import { existsSync } from 'node:fs';
import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { provide } from './cache.ts';
import { apt, canApt, requireBuildTools } from './apt.ts';
import { npm, progress, run, which } from './tools.ts';

/** Ships a compiled VS Code 1.139.1, made for Node 24. */
const CODE_SERVER = '4.139.1';
const CLAUDE = '2.1.328';
const CODEX = '0.169.0';
const GEMINI = '0.61.0';
const OPENCODE = '1.18.33';
const COPILOT = '1.0.102';
const SPARTICUZ = '153.0.0';

const PLATFORM = `${process.platform}-${process.arch}`;

/** The VS Code Server: a folder in which `out/server-main.js` starts. Compiled for the Node that runs this. */
export async function provideServer(): Promise<string> {
  const node = process.versions.node;
  const major = node.split('.')[0] ?? '';
  if (major !== '24') throw new Error(`VS Code Server ${CODE_SERVER} wants Node 24, this is ${node}. Start the tests by npm, which puts the right Node first on PATH.`);
  const dir = await provide(`code-server-${CODE_SERVER}-node${major}-${PLATFORM}`, async (partial) => {
    await requireBuildTools();
    await emptyPackage(partial);
    // Its own install script builds parts that no test needs (Kerberos); the two that the server needs are built below.
    await npm(['install', `code-server@${CODE_SERVER}`, '--ignore-scripts'], { cwd: partial, purpose: 'download the VS Code Server' });
    const server = serverIn(partial);
    await npm(['install', '--omit=dev', '--ignore-scripts'], { cwd: server, purpose: "download the VS Code Server's parts" });
    progress('compiling two native modules');
    const headers = await nodeHeaders(path.join(partial, 'headers'), node);
    const modules = ['@vscode/spdlog', '@vscode/native-watchdog'];
    await npm(['rebuild', ...modules], {
      cwd: server,
      env: { npm_config_nodedir: headers },
      purpose: 'compile the native modules of the VS Code Server',
      hint: 'It needs make, a C++ compiler and Python 3.',
    });
    for (const built of ['@vscode/spdlog/build/Release/spdlog.node', '@vscode/native-watchdog/build/Release/watchdog.node']) {
      await access(path.join(server, 'node_modules', built)).catch((cause: unknown) => {
        throw new Error(`npm rebuild reported success without building ${built}: does a setting of npm forbid install scripts?`, { cause });
      });
    }
  });
  return serverIn(dir);
}

const serverIn = (dir: string): string => path.join(dir, 'node_modules/code-server/lib/vscode');

/** The C++ headers of exactly this Node, from the package that carries its binary. */
async function nodeHeaders(dir: string, version: string): Promise<string> {
  const name = `node-${PLATFORM}`;
  await mkdir(dir);
  await emptyPackage(dir);
  await npm(['install', `${name}@${version}`, '--ignore-scripts'], { cwd: dir, purpose: `download the headers of Node ${version}` });
  return path.join(dir, 'node_modules', name);
}

export interface Browser {
  readonly executable: string;
  readonly args: readonly string[];
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
  '--force-color-profile=srgb',
];

/** Chromium without a window: it opens one of VS Code with two thirds of the processor time. */
const HEADLESS = 'chromium-headless-shell';

/**
 * A browser of the Chromium family: BATON_TEST_BROWSER, Debian's headless one (installed, where root may), an installed one, else the one that an npm
 * package carries, which needs libnss3 and libnspr4 of the system.
 */
export async function provideBrowser(): Promise<Browser> {
  const executable = process.env['BATON_TEST_BROWSER'] ?? which(HEADLESS) ?? (await debianBrowser()) ?? installedBrowser();
  return executable === undefined ? packagedBrowser() : { executable, args: FLAGS };
}

async function debianBrowser(): Promise<string | undefined> {
  if (!canApt()) return undefined;
  for (const name of [HEADLESS, 'chromium']) {
    if (name !== HEADLESS && installedBrowser() !== undefined) return undefined;
    try {
      await apt([name]);
    } catch (error) {
      progress(error instanceof Error ? error.message : String(error));
    }
    const found = which(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function installedBrowser(): string | undefined {
  const onPath = which('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge', 'microsoft-edge-stable');
  if (onPath !== undefined) return onPath;
  const usual = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ];
  return usual.find((file) => existsSync(file));
}

async function packagedBrowser(): Promise<Browser> {
  const hint = 'No browser of the Chromium family was found. Install chromium, or name one in BATON_TEST_BROWSER.';
  if (PLATFORM !== 'linux-x64') throw new Error(hint);
  const dir = await provide(`chromium-${SPARTICUZ}-${PLATFORM}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `@sparticuz/chromium@${SPARTICUZ}`, '--ignore-scripts'], { cwd: partial, purpose: 'download a browser', hint });
    // The package unpacks itself into the folder for temporary files.
    const unpack = "import('@sparticuz/chromium').then((module) => module.default.executablePath())";
    await run(process.execPath, ['--eval', unpack], { cwd: partial, env: { TMPDIR: partial }, purpose: 'unpack the browser', hint });
    await access(path.join(partial, 'chromium'));
  });
  const executable = path.join(dir, 'chromium');
  await run(executable, ['--version'], { purpose: 'start the packaged browser', hint: `It needs libnss3 and libnspr4. ${hint}` });
  return { executable, args: FLAGS };
}

/**
 * Absolute path of the real Claude Code binary, pinned. The package only carries a launcher that its install script replaces by
 * the native binary of an optional dependency; here that binary is used directly and no script runs.
 */
export async function provideClaude(): Promise<string> {
  const dir = await provide(`agents/claude-${CLAUDE}-${PLATFORM}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `@anthropic-ai/claude-code@${CLAUDE}`, '--ignore-scripts'], { cwd: partial, purpose: 'download Claude Code' });
    const version = await run(await claudeIn(partial), ['--version'], { purpose: 'start Claude Code' });
    if (!version.startsWith(CLAUDE)) throw new Error(`Claude Code ${CLAUDE} was installed, yet it calls itself ${version.trim()}.`);
  });
  return claudeIn(dir);
}

async function claudeIn(dir: string): Promise<string> {
  const scope = path.join(dir, 'node_modules/@anthropic-ai');
  const native = (await readdir(scope)).find((name) => name.startsWith('claude-code-'));
  if (native === undefined) throw new Error(`Claude Code ${CLAUDE} has no binary for ${PLATFORM}.`);
  return path.join(scope, native, process.platform === 'win32' ? 'claude.exe' : 'claude');
}

/** Absolute path of the real Codex binary, pinned. Its package's launcher is Node; the binary of the optional dependency is used directly. */
export async function provideCodex(): Promise<string> {
  const dir = await provide(`agents/codex-${CODEX}-${PLATFORM}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `@openai/codex@${CODEX}`, '--ignore-scripts'], { cwd: partial, purpose: 'download Codex' });
    const version = await run(await codexIn(partial), ['--version'], { purpose: 'start Codex' });
    if (!version.includes(CODEX)) throw new Error(`Codex ${CODEX} was installed, yet it calls itself ${version.trim()}.`);
  });
  return codexIn(dir);
}

async function codexIn(dir: string): Promise<string> {
  const scope = path.join(dir, 'node_modules/@openai');
  const native = (await readdir(scope)).find((name) => name.startsWith('codex-'));
  if (native === undefined) throw new Error(`Codex ${CODEX} has no binary for ${PLATFORM}.`);
  const vendor = path.join(scope, native, 'vendor');
  const [triple = ''] = await readdir(vendor);
  return path.join(vendor, triple, 'bin', process.platform === 'win32' ? 'codex.exe' : 'codex');
}

/** Absolute path of the real Gemini CLI's script, pinned; it is a program for Node. */
export async function provideGemini(): Promise<string> {
  const script = 'node_modules/@google/gemini-cli/bundle/gemini.js';
  const dir = await provide(`agents/gemini-${GEMINI}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `@google/gemini-cli@${GEMINI}`, '--ignore-scripts', '--omit=optional'], { cwd: partial, purpose: 'download the Gemini CLI' });
    await access(path.join(partial, script));
  });
  return path.join(dir, script);
}

/** Absolute path of the real opencode binary, pinned. */
export async function provideOpencode(): Promise<string> {
  const name = `opencode-${PLATFORM.replace('win32', 'windows')}`;
  const dir = await provide(`agents/opencode-${OPENCODE}-${PLATFORM}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `${name}@${OPENCODE}`, '--ignore-scripts'], { cwd: partial, purpose: 'download opencode' });
  });
  return path.join(dir, 'node_modules', name, 'bin', process.platform === 'win32' ? 'opencode.exe' : 'opencode');
}

/** Absolute path of the real Copilot CLI's binary, pinned; its package's launcher passes no signal on. */
export async function provideCopilot(): Promise<string> {
  const name = `@github/copilot-${PLATFORM}`;
  const dir = await provide(`agents/copilot-${COPILOT}-${PLATFORM}`, async (partial) => {
    await emptyPackage(partial);
    await npm(['install', `${name}@${COPILOT}`, '--ignore-scripts'], { cwd: partial, purpose: 'download the Copilot CLI' });
  });
  return path.join(dir, 'node_modules', name, process.platform === 'win32' ? 'copilot.exe' : 'copilot');
}

/** Keeps npm from walking up into the checkout that the cache lies in. */
function emptyPackage(dir: string): Promise<void> {
  return writeFile(path.join(dir, 'package.json'), JSON.stringify({ private: true }));
}
